"""All settings of one process."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from broker.config.login import LoginSettings
from broker.config.names import PREFIX
from broker.config.operations import OperationsSettings
from broker.config.server import ServerSettings


class Settings(LoginSettings, OperationsSettings, ServerSettings):
    """The effective settings of one process."""

    @model_validator(mode="after")
    def _check_processes(self) -> Self:
        if self.workers > 1 and not self.redis_url:
            raise ValueError(
                f"{PREFIX}WORKERS: more than one process needs {PREFIX}REDIS_URL, for each would "
                "know nothing of the tokens, logins and rates that the others have seen"
            )
        if self.workers > 1 and not self.port:
            raise ValueError(f"{PREFIX}PORT: 0, any free port, is for one process")
        return self
