"""Writes the documents that are derived from the code; `--check` only tells whether they are."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from broker.api.status import WIRES
from broker.cli import COMMANDS, cli
from broker.config import CLIENT_VARIABLES, PREFIX, SECRETS, Settings
from broker.contract.methods import Contract, descriptions
from broker.contract.options import Authorization, Need
from broker.error_codes import CATALOGUE

DOCS = Path(__file__).parent
NOTE = "<!-- Made from the code by `make docs-generate`; a test compares them. -->\n\n"


def configuration() -> Iterator[str]:
    """docs/configuration.md."""
    yield "# Configuration\n\n" + NOTE
    yield (
        "Settings are environment variables, or lines of a TOML file (`--config FILE`, names in "
        "lower case without `BROKER_`); a variable wins over the file. Lists and objects are "
        "JSON in variables and native in TOML. An unknown name or a wrong value stops the start, "
        "and every fault is listed at once. `broker settings` prints what is in effect, secrets "
        "masked. With an empty environment everything works on one machine; an https issuer "
        "refuses the defaults that are meant for development.\n\n"
    )
    yield "| variable | default | meaning |\n|---|---|---|\n"
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        variable = f"`{PREFIX}{name.upper()}`"
        if name in SECRETS:
            variable += f", or `{PREFIX}{name.upper()}_FILE`"
        yield _row(variable, _shown(default), field.description or "")
    yield (
        "\n## Variables of clients\n\n"
        "Read by the commands that talk to a broker; an option wins over them. A "
        "server passes over them.\n\n"
    )
    yield "| variable | meaning |\n|---|---|\n"
    for variable, meaning in CLIENT_VARIABLES.items():
        yield _row(f"`{variable}`", meaning)


def errors() -> Iterator[str]:
    """docs/errors.md."""
    yield "# Errors\n\n" + NOTE
    yield (
        "Every refusal has a code. On `/sts/exchange` it is `details[0].reason` of a body "
        '`{"code", "message", "details"}`, whose `code` is the gRPC code; on `/token` it is '
        "`reason` beside the `error` of RFC 6749. Both name the request id, which is also in the "
        "`X-Request-Id` header and in the audit record, and the stage of the exchange that "
        "refused: `request`, `token`, `identity`, `issuer`, `signature`, `times`, `scope` or "
        "`mint`. On the command line the code follows the message, and the exit code is 1. Codes "
        "of the start and of commands that work on the database or on files are never seen by a "
        "caller; their HTTP columns are what their kind would be.\n\n"
        "`identity` stands for an unknown identity and for rules that refuse the token alike, "
        "so that callers cannot try out which identities exist (docs/security-model.md has the "
        "limits). The owner sees the difference in `broker audit list --failed`.\n\n"
    )
    yield "| code | gRPC, HTTP | `/token` | cause | cure |\n|---|---|---|---|---|\n"
    for entry in sorted(CATALOGUE.values(), key=lambda entry: entry.code):
        wire = WIRES[entry.kind]
        yield _row(
            f"`{entry.code}`",
            f"{wire.grpc}, {wire.status}",
            f"`{entry.oauth}`",
            entry.cause,
            entry.cure,
        )


def methods() -> Iterator[str]:
    """docs/api-methods.md."""
    yield "# Methods of the management API\n\n" + NOTE
    yield (
        "Read [api.md](api.md) first. The names of services are those of their gRPC paths; "
        "routes of v2 are served under `v2beta1` as well. *anybody*: without a token, or with "
        "one that the method checks itself; *any token*: any valid access token; *narrowed*: "
        "a list shows what lies where the capability is held.\n"
    )
    contract = Contract.load()
    service = ""
    for method in contract.methods.values():
        if method.path != method.stable_path:
            continue
        if method.service != service:
            service = method.service
            yield f"\n## {service}\n\n{_first_line(descriptions().get(service, ''))}\n\n"
            yield "| method | route | needs | event |\n|---|---|---|---|\n"
        yield _row(
            f"`{method.name}`: {_first_line(method.description)}",
            "<br>".join(f"{rule.verb} `{rule.template}`" for rule in method.http) or "gRPC only",
            _needs(method.authorization),
            f"`{method.event.type}`" if method.event else "",
        )


def _needs(authorization: Authorization) -> str:
    match authorization.kind:
        case Need.NONE:
            return "*anybody*"
        case Need.TOKEN:
            return "*any token*"
        case _:
            names = ", ".join(f"`{name}`" for name in authorization.capabilities)
            where = ".".join(authorization.scope_path)
            return f"{names} at `{where}`" if where else f"{names}, *narrowed*"


def _first_line(text: str) -> str:
    return text.partition("\n\n")[0].replace("\n", " ")


def commands() -> Iterator[str]:
    """docs/cli.md."""
    yield "# Command line\n\n" + NOTE
    context = click.Context(cli, info_name="broker", **cli.context_settings)
    yield from _help(cli, context)
    for name in sorted(COMMANDS):
        command = cli.get_command(context, name)
        assert command is not None
        yield from _help(command, click.Context(command, info_name=name, parent=context))


def _help(command: click.Command, context: click.Context) -> Iterator[str]:
    context.max_content_width = context.terminal_width = 100
    yield f"## {context.command_path}\n\n```\n{command.get_help(context)}\n```\n\n"
    if isinstance(command, click.Group) and context.parent is not None:
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _help(inner, click.Context(inner, info_name=name, parent=context))


def _row(*cells: str) -> str:
    """A row of a table; a bar in a cell would end it, also between backticks."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _shown(default: Any) -> str:
    """As it would be written in a variable; nothing where there is none."""
    if default in ("", None):
        return ""
    return f"`{json.dumps(default) if isinstance(default, tuple | dict | bool) else default}`"


DOCUMENTS = {
    "api-methods.md": methods,
    "configuration.md": configuration,
    "errors.md": errors,
    "cli.md": commands,
}


def main() -> int:
    """Write, or compare."""
    stale = []
    for name, make in DOCUMENTS.items():
        path, text = DOCS / name, "".join(make()).rstrip() + "\n"
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text)
    if stale and "--check" in sys.argv:
        print("out of date, run `make docs-generate`:", ", ".join(stale))  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
