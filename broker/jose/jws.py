"""Signatures of upstream tokens (RFC 7515, RFC 7518 §3, RFC 8037).

The algorithm is allowed by configuration, the key comes from the issuer's set, and both have to
fit each other. The header chooses among what is allowed and nothing else: `jku`, `jwk`, `x5u` and
`x5c` in it are not looked at. Keys and algorithms are joserfc's; its decoding is not used, since
the token has been parsed once, more strictly.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

from joserfc.jws import JWSRegistry

from broker.errors import Detail, Stage, Unauthenticated
from broker.jose.keys import ALGORITHMS, KeySet, VerificationKey

_ALGORITHMS: Final = MappingProxyType({name: JWSRegistry.algorithms[name] for name in ALGORITHMS})


def check_header(header: Mapping[str, Any], allowed: Collection[str]) -> None:
    """Refuse an algorithm that is not in `allowed`, and every critical extension.

    We understand no extension, so a `crit` of any content is one that we must refuse (RFC 7515
    §4.1.11); `b64` (RFC 7797) changes what was signed. Raises `Unauthenticated` (stage
    `signature`): `token_algorithm_refused`, `token_extension_refused`.
    """
    algorithm = header["alg"]
    if algorithm not in allowed or algorithm not in _ALGORITHMS:
        raise Unauthenticated(
            "token_algorithm_refused",
            "the token's algorithm is not accepted from its issuer",
            stage=Stage.SIGNATURE,
            detail=Detail(
                name="alg", expected=f"one of {_list(sorted(allowed))}", got=algorithm[:64]
            ),
        )
    for name in ("crit", "b64"):
        if name in header:
            raise Unauthenticated(
                "token_extension_refused",
                f"the token's header has {name!r}; no extension is accepted",
                stage=Stage.SIGNATURE,
                detail=Detail(name=name, expected="absent", got=str(header[name])[:64]),
            )


def select_key(header: Mapping[str, Any], keys: KeySet) -> VerificationKey | None:
    """The key that the token means; None where the set has none that fits.

    With `kid`: the one of that name, if it verifies the header's algorithm. Without: the only one
    of the set that does; where several do, none is meant.
    """
    algorithm = header["alg"]
    kid = header.get("kid")
    if kid is not None:
        key = keys.by_kid.get(kid)
        return key if key is not None and algorithm in key.algorithms else None
    fitting = [key for key in keys.keys if algorithm in key.algorithms]
    return fitting[0] if len(fitting) == 1 else None


def is_signed_by(
    key: VerificationKey, header: Mapping[str, Any], signing_input: bytes, signature: bytes
) -> bool:
    """Whether `signature` is this key's over `signing_input`, by the header's algorithm.

    The header has passed `check_header`, the key is what `select_key` chose.
    """
    algorithm = header["alg"]
    if algorithm not in key.algorithms:
        return False
    verified: bool = _ALGORITHMS[algorithm].verify(signing_input, signature, key.key)
    return verified


def check_signature(
    header: Mapping[str, Any], signing_input: bytes, signature: bytes, keys: KeySet
) -> None:
    """Refuse what no key of `keys` signed. The header has passed `check_header`.

    Raises `Unauthenticated` (stage `signature`): `token_key_unknown`, `token_signature_invalid`.
    """
    key = select_key(header, keys)
    if key is None:
        raise _key_unknown(header, keys)
    if not is_signed_by(key, header, signing_input, signature):
        raise signature_invalid(key, header)


def _key_unknown(header: Mapping[str, Any], keys: KeySet) -> Unauthenticated:
    algorithm = header["alg"]
    kid = header.get("kid")
    known = [f"{k.kid or '(no kid)'} {'/'.join(sorted(k.algorithms))}" for k in keys.keys]
    if kid is None:
        expected = f"a kid, or exactly one {algorithm} key in the issuer's set"
    else:
        expected = f"a {algorithm} key of the issuer with that kid"
    return Unauthenticated(
        "token_key_unknown",
        "the token is signed with a key that its issuer does not publish",
        stage=Stage.SIGNATURE,
        detail=Detail(
            name="kid",
            expected=expected,
            got=None if kid is None else str(kid)[:128],
            hint=f"The issuer's usable keys: {_list(known)}."
            + (f" Not usable: {_list(keys.dropped)}." if keys.dropped else ""),
        ),
    )


def signature_invalid(key: VerificationKey, header: Mapping[str, Any]) -> Unauthenticated:
    """What to raise when the key is known and the signature is not its."""
    return Unauthenticated(
        "token_signature_invalid",
        "the token's signature is not valid",
        stage=Stage.SIGNATURE,
        detail=Detail(
            name="signature",
            expected=f"a valid {header['alg']} signature by the key {key.kid or '(no kid)'}",
            got="one that is not",
            hint="The token was changed after it was signed, or another issuer uses this kid.",
        ),
    )


def _list(names: Collection[str], limit: int = 10) -> str:
    shown = ", ".join(list(names)[:limit]) or "none"
    return f"{shown}, …" if len(names) > limit else shown
