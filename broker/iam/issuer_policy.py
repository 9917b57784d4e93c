"""Whose tokens an installation or an organization takes, whatever the rules of identities say.

Pure. A policy can only take away: an issuer has to be allowed by the identity's rules as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from broker.errors import Denied, Detail, Invalid, Stage
from broker.iam.issuer_url import check_issuer_url
from broker.iam.matching import PatternError, compile_pattern
from broker.iam.model import NO_POLICY, IssuerPolicy, PolicyMode

INSTALLATION: Final = "installation"
ORGANIZATION: Final = "organization"
MAX_ISSUERS: Final = 256

Policies = tuple[tuple[str, IssuerPolicy], ...]
"""Whose policy it is, and the policy: those that are not off."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Who does not allow an issuer."""

    refused_by: tuple[str, ...] = ()
    noted_by: tuple[str, ...] = ()
    """Those in audit mode."""


NOTHING_AGAINST: Final = Judgement()


def policies(installation: IssuerPolicy, organization: IssuerPolicy = NO_POLICY) -> Policies:
    """Those that are asked."""
    both = ((INSTALLATION, installation), (ORGANIZATION, organization))
    return tuple((whose, each) for whose, each in both if each.mode is not PolicyMode.OFF)


def judge(issuer: str, asked: Policies) -> Judgement:
    """What they say of an issuer."""
    if not asked:
        return NOTHING_AGAINST
    against = [(whose, each.mode) for whose, each in asked if not allows(each, issuer)]
    return Judgement(
        refused_by=tuple(whose for whose, mode in against if mode is PolicyMode.ENFORCE),
        noted_by=tuple(whose for whose, mode in against if mode is PolicyMode.AUDIT),
    )


def allows(policy: IssuerPolicy, issuer: str) -> bool:
    """Whether the issuer is on the list: letter for letter, or a pattern takes the whole of it."""
    return issuer in policy.allow or any(_takes(each, issuer) for each in policy.allow_patterns)


def not_allowed(issuer: str, by: Collection[str], *, field: str | None = None) -> Denied:
    """The refusal; of an exchange, or of an identity when `field` is its issuer."""
    whose = " and the ".join(by)
    subject = f"{field}: {issuer[:256]!r} is not" if field else "the token's issuer is not"
    return Denied(
        "issuer_not_allowed",
        f"{subject} on the list of issuers that the {whose} allows",
        stage=None if field else Stage.ISSUER,
        field=field,
        detail=Detail(
            "issuer policy",
            f"an issuer that the {whose} allows",
            issuer[:1000],
            "If this issuer is meant to be trusted, have the operator put it on the list.",
        ),
    )


def check_policy(policy: IssuerPolicy, *, field: str = "issuer_policy") -> None:
    """Raises `Invalid` naming the field: what is listed are issuers and RE2 patterns, and there
    are some.
    """
    for name, texts, check in (
        ("allow", policy.allow, _check_issuer),
        ("allow_patterns", policy.allow_patterns, _check_pattern),
    ):
        _check_list(f"{field}.{name}", texts, check)
    if policy.mode is not PolicyMode.OFF and not (policy.allow or policy.allow_patterns):
        message = "expected at least one; a policy without any allows nobody"
        raise Invalid("field_invalid", f"{field}.allow: {message}", field=f"{field}.allow")


def policy_of(members: Mapping[str, Any]) -> IssuerPolicy:
    """A policy of JSON or TOML. Nothing in it: none. Raises `ValueError` with the reason."""
    if not members:
        return NO_POLICY
    unknown = sorted(members.keys() - {"allow", "allow_patterns", "mode"})
    if unknown:
        raise ValueError(f"{unknown[0]}: expected allow, allow_patterns and mode")
    modes = {mode.value: mode for mode in PolicyMode}
    mode = members.get("mode", PolicyMode.ENFORCE.value)
    if not isinstance(mode, str) or mode not in modes:
        raise ValueError(f"mode: expected {', '.join(modes)}")
    return IssuerPolicy(
        allow=_texts(members, "allow"),
        allow_patterns=_texts(members, "allow_patterns"),
        mode=modes[mode],
    )


def members_of(policy: IssuerPolicy) -> dict[str, Any]:
    """What `policy_of` reads."""
    if policy == NO_POLICY:
        return {}
    return {
        "allow": list(policy.allow),
        "allow_patterns": list(policy.allow_patterns),
        "mode": policy.mode.value,
    }


def _texts(members: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = members.get(name, [])
    if not isinstance(values, (list, tuple)) or not all(isinstance(v, str) for v in values):
        raise ValueError(f"{name}: expected a list of texts")
    return tuple(dict.fromkeys(values))


def _takes(pattern: str, issuer: str) -> bool:
    try:
        return compile_pattern(pattern).fullmatch(issuer) is not None
    except PatternError:  # refused when it was put there; what cannot be read allows nobody
        return False


def _check_list(field: str, texts: Iterable[str], check: Callable[[str, str], None]) -> None:
    listed = tuple(texts)
    if len(listed) > MAX_ISSUERS:
        raise Invalid("field_invalid", f"{field}: at most {MAX_ISSUERS}", field=field)
    for number, text in enumerate(listed):
        check(text, f"{field}[{number}]")


def _check_issuer(text: str, field: str) -> None:
    # whether http is in order, the rules of identities are asked
    check_issuer_url(text, allow_http_loopback=True, field=field)


def _check_pattern(text: str, field: str) -> None:
    try:
        compile_pattern(text)
    except PatternError as error:
        raise Invalid("field_invalid", f"{field}: {error}", field=field) from None
