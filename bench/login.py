"""`python -m bench.login`: what a person's login costs the broker, beside an exchange.

A login is two requests of a browser, from `/oauth` to the provider and from there to a token, with
a new session; the provider, and the browsers, have the other core. Rates depend on them as well, so
what counts is the broker's own CPU time, and its ratio to that of an exchange in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import yarl
from aiohttp import web

from bench.api import cpu_seconds
from bench.installation import as_json, fill, machine, process, tokens, wait_for
from broker.sdk.testing.issuer import Handler, LocalIssuer
from broker.store import Store
from tests.kit.organizations import Organization
from tests.kit.people import identity_provider

PORT = 8193
URL = f"http://127.0.0.1:{PORT}"
BROKER = str(Path(sys.executable).with_name("broker"))
PEOPLE = 200
SERVER, LOADER = 0, 1


class LightProvider(LocalIssuer):
    """Its codes say who logs in, and with which nonce: it remembers nothing."""

    def discovery(self) -> dict[str, Any]:
        return super().discovery() | {
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
        }

    def forms(self) -> dict[str, Handler]:
        return {"/token": self.answer_token}

    async def answer_token(self, request: web.Request) -> web.StreamResponse:
        """An ID token, signed anew."""
        subject, _, nonce = str((await request.post())["code"]).partition(".")
        claims = {"sub": subject, "nonce": nonce, "email": f"{subject}@acme.example"}
        token = self.token(claims | {"email_verified": True, "name": subject})
        return web.json_response(
            {"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": token}
        )


async def log_in(session: aiohttp.ClientSession, provider: str, number: int) -> str:
    """A browser that was never here; the token."""
    asked = {"redirect": "http://localhost:1/callback", "idp_id": provider}
    async with session.get(f"{URL}/oauth", params=asked, allow_redirects=False) as answer:
        cookie = answer.cookies["broker-browser"].value
        sent = yarl.URL(answer.headers["Location"], encoded=True).query
    came = {"state": sent["state"], "code": f"person{number % PEOPLE}.{sent['nonce']}"}
    headers = {"Cookie": f"broker-browser={cookie}"}
    async with session.get(
        f"{URL}/oauth/callback", params=came, headers=headers, allow_redirects=False
    ) as answer:
        token = yarl.URL(answer.headers.get("Location", ""), encoded=True).query.get("token")
        if token is None:
            raise SystemExit(f"no token: {answer.status} {(await answer.text())[:500]}")
        return token


async def measured(
    pid: int, count: int, width: int, work: Callable[[int], Awaitable[object]]
) -> tuple[float, float]:
    """So many a second, `width` at a time, and the broker's CPU milliseconds for one."""
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await work(number)

    before, started = cpu_seconds(pid), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(width)))
    elapsed = time.perf_counter() - started
    return count / elapsed, (cpu_seconds(pid) - before) * 1000 / count


async def get(session: aiohttp.ClientSession, path: str, token: str, **query: str) -> None:
    """One call that has to succeed."""
    headers = {"Authorization": f"Bearer {token}"}
    async with session.get(URL + path, params=query, headers=headers) as answer:
        text = await answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {text[:500]!r}")


async def run(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """All three, on one broker."""
    database = f"sqlite:///{folder}/bench.sqlite3"
    environment = {
        "BROKER_PORT": str(PORT),
        "BROKER_DATABASE_URL": database,
        "BROKER_KEYS_DIR": str(folder / "keys"),
        "BROKER_LOG_LEVEL": "warning",
    }
    async with LightProvider(audience="broker", algorithm="ES256") as provider:
        identities = await fill(database, provider.url, 100)
        organization = identities[0].parent
        assert organization is not None
        store = Store.open(database)
        acme = Organization(store, organization, organization)
        idp = (await identity_provider(acme, provider)).id
        await store.close()
        provider.audience = URL
        upstream = tokens(provider, 100)
        provider.audience = "broker"
        with process([BROKER, "serve"], core=SERVER, env=environment, log=folder / "log") as pid:
            await asyncio.to_thread(wait_for, f"{URL}/readyz")
            async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:

                async def login(number: int) -> str:
                    return await log_in(session, idp, number)

                async def exchange(number: int) -> None:
                    identity, token = identities[number % 100], upstream[number % 100]
                    await get(session, "/sts/exchange", token, identity=identity)

                await measured(pid, PEOPLE, 8, login)  # everybody registers
                token = await login(0)

                async def whoami(number: int) -> None:
                    del number
                    await get(session, "/auth/v1/ok", token)

                figures: dict[str, object] = {"machine": machine()}
                for name, work in (("exchange", exchange), ("login", login), ("whoami", whoami)):
                    rate, cpu = await measured(pid, options.count, options.width, work)
                    figures[f"{name}: a second"] = rate
                    figures[f"{name}: broker's CPU ms"] = cpu
    cost = {name: figures[f"{name}: broker's CPU ms"] for name in ("exchange", "login", "whoami")}
    assert isinstance(cost["exchange"], float)
    for name in ("login", "whoami"):
        value = cost[name]
        assert isinstance(value, float)
        figures[f"{name}: in exchanges"] = value / cost["exchange"]
    return figures


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.login", description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="of each kind")
    parser.add_argument("--width", type=int, default=8, help="how many at a time")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("bench needs two cores: one for the server, one for everything else")
    os.sched_setaffinity(0, {LOADER})
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(run(Path(folder), options))
    for name, value in figures.items():
        print(f"{name:28} {value:10.2f}" if isinstance(value, float) else f"{name:28} {value}")
    if options.json:
        options.json.write_text(as_json(figures))


if __name__ == "__main__":
    main()
