"""An OpenID provider on this machine, for tests, local runs and measurements."""

from __future__ import annotations

import json
import secrets
import ssl
import time
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self, TypeAlias

from aiohttp import web
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

DISCOVERY: Final = "/.well-known/openid-configuration"
JWKS: Final = "/.well-known/jwks"

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

_Key = RSAKey | ECKey | OKPKey
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LocalIssuer:
    """Serves discovery and a JWK set on 127.0.0.1, and signs whatever claims it is asked to.

    Keys are made when it is constructed and exist in memory alone. `algorithm`: RS, PS or ES with
    256, 384 or 512, or EdDSA. `port`: 0 takes a free one, known once it runs. `issuer`: what it
    calls itself, where that is not its own address. `clock` gives seconds since the epoch.

        async with LocalIssuer() as issuer:
            token = issuer.token({"sub": "me"}, aud="https://broker.example")
    """

    def __init__(
        self,
        *,
        algorithm: str = "RS256",
        host: str = "127.0.0.1",
        port: int = 0,
        issuer: str | None = None,
        audience: str = "http://127.0.0.1:8080",
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.algorithm = algorithm
        self.audience = audience
        self.requests: Counter[str] = Counter()
        """How often each path was asked for."""
        self._host = host
        self._port = port
        self._issuer = issuer
        self._tls = tls
        self._clock = clock
        self._keys = [_generate(algorithm)]
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The issuer, without a slash at its end: what `iss` holds."""
        return self._issuer if self._issuer is not None else self.address

    @property
    def address(self) -> str:
        """Where it listens, as a URL."""
        return f"{'https' if self._tls else 'http'}://{self._host}:{self.port}"

    @property
    def port(self) -> int:
        """Where it listens; RuntimeError before it does, when any port was asked for."""
        if self._port == 0:
            raise RuntimeError("the issuer has no port before it was started")
        return self._port

    @property
    def kid(self) -> str:
        """The key that signs."""
        kid = self._keys[-1].kid
        assert kid is not None, "every key of ours was given one"
        return kid

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; `url` is valid from then on."""
        app = web.Application()
        for path, handler in self.routes().items():
            app.router.add_get(path, self._counted(handler))
        for path, handler in self.forms().items():
            app.router.add_post(path, self._counted(handler))
        # what is still being answered is dropped: a test that stops has seen what it wanted
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, ssl_context=self._tls)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening. The port stays the same for the next start."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def token(
        self,
        claims: Mapping[str, Any] | None = None,
        *,
        lifetime: int = 300,
        header: Mapping[str, Any] | None = None,
        without: Collection[str] = (),
        **more: Any,
    ) -> str:
        """A signed token: defaults, then `claims`, then `more`, less the names in `without`.

        The defaults are iss, sub, aud, iat, nbf, exp (`lifetime` seconds from now) and jti.
        `header` adds to alg, typ and kid, or replaces them; the key and its algorithm stay.
        """
        now = int(self._clock())
        defaults = {
            "iss": self.url,
            "sub": "local-subject",
            "aud": self.audience,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "jti": secrets.token_hex(16),
        }
        payload = defaults | dict(claims or _NOTHING) | more
        fields = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid} | dict(header or _NOTHING)
        return self.sign(
            _compact(_less(fields, without)),
            _compact(_less(payload, without)),
        )

    def sign(self, header: bytes, payload: bytes) -> str:
        """A compact JWS over these bytes as they stand, by the key and algorithm of the issuer."""
        signing_input = f"{_base64url(header)}.{_base64url(payload)}"
        algorithm = JWSRegistry.algorithms[self.algorithm]
        signature = algorithm.sign(signing_input.encode(), self._keys[-1])
        return f"{signing_input}.{_base64url(signature)}"

    def github_claims(
        self, repository: str = "acme/shop", ref: str = "refs/heads/main", **more: str
    ) -> dict[str, str]:
        """Claims in the shape of GitHub Actions' ID tokens: every one of them is a string.

        Source: GitHub, "OpenID Connect reference". Pass them to `token`, which adds the times.
        """
        owner, _, name = repository.partition("/")
        workflow = f"{repository}/.github/workflows/deploy.yml@{ref}"
        sha = "0f661a4a011d77cb21fa4dc7013d9b6f928666ed"
        claims = {
            "sub": f"repo:{repository}:ref:{ref}",
            "actor": "octocat",
            "actor_id": "583231",
            "base_ref": "",
            "event_name": "push",
            "head_ref": "",
            "job_workflow_ref": workflow,
            "job_workflow_sha": sha,
            "ref": ref,
            "ref_protected": "true",
            "ref_type": "tag" if ref.startswith("refs/tags/") else "branch",
            "repository": f"{owner}/{name}",
            "repository_id": "957014466",
            "repository_owner": owner,
            "repository_owner_id": "43356",
            "repository_visibility": "private",
            "run_attempt": "1",
            "run_id": "14144996512",
            "run_number": "3",
            "runner_environment": "github-hosted",
            "sha": sha,
            "workflow": "Deploy",
            "workflow_ref": workflow,
            "workflow_sha": sha,
        }
        return claims | more

    def jwks(self) -> dict[str, Any]:
        """The JWK set: public members alone, the newest key last."""
        return {"keys": [dict(key.as_dict(private=False)) for key in self._keys]}

    def rotate(self, *, keep: bool = True) -> str:
        """Sign with a new key from now on; `keep` still publishes the old ones. Gives its kid."""
        self._keys = [*(self._keys if keep else ()), _generate(self.algorithm)]
        return self.kid

    def discovery(self) -> dict[str, Any]:
        """The discovery document (OpenID Connect Discovery 1.0 §3)."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}{JWKS}",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.algorithm],
            "scopes_supported": ["openid"],
        }

    def routes(self) -> dict[str, Handler]:
        """What answers a GET of which path; issuers with more endpoints add theirs."""
        return {DISCOVERY: self.answer_discovery, JWKS: self.answer_jwks}

    def forms(self) -> dict[str, Handler]:
        """What answers a POST of which path; here nothing does."""
        return {}

    async def answer_discovery(self, request: web.Request) -> web.StreamResponse:
        """The discovery document over HTTP; replaced by issuers that misbehave."""
        del request
        return web.json_response(self.discovery())

    async def answer_jwks(self, request: web.Request) -> web.StreamResponse:
        """The JWK set over HTTP; replaced by issuers that misbehave."""
        del request
        return web.json_response(self.jwks())

    def _counted(self, handler: Handler) -> Handler:
        async def counted(request: web.Request) -> web.StreamResponse:
            self.requests[request.path] += 1
            return await handler(request)

        return counted


def _generate(algorithm: str) -> _Key:
    key: _Key
    if algorithm.startswith(("RS", "PS")):
        key = RSAKey.generate_key(2048)
    elif algorithm in _CURVES:
        key = ECKey.generate_key(_CURVES[algorithm])
    elif algorithm == "EdDSA":
        key = OKPKey.generate_key("Ed25519")
    else:
        raise ValueError(f"{algorithm!r} is not an asymmetric signature algorithm")
    fields: dict[str, Any] = {"alg": algorithm, "use": "sig", "kid": key.thumbprint()}
    return type(key).import_key(dict(key.as_dict(private=True)) | fields)


def _less(members: Mapping[str, Any], without: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in without}


def _compact(document: Mapping[str, Any]) -> bytes:
    """As issuers commonly write JSON."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
