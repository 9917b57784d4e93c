"""Settings of the server, of its records and keys, and of the exchange."""

from __future__ import annotations

import re
import ssl
from collections.abc import Collection, Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from broker.config.names import PREFIX, none_where_empty
from broker.directory.installation import OrganizationCreators
from broker.errors import Invalid, Precondition
from broker.iam.aws_endpoints import GLOBAL_HOST, HEADER_PREFIX, signing_region
from broker.iam.capabilities import CapabilityTable
from broker.iam.issuer_policy import check_policy, policy_of
from broker.iam.issuer_url import check_issuer_url
from broker.iam.uidp import Uidp
from broker.issuer.schedule import least_publish_lead
from broker.state.rates import Rate
from broker.state.redis_url import RedisUrl
from broker.store.url import parse as check_store_url
from broker.web.tls import server_context

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

Algorithm = Literal["ES256", "EdDSA", "ES384", "RS256"]
UpstreamAlgorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
Seconds = Annotated[int, Field(ge=1)]


class ServerSettings(BaseSettings):
    """What a broker without logins needs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    issuer: str = Field(
        default="",
        description="URL that stands as `iss` in our tokens and under which discovery is served. "
        "https, or http on a loopback host for development. Default: `http://127.0.0.1:PORT`.",
    )
    api_url: str = Field(
        default="",
        description="URL under which clients call the API, where it is not the issuer's: tokens "
        "with this audience are accepted there too, and events name it as their source.",
    )
    operators: tuple[str, ...] = Field(
        default=(),
        description="UIDPs of the identities (JSON list) that run the installation: they may "
        "create organizations, and say which are verified and what limits they have.",
    )
    organization_creators: Literal["", "everybody", "people", "operators"] = Field(
        default="",
        description="Who may create an organization through the API: every identity, people who "
        "log in (and operators), or operators alone. Default: `people` on a loopback issuer, else "
        "`operators`.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(
        default=8080,
        ge=0,
        le=65535,
        description="Port to listen on: HTTP/1.1, and gRPC as far as clients speak HTTP/2.",
    )
    grpc_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port for gRPC alone, besides the one that it shares with HTTP. Default: none.",
    )
    tls_certificate: Path | None = Field(
        default=None,
        description="Certificate chain (PEM file) with which the ports speak TLS 1.2 or later. "
        "When it is renewed, new connections are by the new one within 10 s. Default: no TLS; a "
        "proxy in front does it.",
    )
    tls_key: Path | None = Field(
        default=None,
        description="Private key (PEM file, not encrypted) of `tls_certificate`.",
    )
    database_url: str = Field(
        default="sqlite:///var/broker.sqlite3",
        description="Where records are kept: `sqlite:///PATH` or "
        "`postgresql://USER:PASSWORD@HOST/NAME` with libpq's parameters and `pgbouncer=true`, see "
        "[PostgreSQL](operations/postgresql.md). An https issuer has to set it.",
    )
    database_connections: int = Field(
        default=10,
        ge=2,
        le=200,
        description="Connections of each process to PostgreSQL, at most.",
    )
    redis_url: str = Field(
        default="",
        description="Where processes keep what they have to agree on (used tokens, rates, logins "
        "and sessions): `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, `unix://PATH`, "
        "`redis+sentinel://[USER:PASSWORD@]HOST[:PORT][,…]/SERVICE[/DATABASE]` or "
        "`redis+cluster://[USER:PASSWORD@]HOST[:PORT][,…]`; `rediss` for `redis` with TLS. See "
        "[Redis](operations/redis.md). Empty: each process for itself.",
    )
    keys_dir: Path = Field(
        default=Path("keys"),
        description="Folder of the key-encryption key that wraps the signing keys in the database. "
        "An https issuer has to set it and to create the key by `broker keys init`.",
    )
    kms_key: str = Field(
        default="",
        description="Key of AWS KMS (ARN, id or alias) that wraps the signing keys instead of a "
        "file in `keys_dir`. Credentials and region are AWS's own settings.",
    )
    signing_algorithm: Algorithm = Field(
        default="ES256", description="Algorithm of new signing keys."
    )
    key_rotation_days: int = Field(
        default=30,
        ge=0,
        description="Age in days at which a signing key is replaced; 0: only by hand.",
    )
    key_publish_lead: Seconds = Field(
        default=900,
        description="Seconds for which a new key is published before it signs: at least "
        "`jwks_max_age`, `key_refresh` and a minute together.",
    )
    jwks_max_age: Seconds = Field(
        default=300, description="Seconds for which verifiers may cache our JWKS (`Cache-Control`)."
    )
    key_refresh: Seconds = Field(
        default=30, description="Seconds between two looks at the key log, for rotations elsewhere."
    )
    token_lifetime: int = Field(
        default=3600,
        ge=60,
        le=3600,
        description="Longest life of a token of ours, in seconds; an identity may ask for less.",
    )
    token_audiences: tuple[str, ...] = Field(
        default=(),
        description="Audiences that callers may ask for (JSON list). Empty: any, except those "
        "that the broker reserves.",
    )
    capabilities: dict[str, int] = Field(
        default_factory=dict,
        description="Capabilities of your own, name to number (JSON object), such as "
        '`{"deploy.create": 1024}`. Numbers from 1024 to 2047, never reused.',
    )
    lint: Literal["warn", "refuse", "off"] = Field(
        default="warn",
        description="What is done with what lint finds in the rules of an identity that is saved "
        "(docs/lint.md): tell it and write it down, refuse errors besides, or nothing.",
    )
    issuer_policy: dict[str, Any] = Field(
        default_factory=dict,
        description="Whose tokens are taken (JSON object, docs/issuer-policy.md): `allow`, a list "
        "of issuers; `allow_patterns`, RE2 patterns that match the whole issuer; `mode`, "
        "`enforce` (default), `audit` or `off`. Empty: whoever the rules of identities accept.",
    )
    private_issuers: tuple[str, ...] = Field(
        default=(),
        description="Upstream issuers (JSON list of URLs) that may be at private addresses. "
        "On a loopback issuer of our own, loopback addresses are always allowed.",
    )
    issuer_ca_bundles: dict[str, Path] = Field(
        default_factory=dict,
        description="CA bundle (PEM file) for an upstream issuer, by issuer URL (JSON object).",
    )
    issuer_algorithms: dict[str, tuple[UpstreamAlgorithm, ...]] = Field(
        default_factory=dict,
        description="Signature algorithms accepted from an upstream issuer, by issuer URL "
        "(JSON object of lists). Default: every asymmetric one.",
    )
    aws_sts_hosts: tuple[str, ...] = Field(
        default=(GLOBAL_HOST,),
        description="Endpoints of AWS STS (JSON list of hosts) that signed AWS requests may be for "
        "and that are asked who signed: name regional, FIPS and other partitions' endpoints where "
        "workloads use them. Empty: no signed AWS requests.",
    )
    aws_header_prefixes: tuple[str, ...] = Field(
        default=(HEADER_PREFIX,),
        min_length=1,
        description="Prefixes (JSON list) of the headers `<Prefix>-Audience` and "
        "`<Prefix>-Identity`, by which a signed AWS request is bound to the broker and an "
        "identity.",
    )
    upstream_token_age: Seconds = Field(
        default=86400,
        description="Longest `exp − iat` in seconds of an upstream token.",
    )
    issuer_token_ages: dict[str, Seconds] = Field(
        default_factory=dict,
        description="Longest `exp − iat` for an upstream issuer, by issuer URL (JSON object).",
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Networks (JSON list of CIDRs) of the proxies in front, whose "
        "`X-Forwarded-For` tells the caller's address.",
    )
    rate_limit_address: str = Field(
        default="auto",
        description="How many exchanges of one address (or IPv6 /64) may be refused, as "
        "`100/minute`; `second`, `hour`, `day` too. More are answered 429. Empty: any number. "
        "`auto` is `100/minute` where the broker sees who calls, with `tls_certificate` or "
        "`trusted_proxies`; elsewhere it is empty, for it would be the proxy that is stopped.",
    )
    rate_limit_identity: str = Field(
        default="",
        description="How many tokens are minted for one identity, as `1000/hour`. Empty: any "
        "number.",
    )
    rate_limit_issuer: str = Field(
        default="",
        description="How many tokens of one upstream issuer are exchanged, of all identities "
        "together, as `1000/minute`. Empty: any number.",
    )
    upstream_timeout: float = Field(
        default=5.0,
        gt=0,
        le=60,
        description="Seconds in all for one request to an upstream issuer.",
    )
    cached_issuers: int = Field(
        default=1000, ge=1, description="Upstream issuers whose keys are kept in memory."
    )
    cached_identities: int = Field(
        default=100_000,
        ge=1,
        description="Identities kept in memory with their rules and bindings.",
    )
    snapshot_ttl: Seconds = Field(
        default=30,
        description="Seconds for which cached identities are used while the database does not "
        "answer; otherwise changes are noticed within a second.",
    )
    drain: int = Field(
        default=0,
        ge=0,
        description="Seconds at shutdown for which requests are still taken while `/readyz` "
        "answers 503, so that load balancers notice.",
    )
    shutdown_grace: Seconds = Field(
        default=10, description="Seconds that running requests get to finish at shutdown."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe level that is logged."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="`auto` is `console` on a terminal and `json` elsewhere."
    )

    @property
    def development(self) -> bool:
        """Whether the issuer is a loopback address: defaults for one machine are in order."""
        return urlsplit(self.issuer).scheme == "http"

    @property
    def creators(self) -> OrganizationCreators:
        """`organization_creators` with its default."""
        default = "people" if self.development else "operators"
        return OrganizationCreators(self.organization_creators or default)

    _none_where_empty = field_validator("grpc_port", "tls_certificate", "tls_key", mode="before")(
        none_where_empty
    )

    @property
    def address_rate(self) -> Rate | None:
        """`rate_limit_address`, decided where it is `auto`."""
        if self.rate_limit_address != "auto":
            return rate(self.rate_limit_address)
        return Rate(100, 60) if self.tls_certificate or self.trusted_proxies else None

    @field_validator("operators")
    @classmethod
    def _check_operators(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for uidp in value:
            try:
                Uidp.parse(uidp)
            except Invalid as error:
                raise ValueError(f"{uidp[:64]!r}: {error.message.removeprefix('id: ')}") from None
        return value

    @field_validator("capabilities")
    @classmethod
    def _check_capabilities(cls, value: dict[str, int]) -> dict[str, int]:
        try:
            CapabilityTable.load(value)
        except Invalid as error:
            raise ValueError(error.message) from None
        return value

    @field_validator("issuer_policy")
    @classmethod
    def _check_issuer_policy(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            check_policy(policy_of(value), field="policy")
        except Invalid as error:
            raise ValueError(error.message.removeprefix("policy.")) from None
        return value

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, value: str) -> str:
        try:
            check_store_url(value)
        except Invalid as error:
            raise ValueError(error.message.removeprefix("store URL: ")) from None
        return value

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, value: str) -> str:
        if value:
            RedisUrl.parse(value)
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ip_network(network)
            except ValueError:
                raise ValueError(f"{network[:64]!r}: expected a CIDR, as 10.0.0.0/8") from None
        return value

    @field_validator("rate_limit_address", "rate_limit_identity", "rate_limit_issuer")
    @classmethod
    def _check_rates(cls, value: str, info: ValidationInfo) -> str:
        if value != "auto" or info.field_name != "rate_limit_address":
            rate(value)
        return value

    @field_validator(
        "private_issuers", "issuer_ca_bundles", "issuer_algorithms", "issuer_token_ages"
    )
    @classmethod
    def _check_upstream_issuers(cls, value: Collection[str]) -> Collection[str]:
        # a misspelt one would never match, and what it was to restrict would not be restricted
        for url in value:
            try:
                check_issuer_url(url, allow_http_loopback=True)
            except Invalid as error:
                raise ValueError(f"{url}: {error.message.removeprefix('issuer: ')}") from None
        return value

    @field_validator("issuer_algorithms")
    @classmethod
    def _check_algorithms(
        cls, value: dict[str, tuple[UpstreamAlgorithm, ...]]
    ) -> dict[str, tuple[UpstreamAlgorithm, ...]]:
        for url, algorithms in value.items():
            if not algorithms:
                raise ValueError(f"{url}: expected at least one algorithm")
        return value

    @field_validator("issuer_ca_bundles")
    @classmethod
    def _check_bundles(cls, value: dict[str, Path]) -> dict[str, Path]:
        for bundle in value.values():
            try:
                ssl.create_default_context(cafile=str(bundle))
            except OSError as error:  # SSLError is one
                raise ValueError(f"{bundle}: not a readable PEM file: {error.strerror}") from None
        return value

    @field_validator("aws_sts_hosts")
    @classmethod
    def _check_sts_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if signing_region(host) is None:
                raise ValueError(f"{host[:64]!r}: no endpoint of AWS STS that is known")
        return value

    @field_validator("aws_header_prefixes")
    @classmethod
    def _check_prefixes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for prefix in value:
            if not re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", prefix):
                raise ValueError(f"{prefix[:64]!r}: expected letters, digits and '-'")
        if len({prefix.lower() for prefix in value}) < len(value):
            raise ValueError("the same prefix twice")
        return value

    @field_validator("issuer", "api_url")
    @classmethod
    def _check_own_urls(cls, value: str) -> str:
        if value:
            if value.endswith("/"):
                raise ValueError("must not end with '/'")
            try:
                check_issuer_url(value, allow_http_loopback=True)
            except Invalid as error:
                raise ValueError(error.message.removeprefix("issuer: ")) from None
            if not urlsplit(value).netloc or urlsplit(value).path:
                raise ValueError(
                    "expected SCHEME://HOST[:PORT] without a path: discovery is served at the root"
                )
        return value

    @model_validator(mode="before")
    @classmethod
    def _derive_issuer(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values.get("issuer"):
            return values
        port = str(values.get("port", 8080))
        if port == "0":
            raise ValueError(f"{PREFIX}PORT: 0, any free port, needs {PREFIX}ISSUER set")
        # a port that is wrong is one fault, not one of the issuer too
        fits = port.isascii() and port.isdecimal() and 1 <= int(port) <= 65535
        return {**values, "issuer": f"http://127.0.0.1:{port if fits else 8080}"}

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        problems = [*self._ports(), *self._tls(), *self._key_times(), *self._development_defaults()]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _ports(self) -> Iterator[str]:
        if self.port and self.port == self.grpc_port:
            yield f"{PREFIX}GRPC_PORT: the same as {PREFIX}PORT, which takes gRPC anyway"

    def _tls(self) -> Iterator[str]:
        if (self.tls_certificate is None) != (self.tls_key is None):
            yield f"{PREFIX}TLS_CERTIFICATE, {PREFIX}TLS_KEY: expected both or none"
        if self.tls_certificate is None or self.tls_key is None:
            return
        try:
            server_context(self.tls_certificate, self.tls_key)
        except Precondition as error:
            yield f"{PREFIX}TLS_CERTIFICATE: {error.message}"
        if self.development:
            yield (
                f"{PREFIX}ISSUER: expected https with {PREFIX}TLS_CERTIFICATE, for its documents "
                "are served under it"
            )

    def _key_times(self) -> Iterator[str]:
        least = least_publish_lead(
            jwks_max_age=timedelta(seconds=self.jwks_max_age),
            refresh_interval=timedelta(seconds=self.key_refresh),
        )
        if self.key_publish_lead < least.total_seconds():
            yield (
                f"{PREFIX}KEY_PUBLISH_LEAD: expected at least {least.total_seconds():.0f}, which "
                "is jwks_max_age and key_refresh and a minute, or verifiers meet keys that they "
                "do not know"
            )
        period = timedelta(days=self.key_rotation_days)
        if period and period < timedelta(seconds=self.key_publish_lead):
            yield (
                f"{PREFIX}KEY_ROTATION_DAYS: shorter than key_publish_lead, the time for which a "
                "key is published before it signs"
            )

    def _development_defaults(self) -> Iterator[str]:
        if not self.development:
            needed = {"database_url"} if self.kms_key else {"database_url", "keys_dir"}
            for name in sorted(needed - self.model_fields_set):
                yield (
                    f"{PREFIX}{name.upper()}: an https issuer needs it set; the default is for "
                    "one machine"
                )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic names the parameters
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The caller hands over merged values (`load`); pydantic reads nothing by itself."""
        return (init_settings,)


def rate(text: str) -> Rate | None:
    """`100/minute`, or empty for none. Raises ValueError."""
    return Rate.parse(text) if text else None
