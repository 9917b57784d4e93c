"""`broker config`: what commands take for granted where no flag says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from broker.cli.client import configuration as file
from broker.cli.client.asking import Asking, on_terminal
from broker.cli.client.configuration import KEYS
from broker.cli.client.connection import (
    audience_option,
    broker_options,
    configuration_path_option,
    configured,
    console_option,
    current,
    file_path,
    remember,
)
from broker.cli.client.flags import yes_option
from broker.cli.client.invocation import output_option
from broker.cli.client.output import Printer
from broker.cli.client.tables import Column, View
from broker.cli.groups import CommandGroup
from broker.errors import Invalid, Precondition

VIEW = View(
    "configuration",
    "configured keys",
    (Column("Key", "key"), Column("Value", "value"), Column("From", "source")),
    key="key",
    label="value",
)
FORMATS: Final = ("table", "json", "yaml", "csv", "markdown", "terse", "none")

key_argument = click.argument("key", type=click.Choice(list(KEYS)), metavar="KEY")


@click.group("config", cls=CommandGroup)
def configuration() -> None:
    """Read and write what commands take for granted: which broker, how to log in.

    Keys: api, issuer, console, audience, identity-provider, org-name, social-login, output,
    log-level. A flag wins over a variable, a variable over the file.
    """


@configuration.command()
@click.option("--diff", "differs", is_flag=True, help="Only what differs from the defaults.")
@broker_options
@console_option
@audience_option
@output_option(FORMATS)
def view(*, differs: bool, output: str) -> None:
    """Show what is in effect, and where it is from."""
    rows = [
        {"key": name, "value": value, "source": source}
        for name, (value, source) in current().items()
        if not differs or value != KEYS[name].default
    ]
    Printer(output, is_terminal=False).records(VIEW, rows)


@configuration.command("set")
@click.argument("key")
@click.argument("value", required=False)
@configuration_path_option
def set_value(path: Path, *, key: str, value: str | None) -> None:
    """Set KEY to VALUE; KEY=VALUE is taken too."""
    if value is None:
        key, equals, value = key.partition("=")
        if not equals:
            raise click.UsageError(f"Missing the value of {key}.")
    text = file.content_of(path)
    values = file.parsed(text, path) | {key: file.checked(key, value)}
    _expect_sound(values)
    file.write(path, file.with_value(text, key, value))


@configuration.command()
@click.argument("key")
@configuration_path_option
def unset(path: Path, *, key: str) -> None:
    """Leave KEY to its default. A key that there is not is removed from the file."""
    text = file.content_of(path)
    if key not in KEYS and key not in file.loaded(text, path):
        file.checked(key, "")
    file.write(path, file.with_value(text, key, None))


@configuration.command()
@broker_options
@console_option
@audience_option
@configured("--identity-provider", key="identity-provider", callback=remember, expose_value=False,
            metavar="UIDP", help=KEYS["identity-provider"].meaning)  # fmt: skip
@configured("--org-name", key="org-name", callback=remember, expose_value=False,
            metavar="NAME", help=KEYS["org-name"].meaning)  # fmt: skip
@configured("--social-login", key="social-login", callback=remember, expose_value=False,
            metavar="NAME", help=KEYS["social-login"].meaning)  # fmt: skip
@output_option(file.OUTPUTS)
@yes_option
@click.pass_context
def save(ctx: click.Context, *, output: str, yes: bool) -> None:
    """Write what is in effect, by flags and variables too, into the file."""
    path = _expected(file_path())
    flags: dict[str, Any] = {}
    if ctx.get_parameter_source("output") is click.core.ParameterSource.COMMANDLINE:
        flags["output"] = output
    values = {
        name: value for name, (value, source) in current(**flags).items() if source != "default"
    }
    _expect_sound(values)
    if path.exists():
        _asking(yes=yes).confirm(f"Replace {path}?")
    file.write(path, "".join(f"{file.line_of(*each)}\n" for each in values.items()))


@configuration.command()
@yes_option
@configuration_path_option
def edit(path: Path, *, yes: bool) -> None:
    """Open the file in an editor; nothing is written that would not be understood."""
    text = file.content_of(path) or _template()
    edited = click.edit(text, extension=".toml")
    if edited is None or edited == text:
        click.echo("nothing changed", err=True)
        return
    file.parsed(edited, path)
    _asking(yes=yes).confirm(f"Write {path}?")
    file.write(path, edited)


@configuration.command()
@yes_option
@configuration_path_option
def reset(path: Path, *, yes: bool) -> None:
    """Delete the file: everything is as by default."""
    if not path.exists():
        return
    _asking(yes=yes).confirm(f"Delete {path}?")
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise Precondition("configuration_unusable", f"{path}: cannot be deleted") from error


@configuration.command()
@configuration_path_option
def validate(path: Path) -> None:
    """Check the file. Exit code 1 when something is wrong with it."""
    file.read(path)
    click.echo(f"{path}: {'nothing is wrong' if path.exists() else 'there is no such file'}")


def _expect_sound(values: dict[str, str]) -> None:
    if found := file.problems(values):
        raise Invalid("configuration_invalid", "\n".join(found), field="config")


def _asking(*, yes: bool) -> Asking:
    return Asking(is_terminal=on_terminal(), yes=yes)


def _expected(path: Path | None) -> Path:
    if path is None:
        raise Precondition(
            "configuration_unusable", "neither XDG_CONFIG_HOME nor HOME says where the file is"
        )
    return path


def _template() -> str:
    return "".join(f"# {key.meaning}\n# {name} = {key.default!r}\n" for name, key in KEYS.items())
