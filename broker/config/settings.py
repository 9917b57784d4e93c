"""All settings of one process."""

from __future__ import annotations

from broker.config.login import LoginSettings
from broker.config.server import ServerSettings


class Settings(LoginSettings, ServerSettings):
    """The effective settings of one process."""
