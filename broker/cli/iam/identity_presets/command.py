"""The command of a preset: questions as options, asked on a terminal where they are missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import click

from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.values import Pair, moment, separated
from broker.cli.iam.identities import VIEW
from broker.cli.iam.identity_making import make, making_options
from broker.cli.iam.identity_presets.records import record_of
from broker.cli.iam.identity_rules import keys_of
from broker.errors import Invalid
from broker.iam.model import Relationship
from broker.iam.presets import Answer, Keys, Preset, Question
from broker.iam.presets.preset import with_claims

_KEY_FLAGS: Final = {"issuer_keys": "--issuer-keys", "claims": "--claim"}
_CLAIM_OPTIONS: Final = (
    click.option(
        "--claim", "claims", type=Pair(), multiple=True, help="Value of one more claim; repeats."
    ),
    click.option(
        "--claim-pattern",
        "claim_patterns",
        type=Pair(),
        multiple=True,
        help="RE2 pattern for the whole value of one more claim; repeats.",
    ),
)
_KEY_OPTIONS: Final = (
    click.option(
        "--issuer-keys",
        help="For an issuer that the broker cannot reach: file with its public keys (JWK set), or "
        "the JSON itself.",
    ),
    click.option(
        "--expiration",
        help="End of --issuer-keys, at most 30 days from now: a date, a time, or 30d.",
    ),
)


def preset_command(preset: Preset) -> click.Command:
    """Creates an identity by the rules of a preset."""

    @api_command()
    async def create(
        run: Invocation,
        /,
        *,
        claims: Sequence[tuple[str, str]] = (),
        claim_patterns: Sequence[tuple[str, str]] = (),
        issuer_keys: str | None = None,
        expiration: str | None = None,
        **given: Any,
    ) -> None:
        keys = _keys(run, issuer_keys, expiration)
        answers = {each.name: _answer(run, each, given.pop(each.name)) for each in preset.questions}
        _expect_one(preset, answers)
        try:
            rules = _rules(preset, answers, keys)
            rules = with_claims(rules, dict(claims), dict(claim_patterns))
        except Invalid as error:
            raise _usage(preset, error) from None
        made = await make(run, record_of(rules), **given)
        for remark in preset.remarks(answers, with_keys=keys is not None):
            click.echo(f"note: {remark}", err=True)
        run.out.record(VIEW, made)

    callback: Any = create
    for option in reversed(list(_options(preset))):
        callback = option(callback)
    help_text = f"Create an identity for {preset.workload}."
    return click.command(preset.name.split()[-1], help=help_text)(making_options(callback))


def _options(preset: Preset) -> Iterator[Any]:
    for question in preset.questions:
        yield _option(question)
    yield from _CLAIM_OPTIONS if preset.takes_claims else ()
    yield from _KEY_OPTIONS if preset.takes_keys else ()


def _option(question: Question) -> Any:
    name = (question.flag, question.name)
    if question.answer == "switch":
        return click.option(*name, is_flag=True, help=question.help)
    return click.option(
        *name,
        multiple=question.answer == "several",
        type=click.Choice(question.choices) if question.choices else str,
        default=question.default or None,
        show_default=bool(question.default),
        help=question.help,
    )


def _answer(run: Invocation, question: Question, given: Any) -> Answer:
    """What was given; on a terminal asked for where an identity had better have it."""
    if question.answer == "several":
        return tuple(separated(given))
    if question.answer == "switch":
        return bool(given)
    if given or not (question.required or question.pins):
        return str(given or "")
    label = question.label
    if question.find:
        run.ask.remark(f"{label}: {question.find}")
    if question.required:
        return run.ask.text(question.flag, label)
    return run.ask.optional(f"{label} (empty: not pinned)")


def _expect_one(preset: Preset, answers: dict[str, Answer]) -> None:
    if preset.one_of and not any(answers[name] for name in preset.one_of):
        flags = " or ".join(map(preset.flag, preset.one_of))
        raise click.UsageError(f"Missing option: {flags}.")


def _keys(run: Invocation, jwks: str | None, expiration: str | None) -> Keys | None:
    if bool(jwks) != bool(expiration):
        raise click.UsageError("--issuer-keys and --expiration go together.")
    if not jwks or not expiration:
        return None
    until = moment(expiration, now=run.now, flag="--expiration")
    return Keys(jwks=keys_of(jwks), expiration=datetime.fromisoformat(until))


def _rules(preset: Preset, answers: dict[str, Answer], keys: Keys | None) -> Relationship:
    return preset.rules(**answers, keys=keys) if preset.takes_keys else preset.rules(**answers)


def _usage(preset: Preset, error: Invalid) -> click.UsageError:
    """The same as an error of the option."""
    field = error.field or ""
    asked = {question.name: question.flag for question in preset.questions}
    fault = error.message.removeprefix(f"{field}: ")
    return click.BadParameter(f"{fault}.", param_hint=(asked | _KEY_FLAGS).get(field, field))
