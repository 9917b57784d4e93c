"""Signed AWS requests verified: AWS STS is asked who signed.

STS alone can check such a signature. It is sent a request of ours, which has of the caller's only
the fields that were checked (`aws_request`), and answers the account, ARN and user id.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from broker.errors import Detail, Stage, Unauthenticated, Unavailable
from broker.iam.aws_endpoints import GLOBAL_HOST, HEADER_PREFIX
from broker.iam.claims import VerifiedClaims
from broker.jose.strict_json import AmbiguousJson, parse_object
from broker.upstream.aws_request import LIFETIME, TARGET, UnverifiedAwsRequest, parse_request
from broker.upstream.outbound import Answer, OutboundClient, Unanswered

AHEAD: Final = 300
"""Seconds by which the signer's clock may be ahead of ours."""

_MAX_NAME: Final = 2048
_ARN: Final = re.compile(r"arn:aws[a-z-]*:(?:sts|iam)::([0-9]{12}):[!-~]+")
_ERROR_CODE: Final = re.compile(r"[A-Za-z0-9.]{1,64}")
_BUSY: Final = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded"})
"""Error codes with status 400 that say nothing of the signature."""


@dataclass(frozen=True, slots=True)
class _Caller:
    account: str
    arn: str
    user_id: str


class AwsVerifier:
    """Who signed an AWS request.

    `hosts`: STS endpoints that are asked. `prefixes`: of the headers that bind a request to a
    broker and an identity. `own_audiences`: what the audience header may hold.
    """

    def __init__(
        self,
        outbound: OutboundClient,
        *,
        own_audiences: Collection[str],
        hosts: Collection[str] = (GLOBAL_HOST,),
        prefixes: Collection[str] = (HEADER_PREFIX,),
    ) -> None:
        self._outbound = outbound
        self._own_audiences = tuple(own_audiences)
        self._hosts = frozenset(hosts)
        self._prefixes = tuple(prefixes)

    def parse(self, token: str) -> UnverifiedAwsRequest:
        """The token taken apart. Raises `Unauthenticated` (stage `token`)."""
        return parse_request(token, hosts=self._hosts, prefixes=self._prefixes)

    def check(self, request: UnverifiedAwsRequest, *, identity: str, now: float) -> None:
        """Whether it was signed for this broker, for `identity` (a UIDP), and lately.

        Asked before an identity is looked up, so that the answer says nothing about identities.
        Raises `Unauthenticated` (stages `token`, `times`). `verify` asks it again.
        """
        for fault in self.faults(request, identity=identity, now=now):
            raise fault

    def faults(
        self, request: UnverifiedAwsRequest, *, identity: str, now: float
    ) -> Iterator[Unauthenticated]:
        """Everything that `check` would raise if it went on after the first."""
        yield from self._bound_elsewhere(request, identity)
        yield from _wrong_times(request, now)

    async def verify(
        self, request: UnverifiedAwsRequest, *, identity: str, now: float
    ) -> VerifiedClaims:
        """The claims, when AWS says who signed. `now` is seconds since the epoch.

        Asks STS each time. The issuer is the endpoint, the subject the ARN; the claims are
        `aws_account`, `arn` and `user_id`. Raises `Unauthenticated` (stages `token`, `times`,
        `signature`) and `Unavailable` (`aws_unavailable`, stage `issuer`).
        """
        self.check(request, identity=identity, now=now)
        endpoint = request.endpoint
        try:
            answer = await self._outbound.post(
                endpoint + TARGET, issuer=endpoint, headers=request.headers
            )
        except Unanswered as error:
            _unavailable(endpoint, str(error))
        caller = _caller(answer, endpoint)
        return VerifiedClaims(
            issuer=endpoint,
            subject=caller.arn,
            audience=(request.unverified_audience,),
            expires_at=request.expires_at,
            claims={
                "aws_account": caller.account,
                "arn": caller.arn,
                "user_id": caller.user_id,
            },
        )

    def _bound_elsewhere(
        self, request: UnverifiedAwsRequest, identity: str
    ) -> Iterator[Unauthenticated]:
        if request.unverified_audience not in self._own_audiences:
            yield Unauthenticated(
                "aws_audience_mismatch",
                "the signed AWS request is meant for another broker: its audience header has to "
                f"be {self._own_audiences[0]}",
                stage=Stage.TOKEN,
                field="audience",
                detail=Detail(
                    name="audience",
                    expected=" or ".join(self._own_audiences),
                    got=request.unverified_audience[:256],
                ),
            )
        if request.unverified_identity != identity:
            yield Unauthenticated(
                "aws_identity_mismatch",
                "the signed AWS request is meant for another identity than the one that was named",
                stage=Stage.TOKEN,
                field="identity",
                detail=Detail(
                    name="identity",
                    expected=identity or "an identity, named by its UIDP",
                    got=request.unverified_identity[:256],
                ),
            )


def _wrong_times(request: UnverifiedAwsRequest, now: float) -> Iterator[Unauthenticated]:
    if now > request.expires_at:
        yield _wrong_time(
            "token_expired",
            "the signed AWS request has expired",
            f"at most {LIFETIME} s before {_utc(now)} (now)",
            request.signed_at,
            f"It was signed {now - request.signed_at:.0f} s ago: sign one right before it is used. "
            "If it is new, a clock is wrong.",
        )
    if request.signed_at > now + AHEAD:
        yield _wrong_time(
            "token_not_yet_valid",
            "the signed AWS request is from the future",
            f"at most {AHEAD} s after {_utc(now)} (now)",
            request.signed_at,
            f"It was signed {request.signed_at - now:.0f} s from now: the signer's clock or ours "
            "is wrong.",
        )


def _wrong_time(
    code: str, message: str, expected: str, signed_at: int, hint: str
) -> Unauthenticated:
    return Unauthenticated(
        code,
        message,
        stage=Stage.TIMES,
        field="x-amz-date",
        detail=Detail(name="x-amz-date", expected=expected, got=_utc(signed_at), hint=hint),
    )


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")[:19] + "Z"


def _caller(answer: Answer, endpoint: str) -> _Caller:
    if answer.status != 200:
        _refused(answer, endpoint)
    match _json(answer.body):
        case {"GetCallerIdentityResponse": {"GetCallerIdentityResult": dict(result)}}:
            return _checked(result, endpoint)
    return _unavailable(endpoint, "an answer that is no GetCallerIdentityResult in JSON")


def _checked(result: Mapping[str, Any], endpoint: str) -> _Caller:
    account, arn, user_id = (_text(result.get(name)) for name in ("Account", "Arn", "UserId"))
    named = _ARN.fullmatch(arn)
    if named is None or named[1] != account:
        _unavailable(endpoint, "an Arn that is none of the Account's twelve digits")
    if not user_id:
        _unavailable(endpoint, "no UserId")
    return _Caller(account, arn, user_id)


def _text(value: object) -> str:
    """The value where it is a name that AWS would give; else nothing."""
    match value:
        case str() if len(value) <= _MAX_NAME and value.isascii() and value.isprintable():
            return value
    return ""


def _refused(answer: Answer, endpoint: str) -> NoReturn:
    code = ""
    match _json(answer.body):
        case {"Error": {"Code": str(told)}} if _ERROR_CODE.fullmatch(told):
            code = told
    got = f"HTTP {answer.status} {code}".rstrip()
    if answer.status not in {400, 401, 403} or code in _BUSY:
        _unavailable(endpoint, got)
    raise Unauthenticated(
        "aws_signature_refused",
        "AWS STS does not accept the signature of the signed AWS request",
        stage=Stage.SIGNATURE,
        detail=Detail(
            name="signature", expected=f"accepted by {endpoint}", got=got, hint=_HINTS.get(code, "")
        ),
    )


_HINTS: Final = {
    "ExpiredToken": "The session's credentials have expired; sign with fresh ones.",
    "ExpiredTokenException": "The session's credentials have expired; sign with fresh ones.",
    "InvalidClientTokenId": (
        "AWS does not know the access key, or not at this endpoint: it was deleted, is of another "
        "partition, or its session token is missing."
    ),
    "SignatureDoesNotMatch": (
        "The request is not as it was signed, or the secret key is not that of the access key."
    ),
}


def _json(body: bytes) -> Mapping[str, Any] | None:
    try:
        return parse_object(body)
    except AmbiguousJson:
        return None


def _unavailable(endpoint: str, got: str) -> NoReturn:
    raise Unavailable(
        "aws_unavailable",
        "AWS STS gives no usable answer at present",
        stage=Stage.ISSUER,
        detail=Detail(name="sts", expected=f"an answer of {endpoint}", got=got),
    )
