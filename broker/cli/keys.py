"""`broker keys`."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import click
import orjson

from broker.app import KEY_FILE, key_ring
from broker.cli.options import config_option, opened, output_option, run, settings_of
from broker.config import Settings
from broker.issuer.keyring import KeyRing, Rotation
from broker.issuer.schedule import KeyStatus
from broker.issuer.wrapping import KeyFile


@click.group()
def keys() -> None:
    """Look after the signing keys."""


@keys.command()
@config_option
def init(config: Path | None) -> None:
    """Create the key-encryption key, once, before the first start."""
    path = settings_of(config).keys_dir / KEY_FILE
    KeyFile.create(path, secrets.token_bytes)
    click.echo(f"Created {path}. Back it up: without it the signing keys cannot be read.")


@keys.command(name="list")
@config_option
@output_option
def list_keys(config: Path | None, output: str) -> None:
    """List the signing keys, the oldest first."""
    settings = settings_of(config)

    async def work() -> list[KeyStatus]:
        async with _ring(settings) as ring:
            return ring.states(time.time())

    _print(run(work), output)


@keys.command()
@config_option
@output_option
def rotate(config: Path | None, output: str) -> None:
    """Make the next signing key. It is published now and signs after the publish lead."""
    settings = settings_of(config)

    async def work() -> tuple[Rotation, list[KeyStatus]]:
        async with _ring(settings) as ring:
            return await ring.rotate(), ring.states(time.time())

    rotation, states = run(work)
    if output == "text":
        done = "Made a key" if rotation.created else "A key waits already, so none was made"
        click.echo(f"{done}: {rotation.key.kid} signs from {_time(rotation.key.activates_at)}.\n")
    _print(states, output)


@asynccontextmanager
async def _ring(settings: Settings) -> AsyncIterator[KeyRing]:
    async with opened(settings) as store:
        ring = key_ring(settings, store)
        await ring.open()
        yield ring


def _print(states: list[KeyStatus], output: str) -> None:
    if output == "json":
        rows = [
            {
                "kid": status.key.kid,
                "algorithm": status.key.algorithm,
                "state": status.state.value,
                "created_at": status.key.created_at,
                "signs_from": status.signs_from,
                "signs_until": status.signs_until,
                "leaves_jwks_at": status.leaves_jwks_at,
            }
            for status in states
        ]
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z))
        return
    row = "{:43}  {:5}  {:8}  {:20}  {:20}  {}"
    click.echo(row.format("KID", "ALG", "STATE", "SIGNS FROM", "SIGNS UNTIL", "LEAVES JWKS"))
    for status in states:
        click.echo(
            row.format(
                status.key.kid,
                status.key.algorithm,
                status.state.value,
                _time(status.signs_from),
                _time(status.signs_until),
                _time(status.leaves_jwks_at),
            )
        )


def _time(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else "-"
