"""People at their browsers, and an installation where they log in."""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, Final

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from broker.directory.group_invites import InviteCode
from broker.iam.model import GroupInvite, GroupRoleMapping, IdentityProvider
from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.login_provider import DrivenProvider
from tests.kit.organizations import ROLES, Organization, organization

CLIENT_ID: Final = "broker"
DOMAIN: Final = "acme.example"


@dataclass(slots=True)
class Form:
    """As it stands in a page."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.refresh = ""
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert values["method"] == "post"
            self.forms.append(Form(values["action"]))
        if tag == "input":
            self.forms[-1].fields[values["name"]] = values.get("value", "")
        if tag == "button" and "name" in values:
            self.forms[-1].buttons.append((values["name"], values["value"]))
        if tag == "meta" and values.get("http-equiv") == "refresh":
            self.refresh = values["content"].partition("url=")[2]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@dataclass(frozen=True, slots=True)
class Page:
    """What a browser was answered."""

    status: int
    headers: CIMultiDictProxy[str]
    html: str
    forms: list[Form]
    onward: str
    """Where the browser goes next by itself: a redirect, or a page that refreshes; else empty."""
    text: str

    @property
    def cookies(self) -> SimpleCookie:
        """Those that it sets."""
        jar: SimpleCookie = SimpleCookie()
        for header in self.headers.getall("Set-Cookie", []):
            jar.load(header)
        return jar

    @property
    def answer(self) -> Mapping[str, str]:
        """The query of where it goes next."""
        return URL(self.onward, encoded=True).query


class Browser:
    """Keeps cookies and sends forms; runs no script, and goes on only when it is told to."""

    def __init__(self, origin: str, session: aiohttp.ClientSession) -> None:
        self.origin = origin
        self._session = session

    @property
    def jar(self) -> aiohttp.abc.AbstractCookieJar:
        """Its cookies."""
        return self._session.cookie_jar

    async def get(self, url: str, **query: Any) -> Page:
        """A page, here or there."""
        target = self._url(url).update_query(query) if query else self._url(url)
        async with self._session.get(target, allow_redirects=False) as response:
            return await _page(response)

    async def post(self, path: str, **fields: str) -> Page:
        """A form that no page has."""
        async with self._session.post(
            self._url(path), data=fields, allow_redirects=False
        ) as response:
            return await _page(response)

    async def submit(self, page: Page, name: str = "", value: str = "", **typed: str) -> Page:
        """The form that has a button, or a field, of this name (and the button this value)."""
        for form in page.forms:
            pressed = [b for b in form.buttons if b[0] == name and value in {"", b[1]}]
            if pressed or name in form.fields or (not name and not form.buttons):
                return await self.post(form.action, **(form.fields | dict(pressed[:1]) | typed))
        raise AssertionError(f"no form with {name}={value}: {page.text}")

    async def go(self, page: Page) -> Page:
        """On by itself, as long as it stays here."""
        while page.onward and self._is_here(page.onward):
            page = await self.get(page.onward)
        return page

    async def open(self, url: str, **query: Any) -> Page:
        """A page and on."""
        return await self.go(await self.get(url, **query))

    async def log_in(self, page: Page, provider: DrivenProvider) -> Page:
        """At the provider to which `page` leads, and back; not on from there."""
        assert page.onward.startswith(provider.address), page.onward or page.text
        return await self.get(provider.authorize(page.onward))

    def _url(self, url: str) -> URL:
        return URL(self.origin).join(URL(url, encoded=True))

    def _is_here(self, url: str) -> bool:
        return self._url(url).origin() == URL(self.origin).origin()


async def _page(response: aiohttp.ClientResponse) -> Page:
    html = await response.text()
    parser = _Forms()
    parser.feed(html)
    onward = response.headers.get("Location", "") or parser.refresh
    text = " ".join(" ".join(parser.text).split())
    return Page(response.status, response.headers, html, parser.forms, onward, text)


@dataclass(slots=True)
class Installation:
    """A broker where Google is set up, and the verified organization `acme.example` with a
    provider of its own.
    """

    broker: RunningBroker
    google: DrivenProvider
    acme: DrivenProvider
    organization: Organization
    provider: IdentityProvider
    stack: AsyncExitStack

    @property
    def url(self) -> str:
        """The issuer."""
        return self.broker.url

    async def browser(self) -> Browser:
        """One that was never here."""
        jar = aiohttp.CookieJar(unsafe=True)
        session = aiohttp.ClientSession(cookie_jar=jar, headers={"User-Agent": "Firefox/1 Linux"})
        return Browser(self.url, await self.stack.enter_async_context(session))

    async def signed_in(self, provider: DrivenProvider | None = None) -> Browser:
        """A browser in which Ann of acme (or who the provider says) has logged in."""
        browser = await self.browser()
        page = await browser.open("/login")
        if provider in {None, self.acme}:
            page = await browser.submit(page, "organization", organization=DOMAIN)
            page = await browser.log_in(page, self.acme)
        else:
            page = await browser.submit(page, "connector", "google")
            page = await browser.go(await browser.log_in(page, self.google))
            if page.status == 200 and "Create your account" in page.text:
                page = await browser.submit(page, "decision", "register")
        assert page.onward.endswith("/account"), page.text
        return browser

    async def invite(
        self, role: str = "viewer", *, email: str = "", single_use: bool = False, days: float = 7
    ) -> tuple[str, Uidp]:
        """The code of an invite to the organization by an owner of it, and the owner."""
        owner = await self.organization.person("https://id.example", secrets.token_hex(8))
        await self.organization.bind(owner, "owner", self.organization.id)
        builtin = ROLES.by_name(role)
        assert builtin is not None
        code = InviteCode(self.organization.id, secrets.token_hex(8), secrets.token_hex(24))
        now = datetime.now(UTC)
        record = GroupInvite(
            id=self.organization.id.child(secrets.token_bytes),
            role=builtin.id,
            expires_at=now + timedelta(days=days),
            key_id=code.key_id,
            secret_sha256=code.secret_sha256,
            created_at=now,
            created_by=owner,
            email=email,
            single_use=single_use,
        )
        async with self.broker.store.write() as records:
            await records.invites.add(record)
        return code.text(), owner

    async def roles_of(self, identity: Uidp) -> set[tuple[str, Uidp]]:
        """Role names and groups of somebody's bindings."""
        async with self.broker.store.read() as records:
            found = await records.bindings.of_identity(identity)
        named = [(ROLES.by_id(each.role), each.group) for each in found]
        return {(role.name, group) for role, group in named if role is not None}

    async def audit(self, action: str) -> list[dict[str, Any]]:
        """Records of this action, the oldest first."""
        async with self.broker.store.read() as records:
            found = await records.audit.find(action=action)
        return [
            {"code": r.code, "outcome": r.outcome.value, "actor": r.actor, "subject": r.subject}
            | json.loads(r.detail)
            for r in reversed(found)
        ]


@asynccontextmanager
async def installation(
    folder: Path, *, groups_claim: str = "", **more: Any
) -> AsyncIterator[Installation]:
    """Start everything; `more` are settings of the broker. `groups_claim`: of acme's provider."""
    async with AsyncExitStack() as stack:
        google = await stack.enter_async_context(
            DrivenProvider(
                claims={"sub": "g-1", "email": "gil@mail.example", "email_verified": True}
            )
        )
        acme = await stack.enter_async_context(
            DrivenProvider(
                claims={
                    "sub": "ann",
                    "name": "Ann Example",
                    "email": "ann@acme.example",
                    "email_verified": True,
                }
            )
        )
        broker = await stack.enter_async_context(
            running_broker(
                folder,
                **{
                    "BROKER_GOOGLE_ISSUER": google.url,
                    "BROKER_GOOGLE_CLIENT_ID": CLIENT_ID,
                    "BROKER_GOOGLE_CLIENT_SECRET": "for the length of a test",
                    **more,
                },
            )
        )
        org = await organization(broker.store, DOMAIN)
        provider = await identity_provider(org, acme, groups_claim=groups_claim)
        async with broker.store.write() as records:
            group = await records.groups.get(org.id)
            assert group is not None
            await records.groups.update(replace(group, verified=True))
        yield Installation(broker, google, acme, org, provider, stack)


async def identity_provider(
    org: Organization, provider: LocalIssuer | str, name: str = "Acme SSO", **more: Any
) -> IdentityProvider:
    """A provider of the organization's (or its issuer), as a public client."""
    now = datetime.now(UTC)
    record = IdentityProvider(
        id=org.id.child(secrets.token_bytes),
        name=name,
        issuer=provider if isinstance(provider, str) else provider.url,
        client_id=CLIENT_ID,
        created_at=now,
        updated_at=now,
        pkce_enabled=True,
        **more,
    )
    async with org.store.write() as records:
        await records.identity_providers.add(record)
    return record


async def mapped(here: Installation, external: str, role: str) -> GroupRoleMapping:
    """A mapping of a group at the organization's provider to a role at its folder."""
    builtin = ROLES.by_name(role)
    assert builtin is not None
    mapping = GroupRoleMapping(
        id=here.organization.id.child(secrets.token_bytes),
        identity_provider=here.provider.id,
        external_group=external,
        role=builtin.id,
        scope=here.organization.folder,
        created_at=datetime.now(UTC),
    )
    async with here.broker.store.write() as records:
        await records.group_role_mappings.add(mapping)
    return mapping


def claims_of(token: str) -> dict[str, Any]:
    """The payload of a JWT; nothing is verified."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def person(provider: DrivenProvider) -> Uidp:
    """Who logs in there now."""
    return Uidp.of_person(provider.url, provider.claims["sub"])
