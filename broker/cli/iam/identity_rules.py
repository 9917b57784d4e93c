"""Rules of an identity as options, and as the API has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from broker.cli.client.invocation import Invocation
from broker.cli.client.values import Pair, moment
from broker.sdk.api import Record

F = TypeVar("F", bound=Callable[..., Any])

MAX_KEYS_FILE: Final = 65_536
"""Bytes; the API takes no longer JWK set."""

_OPTIONS: Final = (
    click.option("--identity-issuer", help="Issuer (iss) of the tokens it accepts."),
    click.option("--identity-issuer-pattern", help="RE2 pattern for the whole issuer."),
    click.option("--subject", help="Subject (sub) of the tokens it accepts."),
    click.option("--subject-pattern", help="RE2 pattern for the whole subject."),
    click.option(
        "--audience",
        multiple=True,
        help="Audience (aud) of the tokens it accepts; repeats with --issuer-keys. Default: the "
        "broker's issuer.",
    ),
    click.option("--audience-pattern", help="RE2 pattern for the whole audience."),
    click.option(
        "--claim", "claims", type=Pair(), multiple=True, help="Value that a claim has; repeats."
    ),
    click.option(
        "--claim-pattern",
        "claim_patterns",
        type=Pair(),
        multiple=True,
        help="RE2 pattern for the whole value of a claim; repeats.",
    ),
    click.option(
        "--issuer-keys",
        help="File with the public keys (JWK set) of an issuer that the broker cannot reach, or "
        "the JSON itself.",
    ),
    click.option(
        "--expiration",
        help="End of --issuer-keys, at most 30 days from now: a date, a time, or 30d.",
    ),
)


def rule_options(callback: F) -> F:
    """The options that `create` and `update` both have."""
    for option in reversed(_OPTIONS):
        callback = option(callback)
    return callback


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFlags:
    """What was given of them."""

    identity_issuer: str | None = None
    identity_issuer_pattern: str | None = None
    subject: str | None = None
    subject_pattern: str | None = None
    audience: tuple[str, ...] = ()
    audience_pattern: str | None = None
    claims: tuple[tuple[str, str], ...] = ()
    claim_patterns: tuple[tuple[str, str], ...] = ()
    issuer_keys: str | None = None
    expiration: str | None = None

    def __post_init__(self) -> None:
        for one, other in (
            (self.identity_issuer, "identity-issuer"),
            (self.subject, "subject"),
            (self.audience, "audience"),
        ):
            if one and getattr(self, f"{other.replace('-', '_')}_pattern"):
                raise click.UsageError(f"--{other} and --{other}-pattern exclude each other.")

    def static_keys(self, run: Invocation) -> Record:
        """What was given for an issuer with keys of its own."""
        self._refuse_for_static_keys()
        given = {
            "issuer": self.identity_issuer,
            "subject": self.subject,
            "issuerKeys": self.issuer_keys and keys_of(self.issuer_keys),
            "expirationTime": self.expiration
            and moment(self.expiration, now=run.now, flag="--expiration"),
            "audiences": list(self.audience),
        }
        return {name: value for name, value in given.items() if value}

    def claim_match(self) -> Record:
        """What was given for any other issuer, but for claims."""
        if self.issuer_keys or self.expiration:
            raise click.UsageError("--issuer-keys and --expiration are for static keys.")
        if len(self.audience) > 1:
            raise click.UsageError("--audience repeats only with --issuer-keys.")
        given = {
            "issuer": self.identity_issuer,
            "issuerPattern": self.identity_issuer_pattern,
            "subject": self.subject,
            "subjectPattern": self.subject_pattern,
            "audience": "".join(self.audience),
            "audiencePattern": self.audience_pattern,
        }
        return {name: value for name, value in given.items() if value}

    def _refuse_for_static_keys(self) -> None:
        refused = (
            ("--identity-issuer-pattern", self.identity_issuer_pattern),
            ("--subject-pattern", self.subject_pattern),
            ("--audience-pattern", self.audience_pattern),
            ("--claim", self.claims),
            ("--claim-pattern", self.claim_patterns),
        )
        for flag, value in refused:
            if value:
                raise click.UsageError(f"{flag}: static keys have literal rules only.")


def keys_of(given: str) -> str:
    """A JWK set as JSON text: what was given, or what the file of that name holds."""
    if given.lstrip().startswith("{"):
        return given
    try:
        with Path(given).open(encoding="utf-8") as file:
            return file.read(MAX_KEYS_FILE + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise click.BadParameter(
            f"cannot read {given}: {reason}", param_hint="--issuer-keys"
        ) from None
