"""security.md, "Before any fetch": each test fails when its check is taken out."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from broker.errors import Invalid, Stage, Unauthenticated
from broker.iam.issuer_url import check_issuer_url
from broker.jose.compact import MAX_TOKEN, parse
from broker.sdk.testing import LocalIssuer
from tests.kit.issuers import relying_party

ISSUER = "https://issuer.example"
CLAIMS: dict[str, Any] = {"iss": ISSUER, "sub": "me", "aud": "https://broker.example"}


def b64(raw: bytes | str) -> str:
    data = raw.encode() if isinstance(raw, str) else raw
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unsigned(payload: bytes | str, header: bytes | str = '{"alg":"RS256"}') -> str:
    return f"{b64(header)}.{b64(payload)}.{b64(b'signature')}"


def with_claims(**claims: Any) -> str:
    return unsigned(json.dumps(CLAIMS | claims))


def refusal(token: str) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as refused:
        parse(token)
    assert refused.value.stage is Stage.TOKEN
    return refused.value


def test_the_template_parses() -> None:
    """What the other tests bend is a token that parses, so that each bend is what refuses it."""
    assert parse(with_claims(exp=1)).unverified_subject == "me"


def test_size() -> None:
    """A token of 16 KiB is read, one character more is not."""
    template = with_claims(pad="")
    for extra in range(4):
        room = (MAX_TOKEN - len(template)) * 3 // 4 - extra
        token = with_claims(pad="x" * room)
        if len(token) <= MAX_TOKEN:
            parse(token)
            break
    assert refusal(with_claims(pad="x" * MAX_TOKEN)).code == "token_too_large"
    assert refusal("." * (MAX_TOKEN + 1)).code == "token_too_large"


@pytest.mark.parametrize("segments", [0, 1, 2, 4, 5, 1000])
def test_dots(segments: int) -> None:
    """A token with any number of segments but three is refused for that, whatever they hold."""
    parts = (["e30", *with_claims().split(".")] + ["e30"] * 1000)[:segments]
    assert "three base64url segments" in refusal(".".join(parts)).message


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda s: s + "=" * (-len(s) % 4 or 4), id="padding"),
        pytest.param(lambda s: s[:-1] + "+", id="plus"),
        pytest.param(lambda s: s[:-1] + "/", id="slash"),
        pytest.param(lambda s: s + "\n", id="newline"),
        pytest.param(lambda s: " " + s, id="space"),
        pytest.param(lambda s: s[:4] + "é" + s[5:], id="beyond-ascii"),
        pytest.param(lambda s: s[: len(s) // 4 * 4] + "A", id="impossible-length"),
        pytest.param(lambda s: s[: len(s) // 4 * 4] + "AB", id="unused-bits-of-two"),
        pytest.param(lambda s: s[: len(s) // 4 * 4] + "AAB", id="unused-bits-of-three"),
    ],
)
def test_base64url(position: int, spoil: Any) -> None:
    """A segment in anything but canonical, unpadded base64url is refused."""
    parts = with_claims().split(".")
    parts[position] = spoil(parts[position])
    assert refusal(".".join(parts)).code == "token_malformed"


@pytest.mark.parametrize(
    "header",
    [
        '{"alg":"none","alg":"RS256"}',
        '{"alg":"RS256","x":{"a":1,"a":2}}',
        '["RS256"]',
        '"RS256"',
        "",
        "{}",
        '{"alg":null}',
        '{"alg":["RS256"]}',
        '{"alg":"RS256","kid":1}',
        '{"alg":"RS256","typ":1}',
        '{"alg":"RS256","kid":"a\\u0000"}',
        '{"alg":"RS256","kid":"\\ud800"}',
        b'{"alg":"RS256","kid":"\xff"}',
        b'\xef\xbb\xbf{"alg":"RS256"}',
    ],
)
def test_header(header: bytes | str) -> None:
    """A header that is not one JSON object, read alike by all, with a string alg, is refused."""
    token = unsigned(json.dumps(CLAIMS), header)
    for _ in range(2):  # the second time from the cache of headers, which holds no refusal
        assert refusal(token).code == "token_malformed"


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param('"sub":"me","sub":"you"', id="duplicate"),
        pytest.param('"sub":"me","\\u0073ub":"you"', id="duplicate-by-escape"),
        pytest.param('"x":[{"a":{"b":1,"b":2}}]', id="duplicate-deep"),
        pytest.param('"x":"\\u0000"', id="nul"),
        pytest.param('"x\\u0000":1', id="nul-in-name"),
        pytest.param('"x":[{"a":"\\u0000"}]', id="nul-deep"),
        pytest.param('"x":"\\ud800"', id="lone-surrogate"),
        pytest.param('"x":"\\udc00\\ud800"', id="surrogates-reversed"),
        pytest.param('"x":NaN', id="nan"),
        pytest.param('"x":-Infinity', id="infinity"),
        pytest.param('"x":1e999', id="overflow"),
        pytest.param(f'"x":{2**64}', id="integer-beyond-64-bits"),
        pytest.param(f'"x":{"9" * 5000}', id="integer-of-5000-digits"),
        pytest.param(f'"x":{"[" * 40}{"]" * 40}', id="deep"),
        pytest.param(f'"x":{"[" * 5000}{"]" * 5000}', id="very-deep"),
        pytest.param('"x":"\n"', id="raw-control-character"),
        pytest.param('"x":1,', id="trailing-comma"),
    ],
)
def test_payload(extra: str) -> None:
    """A payload that two JSON readers could read differently is refused."""
    head = json.dumps(CLAIMS)[:-1]
    assert refusal(unsigned(f"{head},{extra}}}")).code == "token_malformed"


def test_payload_in_depth_is_fine() -> None:
    """Nesting, escapes and surrogate pairs that mean one thing are accepted."""
    nested = {"kubernetes.io": {"pod": {"name": "a", "labels": [{"k": "v"}] * 40}}}
    token = with_claims(emoji="\U0001f600", backslash="\\u0000", **nested)
    assert parse(token).claims["emoji"] == "\U0001f600"


NOT_NUMBERS: tuple[object, ...] = ("1", True, None, [1], {}, -1, 1e300, 10**15)
NOT_STRINGS: tuple[object, ...] = ("", None, 1, ["a"], {})
NOT_AUDIENCES: tuple[object, ...] = ("", None, 1, [], [""], ["a", 1], ["a", None], {"a": 1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("exp", "nbf", "iat") for value in NOT_NUMBERS),
        *((name, value) for name in ("iss", "sub") for value in NOT_STRINGS),
        *(("aud", value) for value in NOT_AUDIENCES),
    ],
)
def test_claim_types(name: str, value: object) -> None:
    """A registered claim of another type than its RFC's is refused and named."""
    refused = refusal(with_claims(**{name: value}))
    assert (refused.code, refused.field) == ("token_claim_invalid", name)


@pytest.mark.parametrize("name", ["iss", "sub", "aud"])
def test_required_claims(name: str) -> None:
    """A token without issuer, subject or audience is refused."""
    claims = {key: value for key, value in CLAIMS.items() if key != name}
    refused = refusal(unsigned(json.dumps(claims)))
    assert (refused.code, refused.field) == ("token_claim_invalid", name)
    assert refused.detail is not None
    assert refused.detail.got is None


async def test_only_the_allowed_issuer_is_fetched() -> None:
    """A token of another issuer than the record's causes no request to either of them."""
    async with LocalIssuer(algorithm="ES256") as ours, LocalIssuer(algorithm="ES256") as theirs:
        async with relying_party() as party:
            with pytest.raises(Unauthenticated) as refused:
                await party.verify(theirs.token(), issuer=ours.url)
        assert refused.value.code == "token_issuer_mismatch"
        assert not theirs.requests
        assert not ours.requests


async def test_a_token_does_not_choose_where_keys_come_from() -> None:
    """jku, x5u and jwk in the header are not looked at: the address they name is never asked."""
    async with LocalIssuer(algorithm="ES256") as ours, LocalIssuer(algorithm="ES256") as theirs:
        header = {
            "jku": f"{theirs.url}/.well-known/jwks",
            "x5u": f"{theirs.url}/.well-known/jwks",
            "jwk": theirs.jwks()["keys"][0],
        }
        token = theirs.token({"iss": ours.url}, header=header)
        async with relying_party() as party:
            with pytest.raises(Unauthenticated) as refused:
                await party.verify(token, issuer=ours.url)
        assert refused.value.code == "token_key_unknown"
        assert not theirs.requests


@pytest.mark.parametrize(
    "issuer",
    [
        "https://user@issuer.example",
        "https://issuer.example?x=1",
        "https://issuer.example/#x",
        "http://issuer.example",
        "ftp://issuer.example",
        "https://Issuer.example",
    ],
)
async def test_a_pattern_lets_no_other_url_be_fetched(issuer: str) -> None:
    """An issuer that a pattern let through is judged like a registered one before any fetch."""
    signer = LocalIssuer(algorithm="ES256", issuer=issuer)
    async with relying_party(outbound={"lookup": _never}) as party:
        with pytest.raises(Unauthenticated) as refused:
            await party.verify(signer.token(), issuer=issuer)
    assert (refused.value.code, refused.value.stage) == ("issuer_not_fetchable", Stage.ISSUER)


def _never(host: str) -> list[str]:
    raise AssertionError(f"{host} was looked up")


@pytest.mark.parametrize(
    "url",
    [
        "https://issuer.example",
        "https://issuer.example/",
        "https://issuer.example/a/b.c/~d%20e",
        "https://issuer.example:8443/x",
        "https://1.1.1.1",
        "https://[2606:4700::1111]:8443/x",
        "https://xn--bcher-kva.example",
        "https://idp",
        "https://token.actions.githubusercontent.com/acme",
        "accounts.google.com",
    ],
)
def test_issuer_urls(url: str) -> None:
    """An https URL of a lower-case ASCII host is an issuer, and so is Google's bare name."""
    check_issuer_url(url, allow_http_loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "issuer.example",
        "accounts.google.com/",
        "accounts.google.com.evil.example",
        "//issuer.example",
        "http://issuer.example",
        "HTTPS://issuer.example",
        "https:/issuer.example",
        "https://",
        "https:///path",
        "https://Issuer.example",
        "https://bücher.example",
        "https://issuer.example?",
        "https://issuer.example?a=b",
        "https://issuer.example#",
        "https://issuer.example/#a",
        "https://user@issuer.example",
        "https://user:pass@issuer.example",
        "https://@issuer.example",
        "https://issuer.example\\@evil.example",
        "https://issuer.example/a/../b",
        "https://issuer.example/a/%2e%2E/b",
        "https://issuer.example/./b",
        "https://issuer.example/a b",
        "https://issuer.example/%zz",
        "https://issuer.example\n",
        " https://issuer.example",
        "https://issuer.example\x00",
        "https://issuer.example:",
        "https://issuer.example:0",
        "https://issuer.example:65536",
        "https://issuer.example:0443",
        "https://issuer.example:https",
        "https://issuer..example",
        "https://issuer.example.",
        "https://-issuer.example",
        "https://issuer_x.example",
        "https://127.1",
        "https://2130706433",
        "https://0x7f000001",
        "https://0177.0.0.1",
        "https://1.1.1.1.1",
        "https://[::1",
        "https://[::1]x",
        "https://[0:0::1]",
        "https://[fe80::1%eth0]",
        "https://[::FFFF:1.1.1.1]",
        f"https://issuer.example/{'a' * 2048}",
    ],
)
def test_issuer_urls_refused(url: str) -> None:
    """Whatever has a second spelling, or is not plainly https, is not an issuer."""
    for development in (False, True):
        with pytest.raises(Invalid) as refused:
            check_issuer_url(url, allow_http_loopback=development)
        assert refused.value.field == "issuer"


@pytest.mark.parametrize(
    "url", ["http://localhost:8080", "http://127.0.0.1", "http://127.8.9.10:1/x", "http://[::1]:9"]
)
def test_http_loopback(url: str) -> None:
    """http is for loopback hosts of a development installation, and for nothing else."""
    check_issuer_url(url, allow_http_loopback=True)
    with pytest.raises(Invalid):
        check_issuer_url(url, allow_http_loopback=False)


@pytest.mark.parametrize(
    "url", ["http://localhost.evil.example", "http://10.0.0.1", "http://128.0.0.1", "http://[::2]"]
)
def test_http_elsewhere(url: str) -> None:
    """http to what merely looks like loopback is refused in development too."""
    with pytest.raises(Invalid):
        check_issuer_url(url, allow_http_loopback=True)


@pytest.mark.parametrize("near", ["{}/", "{}//", "{}/.", "{}?"])
async def test_a_near_miss_is_no_match(near: str) -> None:
    """An issuer that differs from the record's by a slash is another issuer."""
    async with LocalIssuer(algorithm="ES256") as issuer:
        token = issuer.token(iss=near.format(issuer.url))
        async with relying_party() as party:
            with pytest.raises(Unauthenticated) as refused:
                await party.verify(token, issuer=issuer.url, now=time.time())
    assert refused.value.code == "token_issuer_mismatch"
