"""Whatever comes in the place of a signed AWS request: read, or refused by name, and never worse."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.aws_request import HOSTS, IDENTITY, ISSUER, PREFIXES, check
from tests.kit.sts import role, serialized, signed_request

CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus" / "aws_request"
GOOD = signed_request(role(), ISSUER, IDENTITY)
LINES = GOOD.removesuffix(b"\r\n\r\n").split(b"\r\n")
PIECES = [
    b"\r\n",
    b"\n",
    b"\r",
    b":",
    b" ",
    b"\t",
    b"\0",
    b"Host: ",
    b"x-amz-",
    b"\xff",
    b"=",
    b";",
]


@given(st.binary(max_size=400))
def test_any_bytes(raw: bytes) -> None:
    """Bytes without any form."""
    check(raw)
    check(base64.b64encode(raw))


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    """Text of any alphabet."""
    check(text.encode(errors="surrogatepass"))


@given(st.integers(0, len(GOOD)), st.integers(0, 40), st.lists(st.sampled_from(PIECES), max_size=4))
def test_a_good_request_with_a_piece_replaced(start: int, length: int, pieces: list[bytes]) -> None:
    """Any part of a good one, replaced by what has a meaning to parsers."""
    raw = GOOD[:start] + b"".join(pieces) + GOOD[start + length :]
    check(base64.urlsafe_b64encode(raw))


@given(st.lists(st.sampled_from(LINES), max_size=16), st.sampled_from([b"\r\n", b"\n", b"\r"]))
def test_lines_in_any_order_and_number(lines: list[bytes], end: bytes) -> None:
    """The lines of a good one, some left out and some twice."""
    check(base64.urlsafe_b64encode(end.join([*lines, b"", b""])))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["Host", "Accept", "Authorization", "X-Amz-Date", "Chainguard-Identity"]
            )
            | st.text(max_size=8),
            st.text(max_size=40),
        ),
        max_size=8,
    )
)
def test_any_headers(headers: list[tuple[str, str]]) -> None:
    """Known names and others, with any values."""
    check(base64.urlsafe_b64encode(serialized("POST", "/", headers)))


def test_the_good_one_is_read() -> None:
    """Or the others would show nothing."""
    assert check(base64.urlsafe_b64encode(GOOD)) is not None


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_the_corpus(path: Path) -> None:
    """What the long run starts from, and what it has found, is read or refused by name."""
    taken = check(path.read_bytes())
    assert (taken is not None) == path.name.startswith("good")


def test_the_settings_are_those_of_the_corpus() -> None:
    """The good ones of the corpus are for these."""
    assert ({"sts.amazonaws.com"}, ("Chainguard", "Acme")) == (HOSTS, PREFIXES)
