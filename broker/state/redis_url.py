"""Where Redis is: one server, servers that Sentinels watch, or a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Self
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

FORMS: Final = (
    "redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], unix://PATH, "
    "redis+sentinel://[USER:PASSWORD@]HOST[:PORT][,…]/SERVICE[/DATABASE] or "
    "redis+cluster://[USER:PASSWORD@]HOST[:PORT][,…]; rediss for TLS; "
    "parameters ssl_… with TLS, or db, or sentinel_username and sentinel_password; the password "
    "URL-encoded"
)

_DEFAULT_PORTS: Final = {"single": 6379, "cluster": 6379, "sentinel": 26379}
_TLS_PARAMETERS: Final = frozenset(
    f"ssl_{name}"
    for name in (
        "ca_certs",
        "ca_data",
        "cert_reqs",
        "certfile",
        "check_hostname",
        "ciphers",
        "keyfile",
    )
)  # fmt: skip - one name a line says no more
_SENTINEL_PARAMETERS: Final = frozenset({"sentinel_username", "sentinel_password"})

Address = tuple[str, int]
"""Host and port."""


@dataclass(frozen=True, slots=True, repr=False)
class RedisUrl:
    """What a URL says. It has no `repr`: it holds passwords."""

    kind: Literal["single", "sentinel", "cluster"]
    server: str
    """`redis://`, `rediss://` or `unix://` with all that is said of a connection to a server; of
    several places the first.
    """
    addresses: tuple[Address, ...] = ()
    """Of the Sentinels, or of the first nodes to ask."""
    service: str = ""
    """The name by which Sentinels know the server."""
    sentinel_username: str | None = None
    sentinel_password: str | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises ValueError, which says nothing of what was given: it may hold a password."""
        try:
            return cls._parsed(url)
        except ValueError:  # of the parsers of addresses and numbers too, with their words
            raise ValueError(f"expected {FORMS}") from None

    @classmethod
    def _parsed(cls, url: str) -> Self:
        scheme, _, rest = url.partition("://")
        name, _, kind = scheme.partition("+")
        rest, _, query = rest.partition("?")
        parameters = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
        _expect("#" not in url and name in {"redis", "rediss", "unix"})
        tls = name == "rediss"
        if not kind:
            _check_parameters(parameters, tls=tls, also={"db"})
            _check_server(url)
            return cls("single", url)
        _expect(name != "unix")
        authority, _, path = rest.partition("/")
        user, at, places = authority.rpartition("@")
        base = f"{name}://{user}{at}"
        tls_query = urlencode({n: v for n, v in parameters.items() if n in _TLS_PARAMETERS})
        if kind == "cluster":
            _check_parameters(parameters, tls=tls)
            _expect(path in {"", "0"})  # a cluster has one database
            addresses = _addresses(places, _DEFAULT_PORTS[kind])
            server = f"{base}{_place(addresses[0])}?{tls_query}"
            return cls("cluster", server, addresses)
        _expect(kind == "sentinel")
        _check_parameters(parameters, tls=tls, also=_SENTINEL_PARAMETERS)
        service, _, database = path.partition("/")
        _expect(bool(service) and (not database or _is_number(database)))
        addresses = _addresses(places, _DEFAULT_PORTS["sentinel"])
        return cls(
            "sentinel",
            f"{base}{_place(addresses[0])}/{database}?{tls_query}",
            addresses,
            unquote(service),
            parameters.get("sentinel_username"),
            parameters.get("sentinel_password"),
        )


def _check_server(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        _expect(bool(parts.path))
        return
    _ = parts.port  # ValueError where it is no number
    database = parts.path.removeprefix("/")
    _expect(bool(parts.hostname) and (not database or _is_number(database)))


def _check_parameters(
    parameters: dict[str, str], *, tls: bool, also: set[str] | frozenset[str] = frozenset()
) -> None:
    # others would undo what the broker has decided, such as how long it waits
    _expect(parameters.keys() <= (also | _TLS_PARAMETERS if tls else also))
    _expect(_is_number(parameters.get("db", "0")))


def _addresses(places: str, default_port: int) -> tuple[Address, ...]:
    found = []
    for place in places.split(","):
        parts = urlsplit(f"//{place}")
        _expect(bool(parts.hostname) and parts.netloc == place and "@" not in place)
        found.append((parts.hostname or "", parts.port or default_port))
    return tuple(found)


def _place(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 6


def _expect(fits: bool) -> None:
    if not fits:
        raise ValueError
