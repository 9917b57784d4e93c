"""C2SP/wycheproof's JWS and JWK vectors, each as the JOSE layer of an upstream token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.errors import Unauthenticated
from broker.jose.compact import split
from broker.jose.jws import check_header, check_signature
from broker.jose.keys import ALGORITHMS, KeySetRefused, parse_key_set

VECTORS = Path(__file__).parents[2] / ".." / "shared" / "vectors" / "wycheproof"

# labels that contradict the vector: in the first four the JWK's alg differs from the header's,
# in the others the label contradicts the MAC
MISLABELLED = {346, 347, 350, 351, 367, 370, 372, 373}

pytestmark = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="../shared/vectors/wycheproof is not there"
)


def vectors(name: str) -> list[Any]:
    return list(_vectors(name))


def _vectors(name: str) -> Iterator[Any]:
    path = VECTORS / name
    if not path.is_file():
        return
    for group in json.loads(path.read_text())["testGroups"]:
        # symmetric keys have no public half; the set is then offered as it is, and must not serve
        key = group.get("public", group["private"])
        document = key if "keys" in key else {"keys": [key]}
        for case in group["tests"]:
            label = f"{case['tcId']}-{group['comment']}-{case['comment']}"
            yield pytest.param(document, case, id=label)


def accepts(token: str, document: dict[str, Any]) -> bool:
    try:
        keys = parse_key_set(json.dumps(document).encode())
        header, _, signing_input, signature = split(token)
        check_header(header, ALGORITHMS)
        check_signature(header, signing_input, signature, keys)
    except (Unauthenticated, KeySetRefused):
        return False
    return True


def is_symmetric(document: dict[str, Any]) -> bool:
    return all(key["kty"] == "oct" for key in document["keys"])


@pytest.mark.parametrize(("document", "case"), vectors("json_web_signature_test.json"))
def test_jws(document: dict[str, Any], case: dict[str, Any]) -> None:
    """A JWS is accepted exactly when Wycheproof calls it valid and it is not an HMAC.

    The mislabelled cases are called valid although the key's alg differs from the header's; for
    us that is a refusal.
    """
    valid = case["result"] == "valid" and case["tcId"] not in MISLABELLED
    expected = valid and not is_symmetric(document)
    assert accepts(case["jws"], document) is expected


@pytest.mark.parametrize(("document", "case"), vectors("json_web_key_test.json"))
def test_jwk(document: dict[str, Any], case: dict[str, Any]) -> None:
    """A key set serves exactly when Wycheproof calls it valid and it is not symmetric."""
    expected = case["result"] == "valid" and not is_symmetric(document)
    assert accepts(case["jws"], document) is expected
