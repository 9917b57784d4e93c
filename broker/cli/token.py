"""`broker token`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import IO, Any, TypeGuard

import click
import orjson

from broker.cli.options import output_option, printable, run, token_in
from broker.errors import Unauthenticated
from broker.iam.capabilities import CapabilityTable
from broker.iam.capabilities import decode as decode_set
from broker.jose.compact import UnverifiedToken, parse

LEEWAY = 60

token_argument = click.argument("source", metavar="[FILE]", type=click.File("rb"), default="-")


@click.group()
def token() -> None:
    """Read a token; check one. FILE holds it; without, standard input is read."""


@token.command()
@token_argument
@output_option
def decode(source: IO[bytes], output: str) -> None:
    """Show what a token says, capabilities by name. Checks nothing."""
    _show(parse(token_in(source)), output)


@token.command()
@token_argument
@click.option("--issuer", required=True, help="URL of the broker that has to have minted it.")
@click.option("--audience", help="Audience that it has to name; without, any is accepted.")
@output_option
def verify(source: IO[bytes], issuer: str, audience: str | None, output: str) -> None:
    """Check a token of the broker's through its discovery document and JWKS."""
    parsed = parse(token_in(source))
    run(lambda: _check_signature(parsed, issuer))
    _check_claims(parsed, issuer, audience)
    click.echo(click.style("valid", fg="green") + f": signed by {issuer}", err=True)
    if audience is None:
        click.echo("note: the audience was not checked (--audience)", err=True)
    _show(parsed, output)


async def _check_signature(parsed: UnverifiedToken, issuer: str) -> None:
    from broker.jose.jws import check_header, check_signature
    from broker.jose.keys import ALGORITHMS
    from broker.upstream.issuers import Issuers
    from broker.upstream.outbound import OutboundClient

    # Whoever calls this chose the issuer, wherever it is; it is no caller's word.
    client = OutboundClient(private_issuers={issuer}, allow_http_loopback=True)
    issuers = Issuers(client, clock=time.monotonic, allow_http_loopback=True)
    check_header(parsed.header, ALGORITHMS)
    try:
        known = await issuers.keys(issuer)
    finally:
        await issuers.aclose()
        await client.aclose()
    check_signature(parsed.header, parsed.signing_input, parsed.signature, known)


def _check_claims(parsed: UnverifiedToken, issuer: str, audience: str | None) -> None:
    claims = parsed.claims
    now = time.time()
    if parsed.header.get("typ") != "at+jwt":
        _refuse("typ", "at+jwt", parsed.header.get("typ"))
    if claims["iss"] != issuer:
        _refuse("iss", issuer, claims["iss"])
    if audience is not None and audience not in parsed.unverified_audience:
        _refuse("aud", audience, ", ".join(parsed.unverified_audience))
    if now >= claims.get("exp", 0) + LEEWAY:
        _refuse("exp", "a time in the future", _time(claims.get("exp")))
    if now < claims.get("nbf", 0) - LEEWAY:
        _refuse("nbf", "a time in the past", _time(claims.get("nbf")))


def _refuse(name: str, expected: str, got: object) -> None:
    raise Unauthenticated(
        "token_not_valid", f"{name}: expected {expected}, the token has {got!r}", field=name
    )


def _show(parsed: UnverifiedToken, output: str) -> None:
    cap = parsed.claims.get("cap")
    named = {group: _names(text) for group, text in cap.items()} if _is_cap(cap) else {}
    if output == "json":
        document = {"header": dict(parsed.header), "claims": dict(parsed.claims)}
        if named:
            document["capabilities"] = named
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
        return
    click.echo("header")
    for name, value in parsed.header.items():
        _line(name, value)
    click.echo("claims")
    for name, value in parsed.claims.items():
        if name == "act" and isinstance(value, dict):
            for member, text in value.items():
                _line(f"act.{member}", text)
        elif name == "role_bindings" and _is_bindings(value):
            for binding in value:
                _line("role_binding", f"{binding.get('role')} at {binding.get('group')}")
        elif name != "cap" or not named:
            _line(name, _readable(name, value))
    for group, capabilities in named.items():
        click.echo(f"capabilities at {printable(group)}")
        for name in capabilities:
            click.echo(f"  {name}")


def _is_cap(value: object) -> TypeGuard[dict[str, str]]:
    # somebody else's token may have claims of these names and another meaning
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_bindings(value: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and all(isinstance(binding, dict) for binding in value)


def _line(name: str, value: object) -> None:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    click.echo(f"  {printable(name):16} {printable(text)}")


def _readable(name: str, value: Any) -> Any:
    return f"{value} ({_time(value)})" if name in {"iat", "nbf", "exp"} else value


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "absent"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _names(encoded: str) -> tuple[str, ...]:
    try:
        return CapabilityTable.load().to_names(decode_set(encoded))
    except ValueError:
        return (f"(not a capability set: {printable(encoded[:32])})",)
