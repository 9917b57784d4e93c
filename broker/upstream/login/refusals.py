"""Why a login through a provider fails, in words that tell the person nothing of its answers."""

from __future__ import annotations

from broker.errors import Detail, Precondition, Stage, Unauthenticated, Unavailable

_MAX_SHOWN = 256


def unavailable(
    name: str, expected: str, got: str, *, hint: str = "", retry_after: int | None = None
) -> Unavailable:
    """The provider does not answer, or not in a way that can be used; later it may."""
    return Unavailable(
        "identity_provider_unavailable",
        "the identity provider gives no usable answer at present",
        stage=Stage.ISSUER,
        retry_after=retry_after,
        detail=_detail(name, expected, got, hint),
    )


def unsuitable(name: str, expected: str, got: str | None, *, hint: str = "") -> Precondition:
    """Something has to be changed at the provider or in its record; the operator is told what."""
    return Precondition(
        "identity_provider_unsuitable",
        "the identity provider, or the client there, is not set up as a login needs it",
        stage=Stage.ISSUER,
        detail=_detail(name, expected, got, hint),
    )


def not_verified(name: str, expected: str, got: str | None, *, hint: str = "") -> Unauthenticated:
    """What the provider says of the person does not hold."""
    return Unauthenticated(
        "login_not_verified",
        "what the identity provider says of the login does not hold",
        stage=Stage.TOKEN,
        detail=_detail(name, expected, got, hint),
    )


def code_refused(got: str) -> Unauthenticated:
    """The provider does not take its code: it is old, was used, or is another login's."""
    return Unauthenticated(
        "login_code_refused",
        "the identity provider does not take the code of this login; log in once more",
        stage=Stage.TOKEN,
        detail=_detail("code", "a code that is new and unused", got, ""),
    )


def mixed_up(expected: str, got: str | None) -> Unauthenticated:
    """Another provider answers than the one that was asked (RFC 9207 §2.4)."""
    return Unauthenticated(
        "login_provider_mismatch",
        "the login is answered by another identity provider than it was sent to",
        stage=Stage.ISSUER,
        field="iss",
        detail=_detail("iss", expected, got, ""),
    )


def too_many_groups(expected: str, got: str) -> Precondition:
    """The groups claim is beyond all reason."""
    return Precondition(
        "login_groups_too_many",
        f"the identity provider names too many groups, or too long ones: expected {expected}",
        stage=Stage.TOKEN,
        field="groups",
        detail=_detail(
            "groups", expected, got, "Have the provider send only the groups that are mapped."
        ),
    )


def _detail(name: str, expected: str, got: str | None, hint: str) -> Detail:
    return Detail(
        name=name, expected=expected, got=None if got is None else got[:_MAX_SHOWN], hint=hint
    )
