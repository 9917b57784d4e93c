"""The published test suite of SigV4: what the stand-in STS and the parser of requests make of it."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from botocore.credentials import Credentials

from broker.upstream.http_request import HttpRequestRefused, parse_head
from tests.kit.sts import Headers, sigv4

VECTORS = Path(__file__).parents[2] / ".." / "shared" / "vectors" / "aws-sigv4"

pytestmark = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="../shared/vectors/aws-sigv4 is not there"
)

AMBIGUOUS = {"get-header-value-multiline", "get-header-key-duplicate", "get-header-value-order"}


def context(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "context.json").read_text())
    return document


def cases() -> list[Any]:
    if not VECTORS.is_dir():
        return []
    folders = sorted(VECTORS.iterdir())
    # paths that are signed as they stand are those of S3; STS has none
    return [pytest.param(f, id=f.name) for f in folders if context(f)["normalize"]]


def request_of(folder: Path) -> tuple[str, str, Headers, bytes]:
    """Method, target, headers and body of a signed request as the suite writes it."""
    head, _, body = (folder / "header-signed-request.txt").read_text().partition("\n\n")
    first, *lines = head.replace("\n ", " ").splitlines()
    method, _, rest = first.partition(" ")
    headers = [(name, value) for name, _, value in (line.partition(":") for line in lines)]
    path, mark, query = rest.removesuffix(" HTTP/1.1").partition("?")
    # botocore encodes paths and expects queries encoded
    return method, path + mark + quote(query, safe=string.punctuation), headers, body.encode()


@pytest.mark.parametrize("folder", cases())
def test_the_stand_in_verifies_as_the_suite_says(folder: Path) -> None:
    """Canonical request, string to sign and signature are the published ones."""
    method, target, headers, body = request_of(folder)
    (authorization,) = (value for name, value in headers if name == "Authorization")
    _, _, listed = authorization.partition("SignedHeaders=")
    stated = context(folder)
    keys = stated["credentials"]
    canonical, to_sign, signature = sigv4(
        method,
        f"https://example.amazonaws.com{target}",
        headers,
        signed=listed.partition(",")[0].split(";"),
        credentials=Credentials(keys["access_key_id"], keys["secret_access_key"]),
        at="20150830T123600Z",
        region=stated["region"],
        service=stated["service"],
        body=body,
    )
    assert canonical == (folder / "header-canonical-request.txt").read_text()
    assert to_sign == (folder / "header-string-to-sign.txt").read_text()
    assert signature == (folder / "header-signature.txt").read_text()
    assert authorization.endswith(signature)


@pytest.mark.parametrize("folder", cases())
def test_headers_are_read_as_they_are_signed(folder: Path) -> None:
    """A header's value is that of the canonical request, or the request is refused."""
    text = (folder / "header-signed-request.txt").read_text()
    head, _, body = text.partition("\n\n")
    raw = head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body.encode()
    target_has_space = head.splitlines()[0].count(" ") > 2
    if folder.name in AMBIGUOUS or body or target_has_space or not text.isascii():
        with pytest.raises(HttpRequestRefused):
            parse_head(raw)
        return
    request = parse_head(raw)
    canonical = (folder / "header-canonical-request.txt").read_text().splitlines()[3:]
    for line in canonical[: canonical.index("")]:
        name, _, value = line.partition(":")
        assert request.headers[name] == value
