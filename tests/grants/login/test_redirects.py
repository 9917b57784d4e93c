"""Where a token may be sent, and how it is put there."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Invalid
from broker.grants.login.redirects import Redirects, origin_of, with_answer

REDIRECTS = Redirects(["https://console.example.com", "https://console.example.com:8443"])

GOOD = [
    "http://localhost:8123/callback",
    "http://localhost:8123/callback?token=true&error=true",
    "http://localhost/",
    "http://localhost",
    "http://127.0.0.1:65535/a/b?c=d",
    "http://[::1]:1/callback",
    "https://console.example.com/login",
    "https://console.example.com:8443/login?x=%20y",
]

TRICKS = [
    "",
    "/callback",
    "//localhost/callback",
    "http:localhost/callback",
    "http:/localhost/callback",
    "http:///localhost/callback",
    "https://localhost:8123/callback",
    "http://console.example.com/",
    "http://evil.example/",
    "http://localhost.evil.example/",
    "http://localhost:8123@evil.example/",
    "http://localhost:pw@evil.example/",
    "http://evil.example@localhost:8123/",
    "http://localhost@evil.example/",
    "http://localhost\\@evil.example/",
    "http://localhost:8123\\.evil.example/",
    "http://evil.example\\localhost/",
    "http:\\\\evil.example/",
    "http://localhost%2f.evil.example/",
    "http://localhost%00.evil.example/",
    "http://localhost:8123%2f@evil.example/",
    "http://localhost\t:8123/",
    "http://local\thost:8123/callback",
    "http://localhost:8123/call\nback",
    " http://localhost:8123/callback",
    "http://localhost:8123/callback ",
    "http://localhost:8123/callback\n",
    "http://localhost:8123/#fragment",
    "http://localhost:8123/?a=b#c",
    "http://LOCALHOST:8123/",
    "HTTP://localhost:8123/",
    "http://localhost.:8123/",
    "http://localhost:/callback",
    "http://localhost:0/callback",
    "http://localhost:080/callback",
    "http://localhost:65536/callback",
    "http://localhost:123456/callback",
    "http://localhost:-1/callback",
    "http://localhost:8123;evil.example/",
    "http://localhost?@evil.example/\\",
    "http://127.0.0.1.evil.example/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::1%25lo]/",
    "http://localhost。evil.example/",
    "http://localhost.evil.example/",
    "http://localhost:8123/ü",
    "http://localhost:8123/%zz",
    "javascript:alert(1)",
    "javascript://localhost/%0aalert(1)",
    "data:text/html,x",
    "file://localhost/etc/passwd",
    "https://console.example.com.evil.example/",
    "https://console.example.com@evil.example/",
    "https://console.example.com:443/",
    "https://console.example.com:9443/",
    "https://CONSOLE.example.com/",
    "https://console.example.com./",
    "https://evil.example/?https://console.example.com/",
    "https://evil.example//console.example.com/",
    "http://localhost:8123/" + "a" * 2048,
]


@pytest.mark.parametrize("redirect", GOOD)
def test_loopback_addresses_and_named_origins_are_redirected_to(redirect: str) -> None:
    """A token goes to any port and path of a loopback host, and of an origin that a setting has."""
    assert REDIRECTS.check(redirect) == redirect


@pytest.mark.parametrize("redirect", TRICKS)
def test_nothing_else_is_redirected_to(redirect: str) -> None:
    """What a browser might read as another host than we do is refused, however it is spelt."""
    with pytest.raises(Invalid) as caught:
        REDIRECTS.check(redirect)
    assert (caught.value.code, caught.value.field) == ("redirect_not_allowed", "redirect")


@given(st.text(alphabet="http:/localhost127.0[]@\\?#%2f&=ev \t", max_size=40))
def test_what_passes_is_read_alike_by_others(redirect: str) -> None:
    """Whatever is let through, the URL parser of the standard library sees a loopback host too."""
    try:
        Redirects().check(redirect)
    except Invalid:
        return
    parts = urlsplit(redirect)
    assert (parts.scheme, parts.username, parts.fragment) == ("http", None, "")
    assert parts.hostname in {"localhost", "127.0.0.1", "::1"}


def test_placeholders_make_room_for_the_answer() -> None:
    """The first value of `token` is ours: clients that put a placeholder there read the first."""
    url = with_answer(
        "http://localhost:1/callback?token=true&error=true&x=a%20b&x=c", {"token": "t/+ k"}
    )
    assert url == "http://localhost:1/callback?x=a%20b&x=c&token=t%2F%2B+k"


def test_placeholders_are_known_in_other_spellings() -> None:
    """`%74oken=` is a placeholder too, since servers decode the names of parameters."""
    query = urlsplit(with_answer("http://localhost/?%74oken=1&token", {"error": "no"})).query
    assert parse_qs(query, keep_blank_values=True) == {"error": ["no"]}


def test_an_answer_is_added_where_there_was_no_query() -> None:
    """A redirect without a query gets one."""
    assert with_answer("http://localhost", {"token": "t"}) == "http://localhost?token=t"


def test_people_are_told_of_an_origin_that_is_no_loopback_address() -> None:
    """The sign-in page names the console by its origin, and a loopback client not at all."""
    assert origin_of("https://console.example.com:8443/login") == "https://console.example.com:8443"
    assert origin_of("http://[::1]:1/callback") == ""
