"""Settings of how people log in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_settings import BaseSettings

from broker.config.names import PREFIX
from broker.errors import Invalid
from broker.iam.issuer_url import check_fetchable_url, is_loopback_host

CONNECTORS: Final = ("google", "github", "gitlab")
MAX_CLIENTS: Final = 100
RESERVED_CLIENTS: Final = frozenset({"broker-cli", "customer"})
"""The one that is there already, and the audience of webhook tokens, for which no ID token of a
client must pass."""


class RegisteredClient(BaseModel):
    """A first-party client that sends people here to log in (RFC 6749 §2), a public one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=128)
    redirect_uris: tuple[str, ...] = Field(min_length=1)
    """Literal; one on a loopback host matches with any port (RFC 8252 §7.3)."""
    post_logout_redirect_uris: tuple[str, ...] = ()

    @field_validator("redirect_uris", "post_logout_redirect_uris")
    @classmethod
    def _check_uris(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for uri in value:
            parts = urlsplit(uri)
            loopback = parts.scheme == "http" and is_loopback_host(parts.hostname or "")
            if not (loopback or (parts.scheme == "https" and parts.hostname)):
                raise ValueError(f"{uri[:128]!r}: expected https, or http on a loopback host")
            if "#" in uri or parts.username is not None or not uri.isprintable() or " " in uri:
                raise ValueError(f"{uri[:128]!r}: expected no fragment, user or space")
        return value


class LoginSettings(BaseSettings):
    """Providers that everybody may use, clients, sessions."""

    console_url: str = Field(
        default="",
        description="URL of the console, whose `/auth/join` the links of invites lead to. "
        "Default: the issuer, which has that page too.",
    )
    redirect_origins: tuple[str, ...] = Field(
        default=(),
        description="Origins (JSON list, as `https://console.example.com`) to which `/oauth` may "
        "send a token besides loopback addresses.",
    )
    clients: dict[str, RegisteredClient] = Field(
        default_factory=dict,
        description="First-party clients of the authorization endpoint besides `broker-cli`, by "
        'client id (JSON object): `{"console": {"name": "Console", "redirect_uris": '
        '["https://console.example.com/callback"]}}`; `post_logout_redirect_uris` too.',
    )
    registration: Literal["", "open", "invited"] = Field(
        default="",
        description="Whether people register by themselves at a login that everybody may use "
        "(`open`), or with an invite or through their organization's provider alone (`invited`). "
        "Default: `open` on a loopback issuer, else `invited`.",
    )
    session_idle: int = Field(
        default=43_200,
        ge=60,
        description="Seconds after its last use in which a browser session ends.",
    )
    session_lifetime: int = Field(
        default=604_800, ge=60, description="Seconds in which a browser session ends in any case."
    )
    refresh_idle: int = Field(
        default=604_800,
        ge=60,
        description="Seconds after its last use in which a refresh token ends.",
    )
    refresh_lifetime: int = Field(
        default=2_592_000,
        ge=60,
        description="Seconds after the login in which its refresh tokens end in any case.",
    )
    google_client_id: str = Field(
        default="", description="Client id at Google. Empty: no login with Google."
    )
    google_client_secret: str = Field(default="", description="The client's secret at Google.")
    google_issuer: str = Field(
        default="https://accounts.google.com", description="Issuer of the login with Google."
    )
    github_client_id: str = Field(
        default="", description="Client id of an OAuth app at GitHub. Empty: no login with GitHub."
    )
    github_client_secret: str = Field(default="", description="The OAuth app's secret at GitHub.")
    github_url: str = Field(
        default="https://github.com",
        description="GitHub's URL, or that of a GitHub Enterprise server.",
    )
    github_api_url: str = Field(
        default="",
        description="URL of GitHub's API. Default: `https://api.github.com`, and `/api/v3` below "
        "`github_url` for a GitHub Enterprise server.",
    )
    gitlab_client_id: str = Field(
        default="", description="Application id at GitLab. Empty: no login with GitLab."
    )
    gitlab_client_secret: str = Field(default="", description="The application's secret at GitLab.")
    gitlab_issuer: str = Field(
        default="https://gitlab.com", description="URL of GitLab, or of an instance of one's own."
    )

    @field_validator(
        "console_url", "google_issuer", "github_url", "github_api_url", "gitlab_issuer"
    )
    @classmethod
    def _check_urls(cls, value: str) -> str:
        if value:
            if value.endswith("/"):
                raise ValueError("must not end with '/'")
            try:
                check_fetchable_url(value, allow_http_loopback=True, field="url")
            except Invalid as error:
                raise ValueError(error.message.removeprefix("url: ")) from None
        return value

    @field_validator("redirect_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            if parts.scheme != "https" or not parts.hostname or origin != f"https://{parts.netloc}":
                raise ValueError(f"{origin[:128]!r}: expected https://HOST[:PORT]")
            if origin != origin.lower() or "@" in origin:
                raise ValueError(f"{origin[:128]!r}: expected lower case, and no user")
        return value

    @field_validator("clients")
    @classmethod
    def _check_clients(cls, value: dict[str, RegisteredClient]) -> dict[str, RegisteredClient]:
        if len(value) > MAX_CLIENTS:
            raise ValueError(f"more than {MAX_CLIENTS}")
        for client_id in value:
            if not 1 <= len(client_id) <= 128 or not client_id.isascii() or " " in client_id:
                raise ValueError(f"{client_id[:64]!r}: expected 1 to 128 ASCII characters")
            if client_id in RESERVED_CLIENTS:
                raise ValueError(f"{client_id!r}: reserved")
        return value

    @model_validator(mode="after")
    def _check_login(self) -> Self:
        problems = list(self._connectors())
        if self.session_idle > self.session_lifetime:
            problems.append(f"{PREFIX}SESSION_IDLE: longer than session_lifetime")
        if self.refresh_idle > self.refresh_lifetime:
            problems.append(f"{PREFIX}REFRESH_IDLE: longer than refresh_lifetime")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _connectors(self) -> Iterator[str]:
        for name in CONNECTORS:
            has_id = bool(getattr(self, f"{name}_client_id"))
            has_secret = bool(getattr(self, f"{name}_client_secret"))
            if has_id != has_secret:
                upper = f"{PREFIX}{name.upper()}_CLIENT"
                yield f"{upper}_ID, {upper}_SECRET: expected both or none"
