"""AWS STS as a stand-in: a real HTTPS server that verifies SigV4 by botocore's own arithmetic."""

from __future__ import annotations

import json
import re
import secrets
import ssl
import time
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trustme
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials
from botocore.session import Session

from broker.iam.aws_endpoints import signing_region
from broker.sdk.aws import aws_token

GLOBAL = "sts.amazonaws.com"
TARGET = "/?Action=GetCallerIdentity&Version=2011-06-15"
ACCOUNT = "123456789012"

Headers = Sequence[tuple[str, str]]

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([\w-]+)/(\w+)/aws4_request, ?"
    r"SignedHeaders=([\w;-]+), ?Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody with an access key, and what STS says of them."""

    arn: str
    user_id: str
    account: str = ACCOUNT
    session_token: str | None = None
    access_key: str = field(default_factory=lambda: f"ASIA{secrets.token_hex(8).upper()}")
    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(30), repr=False)

    @property
    def session(self) -> Session:
        """As botocore would have found them."""
        session = Session()
        session.set_credentials(self.access_key, self.secret_key, self.session_token)
        return session

    @property
    def credentials(self) -> Credentials:
        """For signing by hand."""
        return Credentials(self.access_key, self.secret_key, self.session_token)

    def token(self, issuer: str, identity: str, **more: Any) -> str:
        """As our own client makes it."""
        return aws_token(issuer, identity, session=self.session, **more)


def role(name: str = "deploy", session: str = "i-0123456789abcdef0", **more: Any) -> Principal:
    """Who has assumed a role: STS names the session, and leaves the role's path out."""
    account = more.get("account", ACCOUNT)
    settings = {"session_token": secrets.token_urlsafe(64)} | more
    return Principal(
        f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        f"AROAEXAMPLEROLEID:{session}",
        **settings,
    )


def user(name: str = "ops/alice", **more: Any) -> Principal:
    """A user, whose access key has no session."""
    account = more.get("account", ACCOUNT)
    return Principal(f"arn:aws:iam::{account}:user/{name}", "AIDAEXAMPLEUSERID", **more)


class _Signer(SigV4Auth):
    """botocore's signer, told which headers are signed instead of choosing them."""

    def __init__(self, credentials: Credentials, service: str, region: str, signed: Iterable[str]):
        super().__init__(credentials, service, region)
        self._signed = frozenset(signed)

    def headers_to_sign(self, request: AWSRequest) -> Any:
        chosen = HTTPHeaders()
        for name, value in request.headers.items():
            if name.lower() in self._signed:
                chosen[name.lower()] = value
        return chosen


def sigv4(
    method: str,
    url: str,
    headers: Headers,
    *,
    signed: Iterable[str],
    credentials: Credentials,
    at: str,
    region: str = "us-east-1",
    service: str = "sts",
    body: bytes = b"",
) -> tuple[str, str, str]:
    """Canonical request, string to sign, signature. `at` is the time as x-amz-date has it."""
    request = AWSRequest(method=method, url=url, data=body)
    for name, value in headers:
        request.headers.add_header(name, value)
    request.context["timestamp"] = at
    signer = _Signer(credentials, service, region, signed)
    canonical = signer.canonical_request(request)
    to_sign = signer.string_to_sign(request, canonical)
    return canonical, to_sign, signer.signature(to_sign, request)


def signed_request(
    who: Principal,
    issuer: str,
    identity: str,
    *,
    host: str = GLOBAL,
    signed: Sequence[str] | None = None,
    more: Headers = (),
    without: Sequence[str] = (),
    at: float | None = None,
    region: str | None = None,
    target: str = TARGET,
    method: str = "POST",
) -> bytes:
    """A request with a true signature over what it says, also where it is none that we take.

    `more` replaces headers of its names or adds them; `signed` is what is signed where that is not
    every header; `without` names headers that are left out.
    """
    moment = datetime.fromtimestamp(time.time() if at is None else at, UTC)
    stamp = moment.strftime("%Y%m%dT%H%M%SZ")
    headers = [
        ("Host", host),
        ("Accept", "application/json"),
        ("Chainguard-Audience", issuer),
        ("Chainguard-Identity", identity),
        ("X-Amz-Date", stamp),
    ]
    if who.session_token:
        headers.append(("X-Amz-Security-Token", who.session_token))
    replaced = {name.lower() for name, _ in more} | {name.lower() for name in without}
    headers = [(name, value) for name, value in headers if name.lower() not in replaced]
    headers += list(more)
    names = signed if signed is not None else sorted({name.lower() for name, _ in headers})
    region = region or signing_region(host) or "us-east-1"
    url = target if target.startswith("https://") else f"https://{host}{target}"
    _, _, signature = sigv4(
        method, url, headers, signed=names, credentials=who.credentials, at=stamp, region=region
    )
    scope = f"{who.access_key}/{stamp[:8]}/{region}/sts/aws4_request"
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={';'.join(names)}, "
        f"Signature={signature}"
    )
    headers.append(("Authorization", authorization))
    return serialized(method, target, headers)


def serialized(method: str, target: str, headers: Headers) -> bytes:
    """An HTTP/1.1 request without a body."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode()


def encoded(request: bytes) -> str:
    """As a token."""
    return urlsafe_b64encode(request).decode()


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class StandInSts:
    """Answers as STS does, on 127.0.0.1, under the names of real endpoints.

    `folder` gets the certificate of its authority; `addresses` and `ca_bundles` lead an
    `OutboundClient` to it. `on_call` answers in its place. `clock`: seconds since the epoch.
    """

    def __init__(
        self,
        folder: Path,
        *principals: Principal,
        hosts: Sequence[str] = (GLOBAL,),
        on_call: Answer | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.principals = {principal.access_key: principal for principal in principals}
        self.hosts = tuple(hosts)
        self.on_call = on_call
        self.received: list[tuple[str, str, Headers, bytes]] = []
        """Method, target, headers and body of what came in."""
        self.port = 0
        self.ca = folder / "sts-ca.pem"
        self._clock = clock
        self._runner: web.AppRunner | None = None
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca))
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(*self.hosts).configure_cert(self._tls)

    @property
    def addresses(self) -> dict[str, tuple[str, int]]:
        """Where its hosts are."""
        return dict.fromkeys(self.hosts, ("127.0.0.1", self.port))

    @property
    def ca_bundles(self) -> dict[str, Path]:
        """What certifies them."""
        return {f"https://{host}": self.ca for host in self.hosts}

    @property
    def settings(self) -> dict[str, str]:
        """Of a broker, so that it trusts it; `addresses` lead there."""
        bundles = {issuer: str(path) for issuer, path in self.ca_bundles.items()}
        return {"BROKER_ISSUER_CA_BUNDLES": json.dumps(bundles)}

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = [(name.decode(), value.decode()) for name, value in request.raw_headers]
        self.received.append((request.method, request.raw_path, headers, body))
        if self.on_call is not None:
            return await self.on_call(request)
        return self.answer(request, headers, body)

    def answer(self, request: web.Request, headers: Headers, body: bytes) -> web.Response:
        """What STS would."""
        as_json = request.headers.get("Accept") == "application/json"
        who = self._signer(request, headers, body)
        if not isinstance(who, Principal):
            status, code = who
            return _failed(status, code, as_json=as_json)
        query = request.query
        if (query.get("Action"), query.get("Version")) != ("GetCallerIdentity", "2011-06-15"):
            return _failed(400, "InvalidAction", as_json=as_json)
        return _succeeded(who, as_json=as_json)

    def _signer(
        self, request: web.Request, headers: Headers, body: bytes
    ) -> Principal | tuple[int, str]:
        match = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
        if match is None:
            return 403, "MissingAuthenticationToken"
        key, date, region, service, listed, signature = match.groups()
        who = self.principals.get(key)
        if who is None or who.session_token != request.headers.get("X-Amz-Security-Token"):
            return 403, "InvalidClientTokenId"
        stamp = request.headers.get("X-Amz-Date", "")
        host = request.headers["Host"]
        scope = (stamp[:8], signing_region(host), "sts")
        if (date, region, service) != scope or not self._is_current(stamp):
            return 403, "SignatureDoesNotMatch"
        _, _, expected = sigv4(
            request.method,
            f"https://{host}{request.raw_path}",
            headers,
            signed=listed.split(";"),
            credentials=who.credentials,
            at=stamp,
            region=region,
            body=body,
        )
        return who if signature == expected else (403, "SignatureDoesNotMatch")

    def _is_current(self, stamp: str) -> bool:
        at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        return abs(self._clock() - at) <= 900


def _succeeded(who: Principal, *, as_json: bool) -> web.Response:
    result = {"Account": who.account, "Arn": who.arn, "UserId": who.user_id}
    if as_json:
        return web.json_response(caller_identity(**result))
    members = "".join(f"<{name}>{value}</{name}>" for name, value in result.items())
    return web.Response(
        text=f"<GetCallerIdentityResponse><GetCallerIdentityResult>{members}"
        "</GetCallerIdentityResult></GetCallerIdentityResponse>",
        content_type="text/xml",
    )


def caller_identity(**result: Any) -> dict[str, Any]:
    """The JSON of an answer."""
    return {
        "GetCallerIdentityResponse": {
            "GetCallerIdentityResult": result,
            "ResponseMetadata": {"RequestId": "01234567-89ab-cdef-0123-456789abcdef"},
        }
    }


def _failed(status: int, code: str, *, as_json: bool) -> web.Response:
    message = "The request signature we calculated does not match the signature you provided."
    if as_json:
        error = {"Code": code, "Message": message, "Type": "Sender"}
        return web.json_response({"Error": error, "RequestId": "01234567"}, status=status)
    return web.Response(
        text=f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>",
        status=status,
        content_type="text/xml",
    )
