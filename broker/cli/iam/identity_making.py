"""Creating identities: what every form of `identities create` ends in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

from broker.cli.client.completing import complete_roles
from broker.cli.client.flags import description_option, name_option, parent_option, yes_option
from broker.cli.client.invocation import Invocation
from broker.cli.client.values import separated
from broker.iam.uidp import Uidp
from broker.sdk.api import IDENTITIES, ROLE_BINDINGS, Record

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.argument("given_name", metavar="[NAME]", required=False),
    name_option,
    description_option,
    parent_option,
    click.option(
        "--role",
        "roles",
        multiple=True,
        help="Role to hold at the parent, by name or UIDP; repeats, or has commas.",
        shell_complete=complete_roles,
    ),
    yes_option,
)


def making_options(callback: F) -> F:
    """The argument and options that every form of `create` has."""
    for option in reversed(_OPTIONS):
        callback = option(callback)
    return callback


def name_of(run: Invocation, given_name: str | None, name: str | None) -> str:
    """The name, given as argument or option; asked for where it was not."""
    if given_name and name and given_name != name:
        raise click.UsageError("Give the name once: as NAME, or by --name.")
    return given_name or name or run.ask.text("NAME", "Name of the identity")


async def make(
    run: Invocation,
    rules: Record,
    *,
    given_name: str | None,
    name: str | None,
    description: str | None,
    parent: str | None,
    roles: Sequence[str],
) -> Record:
    """Create an identity with these rules, and bind its roles where it lies."""
    named = name_of(run, given_name, name)
    group = await run.group(parent)
    identity = {"name": named, "description": description or "", **rules}
    return await made(run, group, identity, separated(roles))


async def made(run: Invocation, group: Uidp, identity: Record, roles: Sequence[str]) -> Record:
    """The new identity. Roles are looked up before, so that a wrong name leaves nothing behind."""
    uidps = [await run.role(role, at=group) for role in roles]
    created = await run.api.create(IDENTITIES, group, identity)
    if not uidps:
        return created
    bindings = [
        {"parent": group, "roleBinding": {"identityUid": created["uid"], "roleUid": role}}
        for role in uidps
    ]
    try:
        path = f"{ROLE_BINDINGS.path}:batchCreate"
        await run.api.call("POST", path, body={"parent": group, "requests": bindings})
    except BaseException:
        click.echo(f"note: {created['uid']} was created, without its roles", err=True)
        raise
    return created
