"""Settings out of the environment and of a TOML file, and settings shown."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource

from broker.config.names import CLIENT_VARIABLES, PREFIX
from broker.config.settings import Settings
from broker.errors import Invalid

URLS_WITH_SECRETS: Final = frozenset({"database_url", "redis_url"})
SECRETS: Final = URLS_WITH_SECRETS | {
    "github_client_secret",
    "gitlab_client_secret",
    "google_client_secret",
}
"""Settings that hold a secret: masked when shown, and readable from a file by `…_FILE`."""

_PASSWORD_PARAMETER: Final = re.compile(r"([?&][^=&]*pass[^=&]*=)[^&]*", re.IGNORECASE)
"""libpq takes `password`, `sslpassword` and `passfile` in the query too."""


class SettingsProblems(Invalid):
    """Every fault of the settings at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("settings_invalid", "\n".join(problems), field="settings")
        self.problems = tuple(problems)


def load(environ: Mapping[str, str], config: Path | None = None) -> Settings:
    """The settings of this environment and file. Raises `SettingsProblems`."""
    problems: list[str] = []
    values = {**_from_file(config, problems), **_from_environment(environ, problems)}
    try:
        settings = Settings(**values)
    except ValidationError as error:
        for fault in error.errors():
            problems += _sentence(fault["loc"], fault["msg"]).split("\n")
    else:
        if not problems:
            return settings
    raise SettingsProblems(problems)


def shown(settings: Settings) -> dict[str, Any]:
    """The effective settings by variable name, secrets masked."""
    rows = settings.model_dump(mode="json")
    for name in SECRETS:
        if name in URLS_WITH_SECRETS:
            rows[name] = _without_password(rows[name])
        elif rows[name]:
            rows[name] = "***"
    return {PREFIX + name.upper(): "" if value is None else value for name, value in rows.items()}


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    files = {f"{PREFIX}{name.upper()}_FILE": name for name in SECRETS}
    values: dict[str, str] = {}
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable in CLIENT_VARIABLES:
            continue
        if variable in known:
            values[variable] = text
        elif variable in files:
            if variable.removesuffix("_FILE") in environ:
                problems.append(f"{variable}: set as well as {variable.removesuffix('_FILE')}")
            _read_secret(variable, text, values, problems)
        else:
            problems.append(f"{variable}: no such setting{_suggestion(variable, known)}")
    return _decoded(values, problems)


def _decoded(values: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    source = _Environment(Settings, values)
    decoded: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        text, key, is_complex = source.get_field_value(field, name)
        if text is None:
            continue
        try:
            decoded[name] = source.prepare_field_value(name, field, text, is_complex)
        except ValueError:
            problems.append(f"{PREFIX}{key.upper()}: not JSON")
    return decoded


class _Environment(EnvSettingsSource):
    """pydantic's reader of variables, over a mapping that we give it."""

    def __init__(self, settings: type[BaseSettings], environ: Mapping[str, str]) -> None:
        self._environ = environ
        super().__init__(settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): text for name, text in self._environ.items()}


def _read_secret(variable: str, path: str, values: dict[str, str], problems: list[str]) -> None:
    try:
        values[variable.removesuffix("_FILE")] = Path(path).read_text().rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        problems.append(f"{variable}: cannot read {path}: {reason}")


def _from_file(config: Path | None, problems: list[str]) -> dict[str, Any]:
    if config is None:
        return {}
    try:
        values = tomllib.loads(config.read_text())
    except OSError as error:
        problems.append(f"{config}: {error.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{config}: not TOML: {error}")
    else:
        unknown = values.keys() - Settings.model_fields.keys()
        problems += [
            f"{config}: {name}: no such setting{_suggestion(name, Settings.model_fields)}"
            for name in sorted(unknown)
        ]
        return {name: value for name, value in values.items() if name not in unknown}
    return {}


def _suggestion(name: str, known: Any) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    if not location:
        return message
    path = ".".join(str(part) for part in location[1:])
    name = PREFIX + str(location[0]).upper()
    return f"{name}{'.' + path if path else ''}: {message}"


def _without_password(url: str) -> str:
    # Without a parser: one that splits at a '/' in the password shows what comes before it.
    # Rather too much is hidden than too little.
    scheme, separator, rest = url.partition("://")
    user, at, place = rest.rpartition("@")
    if at and ":" in user:
        rest = f"{user.partition(':')[0]}:***@{place}"
    rest = _PASSWORD_PARAMETER.sub(r"\1***", rest)
    return f"{scheme}{separator}{rest}"
