"""Options by which a command knows its broker, and the configuration that fills them in."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from broker.cli.client import configuration
from broker.cli.client.configuration import KEYS, WAYS
from broker.errors import BrokerError, Precondition

F = TypeVar("F", bound=Callable[..., Any])

_FILE: Final = "broker.configuration.file"
_VALUES: Final = "broker.configuration.values"
_FLAGS: Final = "broker.configuration.flags"
_BROKER: Final = ("issuer", "audience", "console")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Which broker, and for whom tokens are that commands show it."""

    api: str
    issuer: str
    audience: str
    console: str

    @classmethod
    def to(cls, url: str) -> Connection:
        """A broker that is all of it."""
        return cls(api=url, issuer=url, audience=url, console=url)


class ConfiguredOption(click.Option):
    """An option whose default is in the configuration: the first of `keys` that is there."""

    def __init__(self, *args: Any, keys: tuple[str, ...], **more: Any) -> None:
        super().__init__(*args, **more)
        self.keys = keys

    def configured(self, values: Mapping[str, str]) -> str | None:
        """What the file says, if this command can do that."""
        value = next((values[key] for key in self.keys if key in values), None)
        if isinstance(self.type, click.Choice) and value not in self.type.choices:
            return None
        return value

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """As the file's: a form of output that this command has not is passed over."""
        value = super().resolve_envvar_value(ctx)
        if "output" in self.keys and isinstance(self.type, click.Choice):
            return value if value in self.type.choices else None
        return value


def configured(*names: str, key: str, **more: Any) -> Callable[[F], F]:
    """An option that stands for a key of the configuration."""
    more = {"envvar": KEYS[key].variable, **more}
    if not more.get("expose_value", True):
        # a command may have an argument of its own of that name: the issuer of an identity
        names = (*names, f"configured_{key.replace('-', '_')}")
    return click.option(*names, cls=ConfiguredOption, keys=(key,), **more)


def _load(ctx: click.Context, param: click.Parameter, given: Path | None) -> None:
    del param
    path = configuration.file_of(given, os.environ)
    try:
        values = configuration.read(path)
    except BrokerError:
        if not ctx.resilient_parsing:
            raise
        values = {}
    ctx.meta[_FILE], ctx.meta[_VALUES] = path, values
    defaults = {
        param.name: value
        for param in ctx.command.params
        if isinstance(param, ConfiguredOption) and (value := param.configured(values)) is not None
    }
    ctx.default_map = {**(ctx.default_map or {}), **defaults}


config_file_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar=configuration.CONFIG,
    is_eager=True,
    expose_value=False,
    callback=_load,
    help="File of 'broker config'. [env: BROKER_CONFIG]",
)


def remember(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Remembers what the command line itself says, for `current`."""
    assert isinstance(param, ConfiguredOption)
    assert param.name is not None
    if value is not None and ctx.get_parameter_source(param.name) in _GIVEN:
        ctx.meta.setdefault(_FLAGS, {})[param.keys[0]] = value
    return value


_GIVEN: Final = (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.PROMPT)

api_option = configured(
    "--api",
    key="api",
    default=configuration.DEFAULT_API,
    show_default=True,
    metavar="URL",
    callback=remember,
    expose_value=False,
    help="Where the broker is. [env: BROKER_API]",
)
issuer_option = configured(
    "--issuer",
    key="issuer",
    metavar="URL",
    callback=remember,
    expose_value=False,
    help="Issuer URL of the broker. Default: --api. [env: BROKER_ISSUER]",
)
console_option = configured(
    "--console",
    key="console",
    metavar="URL",
    callback=remember,
    expose_value=False,
    help="URL of the console. Default: --issuer. [env: BROKER_CONSOLE_URL]",
)


audience_option = configured(
    "--audience",
    key="audience",
    callback=remember,
    expose_value=False,
    help="For whom the token is. Default: --issuer. [env: BROKER_AUDIENCE]",
)


def configuration_path_option(callback: F) -> F:
    """`--config` of the commands that write the file: its path is their first argument.

    Unlike elsewhere it need not be sound: these are there to correct it.
    """
    option = click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar=configuration.CONFIG,
        help="The file. Default: config.toml of the folder broker in your configuration. "
        "[env: BROKER_CONFIG]",
    )

    @option
    @functools.wraps(callback)
    def with_path(*args: Any, config: Path | None, **more: Any) -> Any:
        path = configuration.file_of(config, os.environ)
        if path is None:
            raise Precondition(
                "configuration_unusable", "neither XDG_CONFIG_HOME nor HOME says where the file is"
            )
        return callback(path, *args, **more)

    made: F = with_path  # type: ignore[assignment]  # click looks at the names of its options
    return made


def _set_level(ctx: click.Context, param: click.Parameter, value: str) -> None:
    del param
    if ctx.resilient_parsing:
        return
    logger = logging.getLogger("broker.sdk")
    logger.setLevel(_LEVELS[value])
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        logger.addHandler(handler)


_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}

log_level_option = configured(
    "--log-level",
    key="log-level",
    type=click.Choice(configuration.LOG_LEVELS),
    default="warn",
    show_default=True,
    callback=_set_level,
    expose_value=False,
    help="What to tell of the requests.",
)


def broker_options(callback: F) -> F:
    """Which broker: what every command that talks to one takes."""
    options = (api_option, issuer_option, config_file_option, log_level_option)
    return functools.reduce(lambda made, option: option(made), reversed(options), callback)


def file_values() -> Mapping[str, str]:
    """What the file says that this command reads."""
    values: Mapping[str, str] = click.get_current_context().meta.get(_VALUES, {})
    return values


def file_path() -> Path | None:
    """Where that is, or would be."""
    path: Path | None = click.get_current_context().meta.get(_FILE)
    return path


def current(**flags: str | None) -> dict[str, tuple[str, str]]:
    """Every key that is known of, with its value and where that is from: `flag`, the variable,
    `file`, `default`. `flags` are those that are not remembered by themselves.

    What a layer says of a broker is only for its own `api`: with another one, a token for the
    issuer in the file would go to whoever was named on the command line. An organization is, where
    the layer has an `api`.
    """
    remembered = click.get_current_context().meta.get(_FLAGS, {})
    given = {**remembered, **{name: value for name, value in flags.items() if value}}
    found = {name: (key.default, "default") for name, key in KEYS.items()}
    is_bound = False
    for layer, source in reversed(_layers(given)):
        is_elsewhere = not _is_same(layer.get("api"), found["api"][0])
        says_how = any(way in layer for way in WAYS)
        dropped = _BROKER if is_elsewhere else ()
        if says_how or (is_elsewhere and is_bound):
            dropped = (*dropped, *WAYS)
            is_bound = "api" in layer
        found |= dict.fromkeys(dropped, ("", "default"))
        found |= {name: (value, _source(name, source)) for name, value in layer.items()}
    return found


def connection() -> Connection:
    """The broker of this command. Raises `click.BadParameter` for what is no URL."""
    values = {name: value for name, (value, _) in current().items()}
    url = checked_url(values["api"]).rstrip("/")
    issuer = checked_url(values["issuer"] or url, "--issuer")
    return Connection(
        api=url,
        issuer=issuer,
        audience=values["audience"] or issuer,
        console=(values["console"] or issuer).rstrip("/"),
    )


def checked_url(url: str, flag: str = "--api") -> str:
    """The URL of a broker. Raises `click.BadParameter`."""
    if not url.startswith(("https://", "http://")):
        raise click.BadParameter(
            f"{url!r}: expected https://HOST or http://HOST:PORT.", param_hint=flag
        )
    return url


def _layers(flags: Mapping[str, str]) -> list[tuple[Mapping[str, str], str]]:
    """The most particular first."""
    variables = {name: os.environ[key.variable] for name, key in KEYS.items() if _is_set(key)}
    return [(flags, "flag"), (variables, "variable"), (file_values(), "file")]


def _is_same(api: str | None, before: str) -> bool:
    return api is None or api.rstrip("/") == before.rstrip("/")


def _is_set(key: configuration.Key) -> bool:
    return bool(os.environ.get(key.variable))


def _source(name: str, source: str) -> str:
    return KEYS[name].variable if source == "variable" else source
