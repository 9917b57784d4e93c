"""A command about whoever is logged in: its common options, and what it has at hand."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, Final, ParamSpec

from broker.cli.client.asking import Asking, on_terminal
from broker.cli.client.connection import (
    Connection,
    broker_options,
    connection,
    console_option,
)
from broker.cli.client.invocation import output_option
from broker.cli.client.output import Printer
from broker.cli.client.values import moment_of
from broker.cli.refusals import explain
from broker.sdk.api import Record
from broker.sdk.login.renewal import Renewal
from broker.sdk.refusal import Refused
from broker.sdk.token_cache import TokenCache, claims_of

P = ParamSpec("P")

FORMATS: Final = ("table", "json", "yaml", "id", "env", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whoever runs the command, as far as this machine knows."""

    broker: Connection
    cache: TokenCache
    out: Printer
    ask: Asking

    @property
    def renewal(self) -> Renewal:
        """Their tokens."""
        return Renewal(self.cache, self.broker.issuer, time.time)


Work = Callable[Concatenate[Person, P], None]


def person_command(*formats: str) -> Callable[[Work[P]], Callable[..., None]]:
    """Makes a click callback: with the common options, and refusals printed."""

    def decorate(work: Work[P]) -> Callable[..., None]:
        perform: Callable[..., None] = work

        @broker_options
        @console_option
        @output_option(formats or FORMATS)
        @functools.wraps(work)
        def callback(*, output: str, **arguments: Any) -> None:
            person = Person(
                broker=connection(),
                cache=TokenCache.of_user(os.environ),
                out=Printer(output, is_terminal=sys.stdout.isatty()),
                ask=Asking(is_terminal=on_terminal(), yes=arguments.pop("yes", False)),
            )
            try:
                perform(person, **arguments)
            except Refused as refusal:
                explain(refusal, as_json=output == "json")
                sys.exit(1)

        return callback

    return decorate


def described(token: str) -> Record:
    """What a token says of its bearer, unchecked, as it is shown."""
    claims = claims_of(token)
    names = {"identity": "sub", "email": "email", "issuer": "iss", "audience": "aud"}
    record = {name: claims[claim] for name, claim in names.items() if claims.get(claim)}
    if isinstance(claims.get("exp"), int):
        record["expiry"] = moment_of(claims["exp"])
    return record
