"""Error codes: the installation."""

from __future__ import annotations

from typing import Final

from broker.errors import ErrorCode, Kind
from broker.oauth import error_codes as oauth

CODES: Final = (
    ErrorCode(
        "settings_invalid",
        Kind.INVALID,
        "Settings are unknown, malformed, or do not fit together; all faults are listed.",
        "Correct each; docs/configuration.md lists the settings.",
    ),
    ErrorCode(
        "listen_failed",
        Kind.PRECONDITION,
        "The broker cannot listen on BROKER_HOST and BROKER_PORT or BROKER_GRPC_PORT: another "
        "process does, or the address is not this machine's; or not in the folder for temporary "
        "files, where its own socket is.",
        "Stop the other process, or choose another port; set TMPDIR to a folder that can be "
        "written and has a short name.",
    ),
    ErrorCode(
        "tls_unusable",
        Kind.PRECONDITION,
        "BROKER_TLS_CERTIFICATE or BROKER_TLS_KEY cannot be read, is not PEM, is encrypted, or the "
        "one is not the other's.",
        "Name the PEM file of the chain, the server's certificate first, and that of its key.",
    ),
    ErrorCode(
        "state_unavailable",
        Kind.UNAVAILABLE,
        "A login, or an identity that takes an upstream token once, needs what processes share, "
        "and Redis does not answer within seconds; or the memory for it is full, where there is "
        "no Redis.",
        "Try again after Retry-After; look at what BROKER_REDIS_URL names, or set it.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
)
