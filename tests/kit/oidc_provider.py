"""A certified OpenID provider (npm oidc-provider) on a free port, whose people log in by themselves.

async with running_provider() as provider:
    await provider.account("ann", email="ann@acme.example", email_verified=True)
    await provider.add_client("broker", secret=secret, redirect_uris=[callback])
    callback = await provider.authorize(url)  # where a browser of Ann's ends up
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, Final

import aiohttp
from yarl import URL

from tests.kit import node

CLAIMS: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        "openid": ["sub", "hd", "roles", "realm_access", "hasgroups", "_claim_names"],
        "email": ["email", "email_verified"],
        "profile": ["name", "given_name", "family_name", "picture", "preferred_username"],
        "groups": ["groups"],
    }
)
"""Scope → the claims that come with it."""

AUTH_METHODS: Final = ("client_secret_basic", "client_secret_post", "none")
"""Of clients at the token endpoint."""

_REDIRECTS: Final = 20


class OidcProvider:
    """A provider that runs. Its accounts have no passwords: the test says who is at the browser."""

    def __init__(self, process: asyncio.subprocess.Process, issuer: str) -> None:
        self.issuer = issuer
        self._process = process
        self._turn = asyncio.Lock()

    async def add_client(
        self,
        client_id: str,
        *,
        redirect_uris: Iterable[str],
        secret: str = "",
        auth_method: str = "",
        **metadata: Any,
    ) -> None:
        """A confidential client, or a public one where there is no secret.

        `auth_method`: `client_secret_basic` (the default with a secret) or `client_secret_post`.
        `metadata`: more of OpenID Connect Dynamic Client Registration §2.
        """
        with_secret = {"client_secret": secret} if secret else {}
        default_method = "client_secret_basic" if secret else "none"
        client = {
            "client_id": client_id,
            "redirect_uris": list(redirect_uris),
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "token_endpoint_auth_method": auth_method or default_method,
        }
        await self._order("client", metadata=client | with_secret | metadata)

    async def account(self, sub: str, /, **claims: Any) -> None:
        """Somebody, or what is said of them from now on. The first logs in where nobody is named."""
        await self._order("account", sub=sub, claims=claims)

    async def choose(self, sub: str) -> None:
        """Who logs in from now on where no `login_hint` names anybody."""
        await self._order("choose", sub=sub)

    async def rotate_keys(self, *, keep: bool = True) -> None:
        """Sign with a new key; `keep` still publishes the old ones."""
        await self._order("rotate", keep=keep)

    async def fail(self, error: str, description: str = "") -> None:
        """Send everybody back with this error (RFC 6749 §4.1.2.1); empty: no more."""
        result = {"error": error, "error_description": description} if error else None
        await self._order("fail", result=result)

    async def authorize(
        self, url: str, *, account: str = "", browser: aiohttp.ClientSession | None = None
    ) -> str:
        """Where a browser that is sent to `url` is sent back to.

        `account`: who is at the browser, where the URL has no `login_hint`. Without `browser` it
        is one that was never here.
        """
        start = URL(url, encoded=True)
        if account:
            start = start.update_query(login_hint=account)
        if browser is not None:
            return await self._walk(browser, start)
        async with new_browser() as fresh:
            return await self._walk(fresh, start)

    async def _walk(self, browser: aiohttp.ClientSession, url: URL) -> str:
        for _ in range(_REDIRECTS):
            if not str(url).startswith(f"{self.issuer}/"):
                return str(url)
            async with browser.get(url, allow_redirects=False) as response:
                body = await response.text()
                location = response.headers.get("Location")
                assert location, f"HTTP {response.status} at {url.path}: {body}"
                url = url.join(URL(location, encoded=True))
        raise AssertionError(f"more than {_REDIRECTS} redirects")

    async def _order(self, order: str, **parameters: Any) -> None:
        async with self._turn:
            answer = await _told(self._process, {"order": order, **parameters})
        assert "error" not in answer, answer["error"]


def new_browser() -> aiohttp.ClientSession:
    """A client with a cookie jar of its own, which takes cookies of IP addresses too."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


@asynccontextmanager
async def running_provider(
    *,
    algorithm: str = "RS256",
    claims: Mapping[str, Sequence[str]] = CLAIMS,
    claims_in_id_token: bool = True,
    auth_methods: Sequence[str] = AUTH_METHODS,
    port: int = 0,
) -> AsyncIterator[OidcProvider]:
    """Start one, in about half a second; the packages are installed when first needed.

    `algorithm` of its ID tokens: `RS256` or `ES256`. `claims_in_id_token`: else only userinfo has
    them. `auth_methods`: what it says, and takes. It listens on 127.0.0.1, with http.
    """
    folder = await asyncio.to_thread(node.packages, node.PROVIDER)
    settings = {
        "algorithm": algorithm,
        "claims": {scope: list(names) for scope, names in claims.items()},
        "claims_in_id_token": claims_in_id_token,
        "auth_methods": list(auth_methods),
        "port": port,
    }
    with tempfile.TemporaryFile() as complaints:
        process = await asyncio.create_subprocess_exec(
            node.NODE,
            "provider.mjs",
            json.dumps(settings),
            cwd=folder,
            stdin=PIPE,
            stdout=PIPE,
            stderr=complaints,
        )
        try:
            started = await _told(process)
            if "issuer" not in started:
                complaints.seek(0)
                raise AssertionError(complaints.read().decode())
            yield OidcProvider(process, started["issuer"])
        finally:
            if process.returncode is None:
                process.kill()
            # reads the pipes to their end, so that nothing of them is left to the collector
            await process.communicate()


async def _told(
    process: asyncio.subprocess.Process, order: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    if order is not None:
        process.stdin.write(json.dumps(order).encode() + b"\n")
        await process.stdin.drain()
    line = await asyncio.wait_for(process.stdout.readline(), 60)
    answer: dict[str, Any] = json.loads(line or b"{}")
    return answer
