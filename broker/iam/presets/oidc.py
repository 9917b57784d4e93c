"""Any OpenID provider with a discovery document (OpenID Connect Discovery 1.0)."""

from __future__ import annotations

from typing import Final

from broker.iam.matching import PatternError, compile_pattern
from broker.iam.model import ClaimMatch, StaticKeys
from broker.iam.presets.forms import refuse
from broker.iam.presets.preset import Keys, Preset, Question, audience_question, with_keys


def oidc_rules(
    *,
    issuer: str,
    subject: str = "",
    subject_pattern: str = "",
    audience: str = "",
    keys: Keys | None = None,
) -> ClaimMatch | StaticKeys:
    """Rules for a subject, or for those that match a pattern. Raises `Invalid`."""
    if bool(subject) == bool(subject_pattern):
        refuse("subject", "expected a subject, or a pattern for it")
    if subject_pattern:
        try:
            compile_pattern(subject_pattern)
        except PatternError as error:
            refuse("subject_pattern", str(error))
    rules = ClaimMatch(
        issuer=issuer, subject=subject, subject_pattern=subject_pattern, audience=audience
    )
    return with_keys(keys, rules)


OIDC: Final = Preset(
    name="oidc",
    workload="tokens of any OpenID provider",
    guide="oidc",
    rules=oidc_rules,
    one_of=("subject", "subject_pattern"),
    takes_keys=True,
    questions=(
        Question(
            name="issuer",
            flag="--identity-issuer",
            label="Issuer",
            help="Issuer, as it stands in `iss` and in its discovery document.",
            required=True,
        ),
        Question(
            name="subject",
            flag="--subject",
            label="Subject",
            help="Subject (sub) of the tokens.",
        ),
        Question(
            name="subject_pattern",
            flag="--subject-pattern",
            label="Pattern for the subject",
            help="RE2 pattern for the whole subject.",
        ),
        audience_question(),
    ),
)
