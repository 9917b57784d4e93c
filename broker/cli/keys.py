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

from broker.app.keys import (
    KEY_FILE,
    PREVIOUS_KEY_FILE,
    Rewrapped,
    key_ring,
    key_wrapper,
    rewrap,
)
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
@click.option("--replace", is_flag=True, help="Make another, and keep the one there is beside it.")
def init(config: Path | None, *, replace: bool) -> None:
    """Create the key-encryption key, once, before the first start."""
    folder = settings_of(config).keys_dir
    path = folder / KEY_FILE
    if not replace:
        KeyFile.create(path, secrets.token_bytes)
        click.echo(f"Created {path}. Back it up: without it the signing keys cannot be read.")
        return
    previous = folder / PREVIOUS_KEY_FILE
    KeyFile.replace(path, previous, secrets.token_bytes)
    click.echo(f"Created {path}, and kept the one before as {previous}.")
    click.echo("Now give both to every replica and restart it, run `broker keys rewrap`, and then")
    click.echo("delete the one before everywhere.")


@keys.command(name="rewrap")
@config_option
def rewrap_all(config: Path | None) -> None:
    """Encrypt signing keys and client secrets anew, by the current key-encryption key."""
    settings = settings_of(config)

    async def work() -> Rewrapped:
        async with opened(settings) as store:
            return await rewrap(store, key_wrapper(settings))

    done = run(work)
    click.echo(f"Wrapped {done.done} anew; {done.current} were wrapped by the current key already.")


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
@click.option("--now", is_flag=True, help="Sign with the new key at once: for emergencies.")
@click.option("--revoke", metavar="KID", help="With --now: trust this key no more.")
@output_option
def rotate(config: Path | None, output: str, *, now: bool, revoke: str | None) -> None:
    """Make the next signing key. It is published now and signs after the publish lead.

    With --now it signs at once: verifiers that keep our keys do not know it for as long as they
    keep them (BROKER_JWKS_MAX_AGE). With --revoke too, tokens of that key are worth nothing to
    whoever fetches our keys from now on.
    """
    if revoke and not now:
        raise click.UsageError("--revoke needs --now: another key has to sign instead.")
    settings = settings_of(config)

    async def work() -> tuple[Rotation, list[KeyStatus]]:
        async with _ring(settings) as ring:
            if now:
                made = Rotation(key=await ring.replace_now(revoke), created=True)
            else:
                made = await ring.rotate()
            return made, ring.states(time.time())

    rotation, states = run(work)
    if output == "text":
        done = "Made a key" if rotation.created else "A key waits already, so none was made"
        click.echo(f"{done}: {rotation.key.kid} signs from {_time(rotation.key.activates_at)}.")
        if now:
            click.echo(
                f"Running brokers notice within {settings.key_refresh} s; verifiers keep the old "
                f"keys for up to {settings.jwks_max_age} s."
            )
        click.echo()
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
