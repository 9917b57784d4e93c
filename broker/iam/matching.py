"""Whether a token's claims satisfy an identity's rules, and an account of why.

Pure and total: any claims give an answer, never an exception. A pattern is RE2, compiled alone,
and matches the whole value or not at all; an absent claim fails; adding a rule never admits more.

| token value       | compared as                                            |
|-------------------|--------------------------------------------------------|
| string            | itself                                                 |
| true, false       | `true`, `false`                                        |
| integer           | its JSON text                                          |
| list              | matches when any of its elements, taken as above, does |
| object, null, 1.5 | nothing matches                                        |

The audience is the exception: every value in the token's list must be accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import re2

from broker.errors import Stage
from broker.iam import aws_hints, hints
from broker.iam.aws_endpoints import signing_region
from broker.iam.claims import UnverifiedClaims, VerifiedClaims
from broker.iam.model import (
    AwsIdentity,
    ClaimMatch,
    Identity,
    Relationship,
    ServicePrincipal,
    StaticKeys,
)
from broker.iam.trace import Step

MAX_RULES: Final = 32
MAX_PATTERN_LENGTH: Final = 1024
MAX_VALUE_LENGTH: Final = 4096
"""Characters of a claim value that a rule looks at; a longer one does not match."""

_OF_AWS: Final = frozenset({"arn", "aws_account", "user_id"})

_MISSING: Final = object()


class PatternError(ValueError):
    """The text is not an RE2 pattern; the message says why."""


@lru_cache(maxsize=4096)  # identities have patterns in common; a pure function of the text
def compile_pattern(pattern: str) -> re2._Regexp[str]:
    """Compile for full matching. Raises `PatternError`."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise PatternError(f"longer than {MAX_PATTERN_LENGTH} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise PatternError(f"not an RE2 pattern: {text}") from None


class Match:
    """The answer, and every rule's part in it."""

    __slots__ = ("_rules", "_token", "claims", "passed")

    def __init__(
        self, rules: CompiledRules, token: VerifiedClaims, claims: Mapping[str, Any] | None
    ) -> None:
        self._rules = rules
        self._token = token
        self.passed = claims is not None
        """Whether every rule held."""
        self.claims: Mapping[str, Any] = claims or {}
        """The custom claims that rules looked at, for the `act` claim."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every rule with what it expected and got, in order; worked out when asked for."""
        return self._rules.steps(self._token)

    @property
    def first_failed(self) -> Step | None:
        """The rule that refused."""
        return next((step for step in self.steps if not step.passed), None)


class Rule:
    """One comparison. Compiles its pattern when it is first used."""

    __slots__ = ("_compiled", "expected", "name", "pattern")

    def __init__(self, name: str, expected: str, *, pattern: bool) -> None:
        self.name = name
        self.expected = expected
        self.pattern = pattern
        self._compiled: re2._Regexp[str] | None = None

    def holds(self, value: object) -> bool:
        """Whether a claim's value, any JSON value or absent, satisfies it."""
        if type(value) is str:
            return self._accepts(value)
        return any(self._accepts(text) for text in texts(value))

    def holds_for_all(self, values: Sequence[str]) -> bool:
        """Whether there are values and each is accepted: the audience's rule."""
        return bool(values) and all(self._accepts(text) for text in values)

    def step(self, value: object, *, passed: bool) -> Step:
        """The account of a comparison."""
        return Step(
            Stage.IDENTITY,
            self.name,
            f"pattern {self.expected}" if self.pattern else self.expected,
            shown(value),
            passed,
            "" if passed else self._hint(value),
        )

    def _accepts(self, text: str) -> bool:
        if not self.pattern:
            return text == self.expected
        if len(text) > MAX_VALUE_LENGTH:
            return False
        if self._compiled is None:
            self._compiled = compile_pattern(self.expected)
        # as bytes, which RE2 matches in; given a string, its wrapper also counts characters
        return self._compiled.fullmatch(text.encode()) is not None

    def _hint(self, value: object) -> str:
        if value is _MISSING:
            return hints.absent(self.name)
        if self.name in _OF_AWS and (told := aws_hints.aws(self.name, self.expected, str(value))):
            return told
        for text in texts(value):
            if hint := self._near_miss(text):
                return hint
        return ""

    def _near_miss(self, text: str) -> str:
        if not self.pattern:
            return hints.near_miss(self.name, self.expected, text)
        if hint := hints.pattern_near_miss(self.name, self._accepts, text):
            return hint
        is_part = self._compiled is not None and self._compiled.search(text.encode())
        return hints.partial_match() if is_part else ""


class AcceptedAudience:
    """The rule without a rule: this issuer's URL or its host, unless the identity says more."""

    __slots__ = ("accepted",)

    def __init__(self, accepted: Sequence[str]) -> None:
        self.accepted = tuple(accepted)

    def holds_for_all(self, values: Sequence[str]) -> bool:
        """Whether there are values and each is one of the accepted."""
        return bool(values) and all(value in self.accepted for value in values)

    def step(self, audience: Sequence[str], *, passed: bool) -> Step:
        """The account of a comparison."""
        return Step(
            Stage.IDENTITY,
            "audience",
            " or ".join(self.accepted),
            shown(list(audience)),
            passed,
            "" if passed else hints.audience(self.accepted, audience),
        )


class AwsEndpoint:
    """The issuer's rule of identities that a signed AWS request stands for, and no JWT."""

    __slots__ = ()

    def holds(self, value: object) -> bool:
        """Whether it is an endpoint of AWS STS. Which are asked is seen to before."""
        if not isinstance(value, str):
            return False
        scheme, _, host = value.partition("://")
        return scheme == "https" and signing_region(host) is not None

    def step(self, value: object, *, passed: bool) -> Step:
        """The account of a comparison."""
        hint = "This identity takes no JWT but a signed AWS request; see the guide to them."
        expected = "AWS STS, by a signed request"
        return Step(
            Stage.IDENTITY, "issuer", expected, shown(value), passed, "" if passed else hint
        )


class NoToken:
    """The rule of identities for which nothing stands."""

    __slots__ = ("expected", "name")

    def __init__(self, name: str, expected: str) -> None:
        self.name = name
        self.expected = expected

    def holds(self, value: object) -> bool:
        """Never."""
        del value
        return False

    def step(self, value: object, *, passed: bool) -> Step:
        """The account of a comparison."""
        hint = "This identity takes no JWT; name one whose rules are for the token's issuer."
        return Step(Stage.IDENTITY, self.name, self.expected, shown(value), passed, hint)


class CompiledRules:
    """An identity's rules, ready to be asked. Patterns compile on first use.

    `own_audiences` are accepted where the identity names none: the broker's URL and its host.
    """

    __slots__ = ("_audience", "_claims", "_issuer", "_subject")

    def __init__(self, identity: Identity, own_audiences: Sequence[str]) -> None:
        relationship = identity.relationship
        self._issuer = _literal_or_pattern("issuer", relationship)
        self._subject = _literal_or_pattern("subject", relationship)
        self._audience = _audience_rule(relationship, own_audiences)
        self._claims = tuple(
            (rule.name.removeprefix("claims."), _path(rule.name), rule)
            for rule in _claim_rules(relationship)
        )

    def allows_issuer(self, unverified_issuer: str) -> bool:
        """Whether tokens of this issuer may be looked at at all; asked before any fetch."""
        return self._issuer.holds(unverified_issuer)

    def issuer_step(self, unverified_issuer: str) -> Step:
        """The account of `allows_issuer`."""
        passed = self.allows_issuer(unverified_issuer)
        return self._issuer.step(unverified_issuer, passed=passed)

    def match(self, token: VerifiedClaims) -> Match:
        """Whether every rule holds."""
        holds = (
            self._issuer.holds(token.issuer)
            and self._subject.holds(token.subject)
            and self._audience.holds_for_all(token.audience)
        )
        return Match(self, token, self._matched_claims(token.claims) if holds else None)

    def steps(self, token: VerifiedClaims | UnverifiedClaims) -> tuple[Step, ...]:
        """Every comparison; never stops at the first failure, so that the account is whole."""
        audience = self._audience
        steps = (
            self.issuer_step(token.issuer),
            self._subject.step(token.subject, passed=self._subject.holds(token.subject)),
            audience.step(list(token.audience), passed=audience.holds_for_all(token.audience)),
            *self._claim_steps(token.claims),
        )
        if isinstance(token, VerifiedClaims):
            return steps
        return tuple(replace(step, unverified=True) for step in steps)

    def _matched_claims(self, claims: Mapping[str, Any]) -> Mapping[str, Any] | None:
        matched: dict[str, Any] = {}
        for claim, path, rule in self._claims:
            value = _value_at(claims, path)
            if not rule.holds(value):
                return None
            matched[claim] = value
        return matched

    def _claim_steps(self, claims: Mapping[str, Any]) -> Iterator[Step]:
        for _, path, rule in self._claims:
            value = _value_at(claims, path)
            yield rule.step(value, passed=rule.holds(value))


def own_audiences(issuer: str) -> tuple[str, ...]:
    """What workloads may put into `aud` for us without a rule: our URL, or our bare host."""
    host = urlsplit(issuer).hostname or ""
    return (issuer, host)


def texts(value: object) -> Iterator[str]:
    """The texts that stand for a JSON value in a comparison; none for what cannot match."""
    for element in value if isinstance(value, list) else (value,):
        if isinstance(element, str):
            yield element
        elif isinstance(element, bool):
            yield "true" if element else "false"
        elif isinstance(element, int):
            yield str(element)


def shown(value: object) -> str | None:
    """A value for the account: the texts, or its type where none exists; None when absent."""
    if value is _MISSING:
        return None
    if isinstance(value, str):
        return value[:256]
    if isinstance(value, dict):
        return "(an object)"
    listed = list(texts(value))
    if not isinstance(value, list):
        return listed[0] if listed else f"(a {type(value).__name__})"
    return ", ".join(listed)[:256] if listed else "(an empty list)"


def pointer(name: str) -> tuple[str, ...]:
    """The reference tokens of a JSON pointer (RFC 6901 §4). Raises ValueError when malformed."""
    tokens = name.split("/")[1:]
    for token in tokens:
        if "~" in token.replace("~0", "").replace("~1", ""):
            raise ValueError("'~' in a JSON pointer is written '~0', and '/' is written '~1'")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in tokens)


def value_named(claims: Mapping[str, Any], name: str) -> object:
    """The claim `name`, or what is at a JSON pointer; None where there is none.

    Raises ValueError for a malformed pointer.
    """
    found = _value_at(claims, pointer(name) if name.startswith("/") else (name,))
    return None if found is _MISSING else found


def _path(rule_name: str) -> tuple[str, ...]:
    name = rule_name.removeprefix("claims.")
    return pointer(name) if name.startswith("/") else (name,)


def _value_at(claims: Mapping[str, Any], path: tuple[str, ...]) -> object:
    value: object = claims
    for token in path:
        if isinstance(value, Mapping) and token in value:
            value = value[token]
        elif isinstance(value, list) and _is_index(token) and int(token) < len(value):
            value = value[int(token)]
        else:
            return _MISSING
    return value


def _is_index(reference: str) -> bool:
    """RFC 6901 §4: digits without a leading zero; more than nine are beyond any list of ours."""
    return reference.isascii() and reference.isdecimal() and reference == str(int(reference[:9]))


def _literal_or_pattern(name: str, relationship: Relationship) -> Rule | AwsEndpoint | NoToken:
    match relationship:
        case AwsIdentity() as aws:
            return AwsEndpoint() if name == "issuer" else _either("arn", aws.arn, aws.arn_pattern)
        case ServicePrincipal():
            return NoToken(name, "no token: a service of the installation itself")
    return _either(name, getattr(relationship, name), getattr(relationship, f"{name}_pattern", ""))


def _either(name: str, literal: str, pattern: str) -> Rule:
    return Rule(name, pattern or literal, pattern=bool(pattern))


def _audience_rule(relationship: Relationship, own: Sequence[str]) -> Rule | AcceptedAudience:
    match relationship:
        case ClaimMatch(audience=literal) if literal:
            return Rule("audience", literal, pattern=False)
        case ClaimMatch(audience_pattern=pattern) if pattern:
            return Rule("audience", pattern, pattern=True)
        case StaticKeys(audiences=accepted) if accepted:
            return AcceptedAudience(accepted)
        case _:
            return AcceptedAudience(own)


def _claim_rules(relationship: Relationship) -> Iterator[Rule]:
    match relationship:
        case ClaimMatch():
            for name, literal in relationship.claims.items():
                yield Rule(f"claims.{name}", literal, pattern=False)
            for name, pattern in relationship.claim_patterns.items():
                yield Rule(f"claims.{name}", pattern, pattern=True)
        case AwsIdentity() as aws:
            yield Rule("aws_account", aws.account, pattern=False)
            yield _either("user_id", aws.user_id, aws.user_id_pattern)
