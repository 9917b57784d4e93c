"""Every setting, its default, its check.

Read from the environment (`BROKER_…`) and from a TOML file; the environment wins. A secret can
come from a file too: `BROKER_DATABASE_URL_FILE` names one. Only `broker.cli` and `broker.app`
read this; components get values.
"""

from broker.config.names import CLIENT_VARIABLES, PREFIX
from broker.config.reading import SECRETS, SettingsProblems, load, shown
from broker.config.server import LOOPBACK, rate
from broker.config.settings import Settings

__all__ = [
    "CLIENT_VARIABLES",
    "LOOPBACK",
    "PREFIX",
    "SECRETS",
    "Settings",
    "SettingsProblems",
    "load",
    "rate",
    "shown",
]
