"""Whose tokens an identity takes: issuers that are patterns, issuers that tenants share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final

from broker.iam.lint import findings as rules
from broker.iam.lint.claims import Conditions
from broker.iam.lint.findings import Finding
from broker.iam.lint.platforms import PLATFORMS, Platform
from broker.iam.lint.reasoning import WHOLE, Form, Reasoning, Unknown, matches

FOREIGN: Final = (
    "https://evil.example",
    "https://login.evil.example/tenant/v2.0",
    "https://evil.example:8443/evil",
)
"""Issuers that anybody can run."""

_DOMAIN: Final = Form(
    "https://(?:[a-z0-9-]+[.])*", "[a-z0-9-]+[.][a-z0-9-]+", "(?::[0-9]+)?(?:/.*)?"
)
"""The last two labels of an issuer's host."""

_REFS: Final = ("zz", "renovate/all", "feature_1.x")


def issuer_findings(given: Conditions, reasoning: Reasoning) -> Iterator[Finding]:
    """What is wide about the issuer's rule itself."""
    issuer = given.issuer
    if issuer.is_literal:
        return
    foreign = next((url for url in FOREIGN if matches(issuer.pattern, url)), None)
    if foreign is None:
        with suppress(Unknown):
            foreign = reasoning.parts(issuer.pattern, _DOMAIN).beyond
    if foreign is not None:
        yield Finding(
            rules.ISSUER_PATTERN_OPEN,
            issuer.field,
            f"accepts {foreign}, and whoever runs an issuer signs any claims.",
            "Name the issuer: `issuer` with its URL.",
        )
        return
    yield Finding(
        rules.ISSUER_PATTERN,
        issuer.field,
        "the tokens of every issuer that matches are trusted alike.",
        "Make an identity for each issuer, with the literal `issuer`.",
    )


def platforms_of(given: Conditions, reasoning: Reasoning) -> Iterator[Platform]:
    """Shared issuers whose tokens the identity can take; none of them where it takes any issuer's,
    which is told already.
    """
    if all(matches(given.issuer.pattern, url) for url in FOREIGN):
        return
    for platform in PLATFORMS:
        if platform.issuer:
            if matches(given.issuer.pattern, platform.issuer):
                yield platform
        elif platform.issuers is not None:
            try:
                example = reasoning.example(given.issuer.pattern, platform.issuers.whole)
            except Unknown:
                continue
            if example is not None:
                yield platform


class Pins:
    """What pins the owner, the project and the branch in the tokens of a platform."""

    def __init__(self, platform: Platform, given: Conditions, reasoning: Reasoning) -> None:
        self._platform = platform
        self._given = given
        self._reasoning = reasoning

    def findings(self) -> Iterator[Finding]:
        """What is not pinned, or by its name alone."""
        tenant_in_issuer = self._tenant_in_issuer()
        stranger = None if tenant_in_issuer else self._stranger()
        if stranger is not None:
            yield self._owner_not_pinned(stranger)
            return
        if self._platform.issuer or self._platform.owner_claims:
            yield from self._weak_pins()
        if self._platform.issuer and self._given.audience is None:
            yield Finding(
                rules.AUDIENCE_UNSET,
                "audience",
                f"{self._platform.name} signs for everybody, and no audience is named.",
                "The broker's own audience is accepted; an `audience` of this identity's own "
                "keeps tokens that were meant for other identities out.",
            )

    def _owner_not_pinned(self, stranger: str) -> Finding:
        platform = self._platform
        if platform.issuers and not stranger:
            message = f"several {platform.name} issuers match, and each is a tenant of its own."
        elif stranger:
            message = f"a stranger's {platform.name} token passes: subject {stranger!r}."
        else:
            message = f"no rule says whose {platform.name} tokens are accepted."
        return Finding(
            rules.OWNER_NOT_PINNED, self._field, message, f"Name the owner: {platform.advice}."
        )

    def _weak_pins(self) -> Iterator[Finding]:
        platform = self._platform
        if not self._is_pinned_by_id():
            yield Finding(
                rules.NAME_ONLY,
                self._field,
                f"{platform.name} owners are known by name here, and names are given to others.",
                f"Pin ids as well: {platform.advice}.",
            )
        if (another := self._another_project()) is not None:
            yield Finding(
                rules.PROJECT_NOT_PINNED,
                self._field,
                f"every {platform.project} of the owner is accepted"
                + (f", such as subject {another!r}." if another else "."),
                f"Name the {platform.project}.",
            )
        if self._any_ref():
            yield Finding(
                rules.REF_NOT_PINNED,
                self._field,
                "every branch is accepted, also those that nobody has reviewed.",
                "Name the branch or tag, or an environment with protection rules.",
            )

    @property
    def _field(self) -> str:
        return self._given.subject.field

    def _tenant_in_issuer(self) -> bool:
        form = self._platform.issuers
        return form is not None and self._reasoning.is_one_of_few(self._given.issuer.pattern, form)

    def _stranger(self) -> str | None:
        """A stranger's subject that passes, empty when none can be named; None for no stranger."""
        if self._any_claim_pins(self._platform.owner_claims):
            return None
        if self._platform.id_audience is not None and self._audience_pins():
            return None
        return self._subject_is_open(self._platform.owner_subjects)

    def _subject_is_open(self, forms: tuple[Form, ...]) -> str | None:
        """As `_stranger`, looking at the subject alone."""
        pattern = self._given.subject.pattern
        for stranger in () if self._given.subject.is_literal else self._platform.strangers:
            if matches(pattern, stranger):
                return stranger
        if self._subject_has_id():
            return None
        try:
            each = [self._reasoning.parts(pattern, form) for form in forms]
        except Unknown:
            return None
        beyond = next((parts.beyond for parts in each if parts.beyond is not None), None)
        if beyond is not None:
            return beyond
        return None if any(parts.values for parts in each) else ""

    def _any_claim_pins(self, claims: Mapping[str, Form]) -> bool:
        return any(
            self._reasoning.is_one_of_few(condition.pattern, form)
            for name, form in claims.items()
            if (condition := self._given.of_claim(name)) is not None
        )

    def _audience_pins(self) -> bool:
        audience, form = self._given.audience, self._platform.id_audience
        assert form is not None, "asked only where the platform has one"
        return audience is not None and self._reasoning.is_one_of_few(audience.pattern, form)

    def _is_pinned_by_id(self) -> bool:
        platform = self._platform
        return (
            platform.issuer_is_id
            or self._any_claim_pins(dict.fromkeys(platform.id_claims, WHOLE))
            or (platform.id_audience is not None and self._audience_pins())
            or self._subject_has_id()
        )

    def _subject_has_id(self) -> bool:
        """Whether every subject has one of a few ids; what is unknown is given the benefit."""
        platform, pattern = self._platform, self._given.subject.pattern
        if not platform.id_subjects:
            return False
        try:
            each = [self._reasoning.parts(pattern, form) for form in platform.id_subjects]
            without = self._reasoning.example(
                pattern,
                platform.owner_subjects[0].whole,
                but_not=[form.whole for form in platform.id_subjects],
            )
        except Unknown:
            return True
        is_one_of_few = all(parts.beyond is None for parts in each)
        return is_one_of_few and any(parts.values for parts in each) and without is None

    def _another_project(self) -> str | None:
        platform = self._platform
        if self._any_claim_pins(dict.fromkeys(platform.project_claims, WHOLE)):
            return None
        pattern = self._given.subject.pattern
        beyond = ""
        for form in platform.project_subjects:
            try:
                parts = self._reasoning.parts(pattern, form)
            except Unknown:
                return None
            if parts.are_few:
                return None
            beyond = beyond or parts.beyond or ""
        return beyond

    def _any_ref(self) -> bool:
        refs = self._platform.refs
        if refs is None or any(self._names_ref(name) for name in self._platform.ref_claims):
            return False
        pattern = self._given.subject.pattern
        try:
            example = self._reasoning.example(pattern, refs.whole)
        except Unknown:
            return False
        if example is None:
            return False
        before, _, after = refs.split(example)
        return all(matches(pattern, f"{before}{ref}{after}") for ref in _REFS)

    def _names_ref(self, claim: str) -> bool:
        condition = self._given.of_claim(claim)
        return condition is not None and not any(
            all(matches(condition.pattern, prefix + ref) for ref in _REFS)
            for prefix in ("refs/heads/", "")
        )
