"""Redirect URIs: RFC 9700 §4.1.3, RFC 8252 §7.3."""

from __future__ import annotations

import pytest

from broker.oauth.authorization import is_native, redirects_alike, with_parameters

LOOPBACK = "http://127.0.0.1/callback"
WEB = "https://console.example.com/callback"


@pytest.mark.parametrize(
    "uri", [LOOPBACK, "http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback"]
)
def test_a_loopback_redirect_has_any_port(uri: str) -> None:
    """RFC 8252 §7.3: an application listens where it can."""
    assert redirects_alike(LOOPBACK, uri)
    assert is_native(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "https://127.0.0.1/callback",
        "http://127.0.0.1/callback/",
        "http://127.0.0.1/callback?x=1",
        "http://127.0.0.1/other",
        "http://127.0.0.1:80@evil.example/callback",
        "http://127.0.0.1:80.evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://user@127.0.0.1/callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1:+1/callback",
        "http://127.0.0.1\\@evil.example/callback",
        "http://127.0.0.1/callback#x",
        "http://127.0.0.1/callback\n",
        "http://127.0.0.1/../callback",
        "http://127.0.0.2/callback",
        "http://localhost/callback",
        "http://LOCALHOST/callback",
        "HTTP://127.0.0.1/callback",
        "http://[::1]/callback",
        "http://0x7f000001/callback",
        "//127.0.0.1/callback",
        " http://127.0.0.1/callback",
        "",
    ],
)
def test_nothing_but_the_port_of_a_loopback_redirect_may_differ(uri: str) -> None:
    """Neither host nor path, and no spelling of them."""
    assert not redirects_alike(LOOPBACK, uri)


@pytest.mark.parametrize(
    "uri",
    [
        "https://console.example.com:443/callback",
        "https://console.example.com:8443/callback",
        "https://console.example.com/callback/",
        "https://console.example.com/callback?next=x",
        "https://console.example.com/Callback",
        "https://CONSOLE.example.com/callback",
        "https://console.example.com./callback",
        "https://console.example.com/callback%2f",
        "https://evil.example/callback",
        "http://console.example.com/callback",
        "javascript:alert(1)",
    ],
)
def test_a_web_redirect_is_literal(uri: str) -> None:
    """RFC 9700 §4.1.3: simple string comparison."""
    assert redirects_alike(WEB, WEB)
    assert not redirects_alike(WEB, uri)
    assert not is_native(WEB)


def test_parameters_are_added_to_a_query_that_is_there() -> None:
    """RFC 6749 §4.1.2: the query of the redirect URI is kept; values are encoded."""
    assert with_parameters(WEB, {"code": "a b&c", "state": ""}) == f"{WEB}?code=a+b%26c"
    assert with_parameters(f"{WEB}?x=1", {"code": "a"}) == f"{WEB}?x=1&code=a"
    assert with_parameters(WEB, {}) == WEB
