"""Options that say how to log in."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

from broker.cli.client.configuration import KEYS, WAYS
from broker.cli.client.connection import configured, current, remember
from broker.sdk.login.request import CONNECTIONS

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How to log in."""

    headless: bool = False
    organization: str = ""
    """As `LoginRequest.organization`."""
    connection: str = ""
    """As `LoginRequest.connection`."""
    identity: str = ""
    upstream: str = field(default="", repr=False)
    """The upstream token to exchange instead, or its file's name."""


def way_options(callback: F) -> F:
    """Those that `login` and `status` have. `way` makes a value of them."""
    options = (
        click.option(
            "--headless",
            is_flag=True,
            help="Show a code to enter in a browser on any device, instead of opening one here.",
        ),
        configured(
            "--identity-provider",
            key="identity-provider",
            metavar="UIDP",
            callback=remember,
            expose_value=False,
            help="Log in through this identity provider of an organization. "
            "[env: BROKER_IDENTITY_PROVIDER]",
        ),
        configured(
            "--org-name",
            key="org-name",
            metavar="NAME",
            callback=remember,
            expose_value=False,
            help="Log in through the identity provider of this verified organization. "
            "[env: BROKER_ORG_NAME]",
        ),
        configured(
            "--social-login",
            key="social-login",
            type=click.Choice(sorted(CONNECTIONS)),
            callback=remember,
            expose_value=False,
            help="Log in through one of these. [env: BROKER_SOCIAL_LOGIN]",
        ),
        click.option(
            "--identity",
            default="",
            metavar="UIDP",
            help="Become this assumable identity, whose rules the login has to pass.",
        ),
        click.option(
            "--identity-token",
            "upstream",
            default="",
            metavar="FILE",
            help="Exchange the upstream token in this file, - is stdin, without a browser. The "
            "token itself is taken too; others on the machine can read a command line.",
        ),
    )
    return functools.reduce(lambda made, option: option(made), reversed(options), callback)


def way(*, headless: bool, identity: str, upstream: str) -> Way:
    """What the options say, and the configuration where they say nothing.

    Raises `click.UsageError` for options that exclude each other.
    """
    values = current()
    given = {name: values[name] for name in WAYS if values[name][0]}
    by_flag = [f"--{name}" for name, (_, source) in given.items() if source == "flag"]
    if len(given) > 1:
        names = [*by_flag, *(KEYS[name].variable for name in given if f"--{name}" not in by_flag)]
        raise click.UsageError(f"Give one of {', '.join(names)}.")
    if upstream:
        if by_flag or headless:
            raise click.UsageError("--identity-token needs no login: leave the others out.")
        given = {}
    if headless and identity and not upstream:
        raise click.UsageError("--identity goes with a browser here, or with --identity-token.")
    chosen = {name: value for name, (value, _) in given.items()}
    return Way(
        headless=headless,
        organization=chosen.get("identity-provider") or chosen.get("org-name") or "",
        connection=CONNECTIONS.get(chosen.get("social-login", ""), ""),
        identity=identity,
        upstream=upstream,
    )
