"""Which broker a command talks to, and where its access token comes from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

import click

from broker.cli.options import MAX_TOKEN_FILE, token_in, token_of

DEFAULT_API: Final = "http://127.0.0.1:8080"
TOKEN: Final = "BROKER_TOKEN"  # noqa: S105 - the name of a variable
TOKEN_FILE: Final = "BROKER_TOKEN_FILE"  # noqa: S105


def access_token(given: IO[bytes] | None, environ: Mapping[str, str]) -> str:
    """The token to call the API with: of `--token`, else of BROKER_TOKEN, else of the file that
    BROKER_TOKEN_FILE names.

    Raises `click.UsageError` where there is none, `Unauthenticated` (`token_malformed`) for what
    cannot be a token; neither quotes anything of it.
    """
    if given is not None:
        return token_in(given)
    if environ.get(TOKEN):
        if environ.get(TOKEN_FILE):
            raise click.UsageError(f"{TOKEN_FILE} is set as well as {TOKEN}.")
        return token_of(environ[TOKEN].encode()[:MAX_TOKEN_FILE], TOKEN)
    if path := environ.get(TOKEN_FILE):
        try:
            with Path(path).open("rb") as file:
                return token_in(file)
        except OSError as error:
            raise click.UsageError(f"{TOKEN_FILE}: cannot read {path}: {error.strerror}") from None
    raise click.UsageError(
        f"No access token: give --token FILE, or set {TOKEN} or {TOKEN_FILE}. "
        "`broker exchange` prints one."
    )
