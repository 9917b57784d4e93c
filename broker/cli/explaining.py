"""What `broker exchange --explain` says after a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Final

import click
import orjson

from broker.cli.client.connection import Connection
from broker.cli.client.credentials import TOKEN, TOKEN_FILE, access_token, cached_token
from broker.cli.options import printable
from broker.cli.steps import explanation_lines
from broker.errors import BrokerError
from broker.sdk.api import Record, connected
from broker.sdk.refusal import Refused

API: Final = "BROKER_API"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explaining:
    """What there is to ask why with: an access token of `api_token`, or that which commands over
    the API take from the environment.
    """

    issuer: str
    identity: str
    upstream: str
    api_token: IO[bytes] | None
    environ: Mapping[str, str]

    def tell(self, refusal: Refused, *, as_json: bool) -> None:
        """Print the dry run to standard error, or where else the reason is to be found."""
        explanation, note = self._asked(refusal)
        if as_json:
            click.echo(orjson.dumps({"explanation": explanation, "note": note}), err=True)
            return
        for line in (*_lines(explanation), *([note] if note else ())):
            click.echo(line, err=True)

    def _asked(self, refusal: Refused) -> tuple[Record | None, str]:
        if not self.identity:
            return None, "No identity was named, so there are no rules to explain."
        elsewhere = self._elsewhere(refusal)
        if not self._has_token():
            return None, elsewhere
        try:
            token = access_token(self.api_token, self.environ, self._broker)
            return asyncio.run(self._explained(token)), ""
        except Refused as no:
            return None, f"Not explained: {printable(no.error.message)}. {elsewhere}"
        except BrokerError as no:
            return None, f"Not explained: {printable(no.message)}. {elsewhere}"

    def _has_token(self) -> bool:
        if self.api_token is not None:
            return True
        # the token in the environment is for the broker that is named there, and for no other
        theirs = self.environ.get(API, self.issuer).rstrip("/") == self.issuer.rstrip("/")
        if theirs and bool(self.environ.get(TOKEN) or self.environ.get(TOKEN_FILE)):
            return True
        return bool(cached_token(self.environ, self._broker, renews=False))

    @property
    def _broker(self) -> Connection:
        return Connection.to(self.issuer.rstrip("/"))

    async def _explained(self, token: str) -> Record:
        async with connected(self.issuer, token) as api:
            return await api.explain(self.identity, self.upstream)

    def _elsewhere(self, refusal: Refused) -> str:
        return (
            "Who may list the identity sees why with an access token (--api-token, or "
            f"{TOKEN} with {API}), or by 'broker iam identities explain {self.identity} "
            "--upstream-token FILE'; the operator by 'broker audit list --request-id "
            f"{printable(refusal.request_id)}'."
        )


def _lines(explanation: Record | None) -> Iterator[str]:
    return explanation_lines(explanation) if explanation else iter(())
