"""The configuration of who runs commands: which broker, how they log in, how results are printed.

A flag wins over a variable, a variable over the file, the file over the default. No secret is ever
in it.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from broker.errors import Invalid, Precondition
from broker.iam.uidp import Uidp
from broker.sdk import private_files
from broker.sdk.login.request import CONNECTIONS
from broker.sdk.user_folders import config_folder

CONFIG: Final = "BROKER_CONFIG"
DEFAULT_API: Final = "http://127.0.0.1:8080"
OUTPUTS: Final = (
    "csv", "env", "id", "json", "markdown", "none", "table", "terse", "tree", "wide", "yaml",
)  # fmt: skip
LOG_LEVELS: Final = ("debug", "info", "warn", "error")
MAX_FILE: Final = 65_536
"""Bytes of a file that is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One member of the configuration."""

    variable: str
    meaning: str
    default: str = ""
    fault: Callable[[str], str | None]
    """What is wrong with a value."""


def _url_fault(value: str) -> str | None:
    if value.startswith(("https://", "http://")) and not value.endswith("/"):
        return None if value.isprintable() and " " not in value else "expected no space"
    return "expected https://HOST or http://HOST:PORT, without / at the end"


def _audience_fault(value: str) -> str | None:
    fits = value.isascii() and value.isprintable() and len(value) <= 255
    return None if fits else "expected at most 255 printable ASCII characters"


def _uidp_fault(value: str) -> str | None:
    try:
        Uidp.parse(value)
    except Invalid:
        return "expected the UIDP of an identity provider"
    return None


def _name_fault(value: str) -> str | None:
    return None if value.isprintable() and len(value) <= 253 else "expected a name"


def _one_of(choices: Iterable[str]) -> Callable[[str], str | None]:
    known = tuple(choices)

    def fault(value: str) -> str | None:
        return None if value in known else f"expected one of {', '.join(known)}"

    return fault


KEYS: Final[Mapping[str, Key]] = {
    "api": Key(
        variable="BROKER_API",
        meaning="URL of the broker's API.",
        default=DEFAULT_API,
        fault=_url_fault,
    ),
    "issuer": Key(
        variable="BROKER_ISSUER",
        meaning="Issuer URL, where people log in and tokens are exchanged. Default: api.",
        fault=_url_fault,
    ),
    "console": Key(
        variable="BROKER_CONSOLE_URL",
        meaning="URL that the links of invites lead to. Default: issuer.",
        fault=_url_fault,
    ),
    "audience": Key(
        variable="BROKER_AUDIENCE",
        meaning="Audience of the tokens that commands use. Default: issuer.",
        fault=_audience_fault,
    ),
    "identity-provider": Key(
        variable="BROKER_IDENTITY_PROVIDER",
        meaning="UIDP of the identity provider to log in through.",
        fault=_uidp_fault,
    ),
    "org-name": Key(
        variable="BROKER_ORG_NAME",
        meaning="Name of the verified organization whose provider to log in through.",
        fault=_name_fault,
    ),
    "social-login": Key(
        variable="BROKER_SOCIAL_LOGIN",
        meaning="Social login to log in through: google, github or gitlab.",
        fault=_one_of(CONNECTIONS),
    ),
    "output": Key(
        variable="BROKER_OUTPUT",
        meaning="How results are printed, where a command knows the form.",
        default="table",
        fault=_one_of(OUTPUTS),
    ),
    "log-level": Key(
        variable="BROKER_CLIENT_LOG_LEVEL",
        meaning="What commands tell of their requests: debug, info, warn or error.",
        default="warn",
        fault=_one_of(LOG_LEVELS),
    ),
}
WAYS: Final = ("identity-provider", "org-name", "social-login")
"""Of these, one at most."""


def problems(values: Mapping[str, object]) -> list[str]:
    """Everything that is wrong with the content of a file."""
    found = []
    for name, value in values.items():
        if name not in KEYS:
            found.append(f"{name}: no such key; there are {', '.join(KEYS)}")
        elif not isinstance(value, str) or not value:
            found.append(f"{name}: expected text that is not empty")
        elif fault := KEYS[name].fault(value):
            found.append(f"{name}: {fault}")
    if len(given := [name for name in WAYS if name in values]) > 1:
        found.append(f"{', '.join(given)}: expected one of them at most")
    return found


def checked(name: str, value: str) -> str:
    """A value for a key. Raises `Invalid`."""
    if found := problems({name: value}):
        raise Invalid("configuration_invalid", found[0], field=name)
    return value


def file_of(given: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file: that which was named, else the person's own. None where nothing says whose."""
    if given is not None:
        return given
    folder = config_folder(environ, sys.platform)
    return folder / "broker" / "config.toml" if folder is not None else None


def read(path: Path | None) -> dict[str, str]:
    """What the file says; nothing where there is none. Raises `Invalid` with every fault."""
    return parsed(content_of(path), path)


def content_of(path: Path | None) -> str:
    """The file's text; empty where there is none. Raises `Precondition`."""
    if path is None:
        return ""
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise _unusable(path) from error


def parsed(text: str, path: Path | None) -> dict[str, str]:
    """A file's text. Raises `Invalid` with every fault."""
    values = loaded(text, path)
    if found := problems(values):
        lines = "\n".join(f"  {problem}" for problem in found)
        raise Invalid("configuration_invalid", f"{path}:\n{lines}", field="config")
    return values


def loaded(text: str, path: Path | None) -> dict[str, Any]:
    """A file's members, whatever they are. Raises `Invalid` for what is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid("configuration_invalid", f"{path}: {error}", field="config") from None


def write(path: Path, text: str) -> None:
    """Raises `Precondition`."""
    try:
        private_files.write(path, text.encode())
    except OSError as error:
        raise _unusable(path) from error


def with_value(text: str, name: str, value: str | None) -> str:
    """The text of a file with a key set, or, for None, without it; its comments stay."""
    wanted = tomllib.loads(text)
    wanted.pop(name, None)
    lines = [line for line in text.splitlines() if line.partition("=")[0].strip(" \t\"'") != name]
    if value is not None:
        wanted[name] = value
        lines.append(line_of(name, value))
    changed = "".join(f"{line}\n" for line in lines)
    try:
        if tomllib.loads(changed) == wanted:
            return changed
    except tomllib.TOMLDecodeError:
        pass
    # a value of several lines, for example: then as we write it
    return "".join(f"{line_of(*each)}\n" for each in wanted.items())


def line_of(name: str, value: str) -> str:
    """A line of TOML: its basic strings take JSON's escapes."""
    return f"{name} = {json.dumps(value, ensure_ascii=False)}"


def _unusable(path: Path) -> Precondition:
    return Precondition("configuration_unusable", f"{path}: cannot be read or written")
