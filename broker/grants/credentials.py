"""What workloads prove themselves with, told apart by its form, each with the way to verify it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from broker.errors import BrokerError, Denied, Detail, Stage
from broker.iam.claims import UnverifiedClaims, VerifiedClaims
from broker.iam.model import AwsIdentity, ClaimMatch, Identity, Person, StaticKeys
from broker.iam.uidp import Uidp
from broker.jose.compact import UnverifiedToken, parse
from broker.upstream.aws import AwsVerifier
from broker.upstream.aws_request import UnverifiedAwsRequest
from broker.upstream.oidc import OidcVerifier


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that `Credential.verify` sees to, in words for the owner of an identity."""

    stage: Stage
    """Of the error that it raises when this does not hold; each check has a stage of its own."""
    name: str
    expected: str
    held: str
    """What was there, where it held."""


class Credential(Protocol):
    """Taken apart, and not believed yet."""

    @property
    def sha256(self) -> str:
        """Hex, of the whole text: the name under which records speak of it."""

    @property
    def form(self) -> str:
        """For the account: `JWT, ES256, kid k1`."""

    @property
    def unverified_issuer(self) -> str:
        """Who is said to vouch for it."""

    @property
    def unverified_subject(self) -> str:
        """Whom it is said to be about; empty where only its verification tells."""

    @property
    def unverified_claims(self) -> UnverifiedClaims | None:
        """What it says of itself; None where only its verification tells."""

    @property
    def use_id(self) -> str:
        """What is the same when it is used again, however it is spelt, and of no other."""

    def check(self, now: float) -> None:
        """What makes it unacceptable whoever it is for. Raises `Unauthenticated`.

        Asked before an identity is looked up, so that the answer says nothing about identities.
        """

    def faults(self, now: float) -> Iterable[BrokerError]:
        """Everything that `check` would raise if it went on after the first."""

    async def verify(self, identity: Identity, now: float) -> VerifiedClaims:
        """The claims, verified in the way that the identity's relationship asks for.

        The identity's rules allow the issuer. Raises `Unauthenticated` and `Unavailable`, and
        `Denied` for an identity to which this kind of credential says nothing.
        """

    def checks(self, identity: Identity | None) -> tuple[Check, ...]:
        """What `verify` sees to, in the order in which it does: one that fails ends it."""


class Credentials:
    """Reads what a caller sends. Another kind of it plugs in here."""

    def __init__(self, verifier: OidcVerifier, aws: AwsVerifier | None = None) -> None:
        """`aws`: None where no signed AWS requests are taken."""
        self._verifier = verifier
        self._aws = aws

    def read(self, text: str, named: Uidp | None) -> Credential:
        """By its form: a JWT has dots, a signed AWS request is base64. Raises `Unauthenticated`.

        `named`: whom the request names, with whom a credential may be bound up.
        """
        if self._aws is not None and "." not in text:
            return AwsCredential(self._aws.parse(text), named, self._aws)
        return JwtCredential(parse(text), self._verifier)


class JwtCredential:
    """A JWT of an OpenID provider, or of an issuer whose keys are on record."""

    __slots__ = ("_verifier", "token", "unverified_issuer")

    def __init__(self, token: UnverifiedToken, verifier: OidcVerifier) -> None:
        self.token = token
        self.unverified_issuer = token.unverified_issuer
        self._verifier = verifier

    @property
    def sha256(self) -> str:
        """Of the token."""
        return self.token.sha256

    @property
    def form(self) -> str:
        """With what its header says of the signature."""
        kid = self.token.unverified_kid
        named = "no kid" if kid is None else f"kid {kid[:128]}"
        return f"JWT, {self.token.unverified_algorithm[:64]}, {named}"

    @property
    def unverified_subject(self) -> str:
        """`sub`."""
        return self.token.unverified_subject

    @property
    def unverified_claims(self) -> UnverifiedClaims:
        """Its payload."""
        token = self.token
        return UnverifiedClaims(
            issuer=token.unverified_issuer,
            subject=token.unverified_subject,
            audience=token.unverified_audience,
            claims=token.claims,
        )

    @property
    def use_id(self) -> str:
        """`jti` (RFC 7519 §4.1.7), else a hash of what was signed: signatures can be respelt."""
        jti = self.token.claims.get("jti")
        if isinstance(jti, str) and jti:
            return f"jti {jti}"
        return f"sha256 {hashlib.sha256(self.token.signing_input).hexdigest()}"

    def check(self, now: float) -> None:
        """Its kind, algorithm and times."""
        self._verifier.check(self.token, now)

    def faults(self, now: float) -> Iterator[BrokerError]:
        """Of its kind, algorithm and times."""
        return self._verifier.faults(self.token, now)

    async def verify(self, identity: Identity, now: float) -> VerifiedClaims:
        """By keys on record, or by those that its issuer publishes."""
        issuer = self.unverified_issuer  # the rule has just allowed it, before any fetch
        relationship = identity.relationship
        match relationship:
            case ClaimMatch() | Person():
                return await self._verifier.verify(self.token, issuer=issuer, now=now)
            case StaticKeys():
                if now >= relationship.expiration.timestamp():
                    raise _keys_expired(relationship)
                keys = relationship.issuer_keys
                return self._verifier.verify_static(self.token, issuer=issuer, jwks=keys, now=now)
            case _:  # no JWT stands for it, whatever issuer its rules were said to allow
                raise _of_another_kind("JWT")

    def checks(self, identity: Identity | None) -> tuple[Check, ...]:
        """Keys, signature, times."""
        static = identity is not None and isinstance(identity.relationship, StaticKeys)
        held = "on record" if static else "published"
        return (
            Check(Stage.ISSUER, "keys", "the keys of the issuer", held),
            Check(Stage.SIGNATURE, "signature", "a signature by one of these keys", "valid"),
            Check(Stage.TIMES, "times", "now between nbf, iat and exp", "valid"),
        )


class AwsCredential:
    """A signed request to AWS STS, which alone can tell who signed."""

    __slots__ = ("_named", "_verifier", "request")

    def __init__(
        self, request: UnverifiedAwsRequest, named: Uidp | None, verifier: AwsVerifier
    ) -> None:
        self.request = request
        self._named = named
        self._verifier = verifier

    @property
    def sha256(self) -> str:
        """Of the token."""
        return self.request.sha256

    @property
    def form(self) -> str:
        """With the endpoint that it is for."""
        return f"signed AWS request, {self.request.host}"

    @property
    def unverified_issuer(self) -> str:
        """The endpoint, as a URL."""
        return self.request.endpoint

    @property
    def unverified_subject(self) -> str:
        """Not known before STS has told."""
        return ""

    @property
    def unverified_claims(self) -> None:
        """Nothing: a signature says nothing of who made it."""
        return

    @property
    def use_id(self) -> str:
        """Of the signature and what it is over."""
        return f"aws {self.request.signature_sha256}"

    def check(self, now: float) -> None:
        """Whom it is for, and its time."""
        self._verifier.check(self.request, identity=self._named or "", now=now)

    def faults(self, now: float) -> Iterator[BrokerError]:
        """Of whom it is for, and of its time."""
        return self._verifier.faults(self.request, identity=self._named or "", now=now)

    async def verify(self, identity: Identity, now: float) -> VerifiedClaims:
        """By asking STS, for identities of AWS alone."""
        if not isinstance(identity.relationship, AwsIdentity):
            raise _of_another_kind("signed AWS request")
        return await self._verifier.verify(self.request, identity=identity.id, now=now)

    def checks(self, identity: Identity | None) -> tuple[Check, ...]:
        """Time, STS, signature: what is too old is not sent on."""
        del identity
        return (
            Check(Stage.TIMES, "x-amz-date", "signed in the last 15 minutes", "valid"),
            Check(Stage.ISSUER, "sts", f"an answer of {self.request.endpoint}", "answered"),
            Check(Stage.SIGNATURE, "signature", "a signature that AWS accepts", "accepted"),
        )


def not_accepted(*, named: bool = True, detail: Detail | None = None) -> Denied:
    """One answer for unknown identities and failed rules, or callers could learn which exist.

    `named`: whether the request named an identity. `detail` goes to the audit record alone.
    """
    if named:
        message = (
            "the identity does not exist or its rules do not accept this token; the owner of the "
            "identity finds the reason in the audit log under this request id"
        )
    else:
        message = "no identity was named, and this token belongs to no registered person"
    return Denied("identity_refused", message, stage=Stage.IDENTITY, detail=detail)


def _of_another_kind(kind: str) -> Denied:
    expected = "the kind of credential that the identity's rules are for"
    hint = "The identity takes JWTs of an issuer, or signed AWS requests, as it was made; not both."
    return not_accepted(detail=Detail("credential", expected, kind, hint))


def _keys_expired(static: StaticKeys) -> Denied:
    return not_accepted(
        detail=Detail(
            "static_keys.expiration",
            "in the future",
            static.expiration.isoformat(),
            "The static keys have expired; delete the identity and make it anew with fresh ones.",
        )
    )
