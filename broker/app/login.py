"""Everything by which people log in, put together."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from broker.app.upstream import Upstream
from broker.audit.writer import AuditWriter
from broker.config import Settings
from broker.directory.identity_providers import SecretWrapper
from broker.directory.installation import Installation
from broker.directory.login_providers import LoginProviders
from broker.directory.registration import Registration
from broker.directory.scim_standing import ScimLogins, ScimRefreshes
from broker.directory.scim_users import ScimUsers
from broker.directory.session_roles import SessionRoles
from broker.directory.snapshots import Snapshots
from broker.grants.audiences import Audiences
from broker.grants.clients import Client, Clients
from broker.grants.exchange import Exchange
from broker.grants.headless import HeadlessSessions
from broker.grants.limits import ExchangeLimits
from broker.grants.login.assuming import Assuming
from broker.grants.login.intents import HeadlessLogin, Intent, Joining, PlatformLogin, Visit
from broker.grants.login.journal import Journal
from broker.grants.login.logins import Logins
from broker.grants.login.own_logins import OwnLogins
from broker.grants.login.redirects import Redirects
from broker.grants.login.sessions import Sessions
from broker.grants.login.ways import Ways
from broker.grants.login_records import LoginRecords
from broker.grants.person_tokens import PersonTokens
from broker.grants.refresh import RefreshGrants
from broker.grants.upstream_logins import UpstreamLogins
from broker.iam.matching import own_audiences
from broker.iam.uidp import Uidp
from broker.issuer.tokens import AccessTokens
from broker.state.state import State
from broker.store import Store
from broker.upstream.login.connectors import Connectors
from broker.upstream.login.github import GitHubClient
from broker.upstream.login.openid import OpenIdClient
from broker.web.front_door import Route
from broker.web.login.account import AccountPages, VisitCompletion
from broker.web.login.arrivals import Arrivals, Completion, Departures
from broker.web.login.callback import Callback
from broker.web.login.entrance import Entrance
from broker.web.login.headless import HeadlessCompletion, HeadlessDecision
from broker.web.login.joining import JoinCompletion, JoinPage
from broker.web.login.organizations import OrganizationCheck
from broker.web.login.paths import login_routes
from broker.web.login.platform import PlatformCompletion, PlatformEntry
from broker.web.login.registering import RegisterPage
from broker.web.login.sign_in import SignInPage
from broker.web.login.visitors import Visitors
from broker.web.pages import Pages
from broker.web.scim.endpoint import ScimEndpoint
from broker.web.scim.paths import ScimPaths


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the broker has already, and logins need."""

    settings: Settings
    store: Store
    state: State
    snapshots: Snapshots
    audit: AuditWriter
    audiences: Audiences
    installation: Installation
    tokens: AccessTokens
    exchange: Exchange
    limits: ExchangeLimits
    upstream: Upstream
    wrapper: SecretWrapper
    record_id: Callable[[datetime], str]
    note_seen: Callable[[Uidp, float], None]


class People:
    """What logins are made of. Everything here is there once."""

    def __init__(self, around: Surroundings) -> None:
        settings = around.settings
        self._around = around
        self._api_url = settings.api_url or settings.issuer
        self._base = urlsplit(settings.issuer).path.rstrip("/")
        self.connectors = Connectors(
            outbound=around.upstream.outbound,
            verifier=around.upstream.oidc,
            clock=time.monotonic,
            allow_http_loopback=settings.development,
            max_issuers=settings.cached_issuers,
            clients=_public_clients(settings),
        )
        self.aclose = self.connectors.aclose
        self.providers = LoginProviders(around.store, around.wrapper)
        self.clients = Clients(
            Client(
                id=name,
                name=client.name,
                redirect_uris=client.redirect_uris,
                post_logout_redirect_uris=client.post_logout_redirect_uris,
            )
            for name, client in settings.clients.items()
        )
        self.sessions = Sessions(
            around.state,
            idle=settings.session_idle,
            lifetime=settings.session_lifetime,
            clock=time.time,
            random=secrets.token_bytes,
        )
        self.grants = RefreshGrants(
            around.store,
            standing=ScimRefreshes(around.store),
            records=LoginRecords(around.audit, clock=time.time, record_id=around.record_id),
            idle=settings.refresh_idle,
            lifetime=settings.refresh_lifetime,
            clock=time.time,
            random=secrets.token_bytes,
        )
        users = ScimUsers(around.store, self.sessions, clock=time.time, random=secrets.token_bytes)
        self.scim = ScimPaths(ScimEndpoint(users, self._api_url))
        self.journal = Journal(around.audit, clock=time.time, record_id=around.record_id)
        self.headless = HeadlessSessions(around.state, random=secrets.token_bytes)
        ways = Ways(self.connectors, self.providers)
        self.own_logins = OwnLogins(
            sessions=self.sessions,
            grants=self.grants,
            ways=ways,
            audit=around.audit,
            clock=time.time,
            record_id=around.record_id,
        )
        registration, provisioning = self._registration(), ScimLogins(around.store)
        roles = SessionRoles(
            around.store,
            roles=around.installation.roles,
            random=secrets.token_bytes,
            api_url=self._api_url,
        )
        self.logins = Logins(
            state=around.state,
            sessions=self.sessions,
            ways=ways,
            registration=registration,
            roles=roles,
            provisioning=provisioning,
            limits=around.limits,
            journal=self.journal,
            callback=f"{settings.issuer}/oauth/callback",
            clock=time.time,
            random=secrets.token_bytes,
        )
        self.tokens = PersonTokens(
            snapshots=around.snapshots,
            tokens=around.tokens,
            audit=around.audit,
            audiences=around.audiences,
            capabilities=around.installation.capabilities,
            clock=time.time,
            record_id=around.record_id,
            note_seen=around.note_seen,
            max_lifetime=settings.token_lifetime,
        )
        self.upstream_logins = UpstreamLogins(
            connectors=self.connectors,
            providers=self.providers,
            provisioning=provisioning,
            registration=registration,
            roles=roles,
            tokens=self.tokens,
            journal=self.journal,
            limits=around.limits,
            own_audiences=own_audiences(settings.issuer),
            clock=time.time,
        )
        around.exchange.take_logins(self.upstream_logins)
        self.assuming = Assuming(around.exchange)
        self.pages = Pages(settings.issuer)
        self.visitors = Visitors(
            self.sessions,
            secure=settings.issuer.startswith("https:"),
            lifetime=settings.session_lifetime,
            random=secrets.token_bytes,
        )
        self.departures = Departures(self.pages)
        self.entrance = Entrance(self.logins, self.visitors, self.departures, base=self._base)
        self.completions = self._completions()
        self.arrivals = Arrivals(self.completions, self.pages, again=f"{self._base}/login")

    def _registration(self) -> Registration:
        around, settings = self._around, self._around.settings
        rule = settings.registration or ("open" if settings.development else "invited")
        return Registration(
            around.store,
            installation=around.installation,
            random=secrets.token_bytes,
            is_open=rule == "open",
            api_url=self._api_url,
            changed=around.snapshots.refresh,
        )

    def _completions(self) -> dict[type[Intent], Completion]:
        return {
            PlatformLogin: PlatformCompletion(
                self.tokens, self.grants, self.assuming, self.departures
            ),
            HeadlessLogin: HeadlessCompletion(self.logins, self.pages, base=self._base),
            Joining: JoinCompletion(self.pages),
            Visit: VisitCompletion(base=self._base),
        }

    def routes(self) -> dict[str, Route]:
        """The paths that people go through."""
        around, base = self._around, self._base
        common = (self.logins, self.visitors)
        return login_routes(
            entry=PlatformEntry(
                self.entrance,
                self.visitors,
                self.departures,
                Redirects(around.settings.redirect_origins),
                around.audiences,
            ),
            callback=Callback(*common, self.arrivals, base=base),
            sign_in=SignInPage(*common, self.entrance, self.arrivals, self.pages, base=base),
            headless=HeadlessDecision(*common, self.tokens, self.headless, self.pages),
            register=RegisterPage(*common, self.arrivals, self.pages, base=base),
            join=JoinPage(*common, self.entrance, self.pages, base=base),
            account=AccountPages(
                self.own_logins,
                self.visitors,
                self.entrance,
                self.clients,
                self.pages,
                base=base,
            ),
            organizations=OrganizationCheck(self.providers),
            pages=self.pages,
        )


def _public_clients(settings: Settings) -> Iterator[OpenIdClient | GitHubClient]:
    """The logins that everybody may use, of those that are set up."""
    if settings.google_client_id:
        yield OpenIdClient(
            key="google",
            label="Google",
            issuer=settings.google_issuer,
            client_id=settings.google_client_id,
            client_secret=settings.google_client_secret,
        )
    if settings.github_client_id:
        yield GitHubClient(
            url=settings.github_url,
            api_url=settings.github_api_url or _github_api(settings.github_url),
            client_id=settings.github_client_id,
            client_secret=settings.github_client_secret,
        )
    if settings.gitlab_client_id:
        yield OpenIdClient(
            key="gitlab",
            label="GitLab",
            issuer=settings.gitlab_issuer,
            client_id=settings.gitlab_client_id,
            client_secret=settings.gitlab_client_secret,
        )


def _github_api(url: str) -> str:
    return "https://api.github.com" if url == "https://github.com" else f"{url}/api/v3"
