"""A command over the API: its common options, and what it has at hand when it runs."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any, Concatenate, ParamSpec, TypeVar

import click

from broker.cli.client.asking import Asking, Choice, on_terminal
from broker.cli.client.connection import Connection, broker_options, configured, connection
from broker.cli.client.credentials import access_token
from broker.cli.client.names import Names, can_be_given, group_paths
from broker.cli.client.output import RECORD_FORMATS, Printer
from broker.cli.options import printable
from broker.cli.refusals import explain
from broker.iam.uidp import Uidp
from broker.sdk.api import (
    GROUPS,
    IDENTITIES,
    ROLES,
    ApiClient,
    Collection,
    Parameters,
    Record,
    connected,
)
from broker.sdk.refusal import Refused

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a command."""

    api: ApiClient
    out: Printer
    ask: Asking
    names: Names
    now: datetime
    broker: Connection

    async def group(self, given: str | None, *, flag: str = "--parent") -> Uidp:
        """The UIDP of a group that was named; asked for where it was not."""
        if not given:
            choices = await self._groups() if self.ask.is_terminal else []
            given = self.ask.choice(flag, "Group", choices)
        return await self.names.group(given, flag=flag)

    async def role(self, given: str | None, *, at: Uidp, flag: str = "--role") -> Uidp:
        """The UIDP of a role that can be given at a group; asked for where none was named."""
        if not given:
            choices = await self._roles(at) if self.ask.is_terminal else []
            given = self.ask.choice(flag, "Role", choices)
        return await self.names.role(given, at=at, flag=flag)

    async def identity(self, given: str | None, *, at: Uidp, flag: str = "--identity") -> Uidp:
        """The UIDP of an identity to hold a role at a group; asked for where none was named."""
        if not given:
            choices = await self._choices(IDENTITIES, None) if self.ask.is_terminal else []
            given = self.ask.choice(flag, "Identity", choices)
        return await self.names.identity(given, at=at, flag=flag)

    async def record(
        self,
        collection: Collection,
        given: str | None,
        *,
        flag: str,
        parent: Uidp | None = None,
        among: Parameters | None = None,
    ) -> Record:
        """A record that was named; asked for where it was not, `among` those of a filter."""
        if not given:
            choices = await self._choices(collection, among) if self.ask.is_terminal else []
            given = self.ask.choice(flag, collection.noun.capitalize(), choices)
        return await self.names.record(collection, given, flag=flag, parent=parent)

    async def _choices(self, collection: Collection, among: Parameters | None) -> list[Choice]:
        found = await self.api.records(collection, among)
        return [Choice(one["uid"], f"{one['name']}  {one['uid']}") for one in found]

    async def _groups(self) -> list[Choice]:
        paths = group_paths(await self.api.records(GROUPS))
        return [Choice(uid, path) for uid, path in sorted(paths.items(), key=lambda pair: pair[1])]

    async def _roles(self, at: Uidp) -> list[Choice]:
        roles = await self.api.records(ROLES, {"orderBy": "name"})
        return [Choice(role["uid"], role["name"]) for role in roles if can_be_given(role, at)]


Work = Callable[Concatenate[Invocation, P], Awaitable[None]]


def api_command(*formats: str) -> Callable[[Work[P]], Callable[..., None]]:
    """Makes a click callback of a coroutine: with the common options, a client, and refusals
    printed. `formats`: what `--output` takes; those of one record without.
    """

    def decorate(work: Work[P]) -> Callable[..., None]:
        @_common_options(formats or RECORD_FORMATS)
        @functools.wraps(work)
        def callback(*, token: IO[bytes] | None, output: str, **arguments: Any) -> None:
            broker = connection()
            out = Printer(output, is_terminal=sys.stdout.isatty())
            ask = Asking(
                # a token from standard input leaves nothing there to answer questions with
                is_terminal=on_terminal() and token is not sys.stdin.buffer,
                yes=arguments.pop("yes", False),
            )
            try:
                client = connected(broker.api, access_token(token, os.environ, broker))
                asyncio.run(_perform(work, client, broker, out, ask, arguments))
            except Refused as refusal:
                explain(refusal, as_json=output == "json")
                sys.exit(1)

        return callback

    return decorate


async def _perform(
    work: Callable[..., Awaitable[None]],
    client: AbstractAsyncContextManager[ApiClient],
    broker: Connection,
    out: Printer,
    ask: Asking,
    arguments: dict[str, Any],
) -> None:
    async with client as api:
        run = Invocation(api, out, ask, Names(api), datetime.now(UTC), broker)
        await work(run, **arguments)
    for found in api.lint:
        click.echo(_finding(found), err=True)


def _finding(item: str) -> str:
    """What lint said of what was saved; `broker lint --live` says it in full."""
    rule, *parameters = item.split(";", 2)
    members = dict(each.partition("=")[::2] for each in parameters)
    field = members.get("field", "").strip('"')
    return printable(f"{members.get('level', 'note')}: lint: {field}: {rule} (docs/lint.md)")


def connection_options(callback: F) -> F:
    """Which broker, and on whose behalf."""
    token = click.option(
        "--token",
        type=click.File("rb"),
        metavar="FILE",
        help="File with the access token, - is stdin. [env: BROKER_TOKEN_FILE; the token "
        "itself: BROKER_TOKEN]",
    )
    return broker_options(token(callback))


def output_option(formats: Sequence[str], default: str = "table") -> Callable[[F], F]:
    """How to print: of these, the configured one if it is among them."""
    return configured(
        "-o",
        "--output",
        key="output",
        type=click.Choice(formats),
        default=default,
        show_default=True,
        help="How to print the result.",
    )


def _common_options(formats: Sequence[str]) -> Callable[[F], F]:
    def decorate(callback: F) -> F:
        return connection_options(output_option(formats)(callback))

    return decorate
