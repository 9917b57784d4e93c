"""Settings of how the broker is run."""

from __future__ import annotations

from typing import Final

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from broker.config.names import none_where_empty

MAX_WORKERS: Final = 64


class OperationsSettings(BaseSettings):
    """Processes on one machine, and what they tell of themselves."""

    workers: int = Field(
        default=1,
        ge=1,
        le=MAX_WORKERS,
        description="Processes that `broker serve` runs on this machine, all on the same port. "
        "More than one needs `redis_url`: they have to agree on used tokens, logins and rates.",
    )
    keep_alive: int = Field(
        default=620,
        ge=1,
        description="Seconds for which a connection without a request is kept. Longer than the "
        "proxy in front keeps its own, or that will now and then send a request into one that is "
        "just being closed.",
    )
    admin_host: str = Field(
        default="127.0.0.1", description="Address to listen on for metrics and health."
    )
    admin_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port for `/metrics`, `/healthz` and `/readyz`, without TLS and without "
        "authentication: keep it from the world. Of several workers each has its own, this one and "
        "those that follow. Default: none.",
    )

    _admin_port_or_none = field_validator("admin_port", mode="before")(none_where_empty)
