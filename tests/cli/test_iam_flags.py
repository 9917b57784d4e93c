"""Commands and flags of `auth`, `config`, `events` and `iam` against the facts that scripts rely on: `commands.tsv`."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from broker.cli import cli
from broker.cli.groups import CommandWithVariants

FACTS = [
    line.split("\t") for line in Path(__file__).with_name("commands.tsv").read_text().splitlines()
]


def found(words: str) -> click.Command:
    """A command by its words."""
    command: click.Command = cli
    for word in words.split():
        assert isinstance(command, click.Group), words
        inner = command.get_command(click.Context(command), word)
        assert inner is not None, f"{words}: no {word}"
        command = inner
    if isinstance(command, CommandWithVariants):
        itself = command.get_command(click.Context(command), command.ITSELF)
        assert itself is not None
        return itself
    return command


@pytest.mark.parametrize(("command", "flags"), [(f[0], (f[1:] or [""])[0]) for f in FACTS])
def test_the_command_has_its_flags(command: str, flags: str) -> None:
    """Each by its name, long and short; it may have more."""
    options = {option for parameter in found(command).params for option in parameter.opts}
    assert {*flags.split(), *_common(command)} <= options


def _common(command: str) -> set[str]:
    """What every command has that there is a use for."""
    match command.split():
        case ["config", "view" | "save"]:
            return {"--api", "--issuer", "--console", "--audience", "--config", "--output", "-o"}
        case ["config", *_]:  # they read and write the file alone
            return {"--config"}
        case ["iam", "roles", "capabilities", "list"]:  # of no broker
            return {"--output", "-o"}
        case ["auth", *_]:
            return {"--api", "--issuer", "--console", "--config", "--log-level", "--output", "-o"}
        case _:
            return {"--api", "--issuer", "--config", "--log-level", "--output", "-o"}


@pytest.mark.parametrize(
    ("alias", "command"),
    [
        ("iam ids", "iam identities"),
        ("iam id", "iam identities"),
        ("iam orgs", "iam organizations"),
        ("iam invite", "iam invites"),
        ("iam role-binding", "iam role-bindings"),
        ("iam idp", "iam identity-providers"),
        ("iam roles ls", "iam roles list"),
        ("events subscriptions ls", "events subscriptions list"),
    ],
)
def test_the_alias_is_the_command(alias: str, command: str) -> None:
    """Under another name."""
    assert found(alias) is found(command)


def test_help_shows_aliases_and_variants() -> None:
    """Beside the names that they stand for, and as commands of their own."""
    context = click.Context(found("iam"), info_name="iam")
    assert "identities, id, ids" in found("iam").get_help(context)
    create = found("iam identities").get_command(context, "create")  # type: ignore[attr-defined]
    text = create.get_help(click.Context(create, info_name="create"))
    assert "[NAME] | VARIANT" in text
    assert "--identity-issuer" in text
    assert "Variants:" in text
    assert "kubernetes" in text
