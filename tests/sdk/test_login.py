"""Logging in from a program: in the browser and on another device."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from broker.errors import BrokerError, Denied, Precondition, Unauthenticated, Unavailable
from broker.sdk.login import browser, device
from broker.sdk.login.device import DeviceCode
from broker.sdk.login.loopback import listening
from broker.sdk.login.provider import Provider, discovered
from broker.sdk.login.request import LoginRequest
from broker.sdk.login.tokens import Tokens, refreshed, revoked
from broker.sdk.refusal import Refused
from broker.sdk.token_cache import claims_of
from tests.kit.login_server import LoginServer
from tests.kit.oidc_provider import running_provider

REGISTRY: Final = "https://registry.example"


@pytest.fixture
async def server() -> AsyncIterator[LoginServer]:
    """One a test."""
    async with LoginServer() as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Connections of the client."""
    async with aiohttp.ClientSession() as made:
        yield made


async def found(server: LoginServer) -> Provider:
    """Its endpoints."""
    async with aiohttp.ClientSession() as session:
        return await discovered(session, server.url)


class Browser:
    """Follows the URL that it is shown, as the person's would."""

    def __init__(self) -> None:
        self.pages: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    def show(self, url: str) -> None:
        self._tasks.append(asyncio.create_task(self._walk(url)))

    async def _walk(self, url: str) -> None:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            self.pages.append(await response.text())

    async def closed(self) -> None:
        await asyncio.gather(*self._tasks)


async def log_in(server: LoginServer, request: LoginRequest | None = None) -> Tokens:
    """In the browser."""
    shown = Browser()
    provider = await found(server)
    try:
        async with aiohttp.ClientSession() as session:
            return await browser.log_in(session, provider, request or LoginRequest(), shown.show)
    finally:
        await shown.closed()


async def test_login_in_the_browser(server: LoginServer) -> None:
    """A code that is bound to this client by PKCE becomes tokens."""
    tokens = await log_in(server)
    assert claims_of(tokens.access_token)["sub"] == server.subject
    assert claims_of(tokens.refresh_token)["exp"] > 0
    assert tokens.refresh_token not in repr(tokens)
    assert tokens.access_token not in repr(tokens)


async def test_what_is_asked_for(server: LoginServer) -> None:
    """Goes to the authorization endpoint by the names that the broker knows."""
    request = LoginRequest(
        audiences=(REGISTRY, server.url),
        organization="acme.example",
        invite="an-invite",
        identity="b" * 40,
    )
    tokens = await log_in(server, request)
    (asked,) = server.asked["/authorize"]
    assert asked["resource"] == [REGISTRY, server.url]
    assert asked["idp_id"] == ["acme.example"]
    assert asked["invite"] == ["an-invite"]
    assert asked["identity"] == ["b" * 40]
    assert "connection" not in asked
    assert claims_of(tokens.access_token)["aud"] == REGISTRY


async def test_each_login_has_a_state_and_a_verifier_of_its_own(server: LoginServer) -> None:
    """Which nobody can foresee (RFC 7636 §7.1, RFC 6749 §10.12)."""
    await log_in(server)
    await log_in(server)
    one, other = server.asked["/authorize"]
    assert one["state"] != other["state"]
    assert one["code_challenge"] != other["code_challenge"]
    assert len(one["state"][0]) >= 43


@pytest.mark.parametrize("iss", ["https://evil.example", None])
async def test_an_answer_of_another_issuer_is_refused(server: LoginServer, iss: str | None) -> None:
    """RFC 9207 §2.4: also one that does not say whose it is, when the issuer's own do."""
    server.iss = iss
    with pytest.raises(Unauthenticated) as refusal:
        await log_in(server)
    assert refusal.value.code == "login_mixed_up"
    assert "/token" not in server.asked


async def test_an_issuer_that_does_not_name_itself(server: LoginServer) -> None:
    """Need not, when its discovery document does not say so."""
    server.iss = None
    server.changes = {"authorization_response_iss_parameter_supported": False}
    assert (await log_in(server)).access_token


async def test_a_refusal_in_the_browser(server: LoginServer) -> None:
    """Is told with the error of RFC 6749."""
    server.error = "access_denied"
    with pytest.raises(Refused) as refusal:
        await log_in(server)
    assert refusal.value.oauth == "access_denied"
    assert isinstance(refusal.value.error, Denied)


async def test_nobody_logs_in(server: LoginServer, session: aiohttp.ClientSession) -> None:
    """Then the program gives up, and its port is free."""
    urls: list[str] = []
    with pytest.raises(Precondition) as refusal:
        await browser.log_in(
            session, await found(server), LoginRequest(), urls.append, patience=0.01
        )
    assert refusal.value.code == "login_timed_out"
    port = urlsplit(parse_qs(urlsplit(urls[0]).query)["redirect_uri"][0]).port
    with pytest.raises(aiohttp.ClientConnectorError):
        await session.get(f"http://127.0.0.1:{port}/callback")


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/callback?code=x&state=guessed", None),
        ("/callback?code=x", None),
        ("/callback?code=x&state=right&state=right", None),
        ("/callback?code=x&code=y&state=right", None),
        ("/?code=x&state=right", None),
        ("/callback/?code=x&state=right", None),
        ("/callback?code=x&state=right", "evil.example"),
    ],
)
async def test_what_does_not_come_from_the_issuer_is_passed_over(
    session: aiohttp.ClientSession, path: str, host: str | None
) -> None:
    """Pages in the browser and other programs reach the port too: the right answer still counts."""
    async with listening("right") as loopback:
        base = loopback.redirect_uri.removesuffix("/callback")
        headers = {"Host": host} if host else {}
        async with session.get(f"{base}{path}", headers=headers) as response:
            assert response.status == 404
        async with session.post(f"{base}/callback", data={"state": "right"}) as response:
            assert response.status == 404
        async with session.get(f"{base}/callback?code=good&state=right") as response:
            assert response.status == 200
        async with session.get(f"{base}/callback?code=late&state=right") as response:
            assert response.status == 404
        assert (await loopback.answer(1)).get("code") == "good"


async def test_the_page_of_the_loopback_server(session: aiohttp.ClientSession) -> None:
    """Runs nothing, is kept by nobody, and shows nothing of what came."""
    async with listening("right") as loopback:
        url = f"{loopback.redirect_uri}?code=<b>secret</b>&state=right"
        async with session.get(url) as response:
            text = await response.text()
            assert "You may close this window" in text
            assert "secret" not in text
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert response.headers["Referrer-Policy"] == "no-referrer"


async def test_discovery_of_another_issuer(server: LoginServer) -> None:
    """Is refused: its tokens would be for somebody else."""
    server.changes = {"issuer": "https://evil.example"}
    with pytest.raises(Precondition) as refusal:
        await found(server)
    assert refusal.value.code == "issuer_mismatch"


@pytest.mark.parametrize("flow", ["browser", "device"])
async def test_an_issuer_without_logins(
    server: LoginServer, session: aiohttp.ClientSession, flow: str
) -> None:
    """Is told apart from one that does not answer."""
    server.changes = {"authorization_endpoint": "", "device_authorization_endpoint": ""}
    provider = await found(server)
    log_in_by = browser.log_in if flow == "browser" else device.log_in
    with pytest.raises(Precondition) as refusal:
        await log_in_by(session, provider, LoginRequest(), print)
    assert refusal.value.code == "login_unsupported"


async def test_endpoints_of_an_https_issuer_are_https() -> None:
    """Codes and tokens do not leave it over plain http."""
    document = {
        "issuer": "https://broker.example",
        "token_endpoint": "http://broker.example/token",
    }
    from broker.sdk.login.provider import _url

    assert _url(document, "token_endpoint", "https://broker.example") == ""
    assert _url(document, "token_endpoint", "http://127.0.0.1:1") != ""


class Waiting:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self.codes: list[DeviceCode] = []

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)

    async def log_in(self, server: LoginServer, request: LoginRequest | None = None) -> Tokens:
        async with aiohttp.ClientSession() as session:
            return await device.log_in(
                session,
                await found(server),
                request or LoginRequest(),
                self.codes.append,
                sleep=self.sleep,
                clock=lambda: self.now,
            )


async def test_login_on_another_device(server: LoginServer) -> None:
    """The person enters a code; the device asks until they have, and slower when it is told so."""
    server.device_answers = ["authorization_pending", "slow_down", "authorization_pending"]
    waiting = Waiting()
    request = LoginRequest(audiences=(REGISTRY,), connection="github")
    tokens = await waiting.log_in(server, request)
    assert claims_of(tokens.access_token)["aud"] == REGISTRY
    assert waiting.pauses == [5, 5, 10, 10]
    (code,) = waiting.codes
    assert code.user_code == "WDJB-MJHT"
    assert code.device_code not in repr(code)
    (asked,) = server.asked["/device_authorization"]
    assert asked["connection"] == ["github"]
    assert asked["resource"] == [REGISTRY]


@pytest.mark.parametrize(
    ("error", "code"), [("access_denied", "login_denied"), ("expired_token", "login_timed_out")]
)
async def test_a_device_that_is_not_let_in(server: LoginServer, error: str, code: str) -> None:
    """Asks no more."""
    server.device_answers = ["authorization_pending", error]
    with pytest.raises(BrokerError) as refusal:
        await Waiting().log_in(server)
    assert refusal.value.code == code


async def test_a_device_gives_up_when_its_code_has_expired(server: LoginServer) -> None:
    """By its own clock, whatever the server says."""
    server.device_answers = ["authorization_pending"] * 1000
    waiting = Waiting()
    with pytest.raises(Precondition) as refusal:
        await waiting.log_in(server)
    assert refusal.value.code == "login_timed_out"
    assert waiting.now == 900


async def test_a_device_error_that_is_none_of_these(server: LoginServer) -> None:
    """Is told as it is."""
    server.device_answers = ["invalid_client"]
    with pytest.raises(Refused) as refusal:
        await Waiting().log_in(server)
    assert refusal.value.oauth == "invalid_client"


async def test_refresh_and_revocation(server: LoginServer, session: aiohttp.ClientSession) -> None:
    """A refresh token is good once, and for none after the login was ended."""
    provider = await found(server)
    first = await log_in(server)
    second = await refreshed(session, provider, first.refresh_token)
    assert second.refresh_token != first.refresh_token
    await revoked(session, provider, second.refresh_token)
    with pytest.raises(Refused) as refusal:
        await refreshed(session, provider, second.refresh_token)
    assert refusal.value.oauth == "invalid_grant"


async def test_somebody_else_answers(server: LoginServer, session: aiohttp.ClientSession) -> None:
    """Then nothing of the answer is told."""
    provider = Provider(issuer=server.url, token_endpoint=f"{server.url}/nowhere")
    with pytest.raises((Refused, Unavailable)) as refusal:
        await refreshed(session, provider, "x")
    assert "404" not in str(refusal.value)


async def test_a_certified_provider(session: aiohttp.ClientSession) -> None:
    """The flow works with a server that is not ours."""
    async with running_provider() as idp:
        await idp.account("ann", email="ann@acme.example")
        await idp.add_client(
            "broker-cli",
            redirect_uris=["http://127.0.0.1/callback"],
            application_type="native",
            grant_types=["authorization_code", "refresh_token"],
        )
        urls: asyncio.Queue[str] = asyncio.Queue()

        async def walk() -> None:
            back = await idp.authorize(await urls.get(), account="ann")
            await (await session.get(back)).read()

        provider = await discovered(session, idp.issuer)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(walk())
            login = browser.log_in(session, provider, LoginRequest(), urls.put_nowait)
            tokens = await tasks.create_task(login)
    assert tokens.access_token
    assert claims_of(tokens.id_token)["sub"] == "ann"
