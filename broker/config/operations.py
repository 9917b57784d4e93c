"""Settings of how the broker is run."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings

MAX_WORKERS = 64


class OperationsSettings(BaseSettings):
    """Processes on one machine."""

    workers: int = Field(
        default=1,
        ge=1,
        le=MAX_WORKERS,
        description="Processes that `broker serve` runs on this machine, all on the same port. "
        "More than one needs `redis_url`: they have to agree on used tokens, logins and rates.",
    )
