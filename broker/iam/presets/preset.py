"""What a preset is: questions about a workload, and the rules that follow from their answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, TypeAlias

from broker.iam.model import ClaimMatch, Relationship, StaticKeys
from broker.iam.presets.forms import refuse

Answer: TypeAlias = str | tuple[str, ...] | bool
Answers: TypeAlias = Mapping[str, Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing to know about a workload."""

    name: str
    """The argument of the preset's rules, and the field that a refusal names."""
    flag: str
    """The option of the command line."""
    label: str
    """As a prompt or beside an input: `Repository (OWNER/REPO)`."""
    help: str
    """A sentence."""
    answer: Literal["text", "several", "switch"] = "text"
    """A text, any number of texts, or yes or no."""
    required: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()
    find: str = ""
    """Where on the platform the answer is found: a sentence."""
    pins: str = ""
    """What is known by its name alone without an answer, where this is its id: `repository`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A platform, or one kind of workload there."""

    name: str
    """One word, or two: `aws role`."""
    workload: str
    """Whom an identity is for: `workflows of a GitHub repository`."""
    guide: str
    """The page of docs/guides, without its ending."""
    questions: tuple[Question, ...]
    rules: Callable[..., Relationship] = field(repr=False)
    """Takes the answers by name. Raises `Invalid` naming the question."""
    one_of: tuple[str, ...] = ()
    """Questions of which at least one has to be answered."""
    narrowing: tuple[str, ...] = ()
    """Questions of which one had better be."""
    wide: str = ""
    """What is accepted where none of `narrowing` is: the beginning of a sentence."""
    takes_claims: bool = True
    """Whether rules for more claims of the token can be given besides."""
    takes_keys: bool = False
    """Whether an issuer that the broker cannot reach may bring its keys: `keys` of the rules."""

    def flag(self, name: str) -> str:
        """The option of a question."""
        return next(question.flag for question in self.questions if question.name == name)

    def remarks(self, answers: Answers, *, with_keys: bool = False) -> Iterator[str]:
        """What the answers leave open, which may be meant. Static keys leave no way to pin ids."""
        for question in () if with_keys else self.questions:
            if question.pins and not answers.get(question.name):
                yield (
                    f"the {question.pins} is known by its name alone, which can come to belong to "
                    f"somebody else; {question.flag} pins it"
                )
        if self.narrowing and not any(answers.get(name) for name in self.narrowing):
            flags = " or ".join(map(self.flag, self.narrowing))
            yield f"{self.wide}; {flags} would narrow that"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys of an issuer that the broker cannot reach."""

    jwks: str
    """A JWK set (RFC 7517 §5) as JSON text."""
    expiration: datetime
    """At most 30 days from now."""


def with_keys(keys: Keys | None, rules: ClaimMatch) -> ClaimMatch | StaticKeys:
    """The same rules with the issuer's keys, where there are any. They are then literal ones."""
    if keys is None:
        return rules
    if rules.claims or rules.claim_patterns or not rules.subject or not rules.issuer:
        refuse("issuer_keys", "only a literal issuer and subject go with them")
    return StaticKeys(
        issuer=rules.issuer,
        subject=rules.subject,
        issuer_keys=keys.jwks,
        expiration=keys.expiration,
        audiences=(rules.audience,) if rules.audience else (),
    )


def with_claims(
    relationship: Relationship, claims: Mapping[str, str], patterns: Mapping[str, str]
) -> Relationship:
    """The same with rules for more claims. Raises `Invalid` for one that has a rule already."""
    if not claims and not patterns:
        return relationship
    if not isinstance(relationship, ClaimMatch):
        refuse("claims", "static keys and signed AWS requests have no rules for claims")
    for name in [*claims, *patterns]:
        if name in relationship.claims or name in relationship.claim_patterns:
            refuse("claims", f"{name!r} has a rule already, which another answer sets")
    return replace(
        relationship,
        claims={**relationship.claims, **claims},
        claim_patterns={**relationship.claim_patterns, **patterns},
    )


def audience_question(flag: str = "--audience", help_text: str = "") -> Question:
    """The audience, which nearly every platform lets a workload choose."""
    return Question(
        name="audience",
        flag=flag,
        label="Audience",
        help=help_text or "Audience of the token. Default: the broker's own.",
    )
