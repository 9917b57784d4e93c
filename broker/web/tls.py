"""TLS of the port."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from broker.errors import Precondition

PROTOCOLS: Final = ("http/1.1", "h2")
"""In the order of our preference (RFC 7301 §3.2): a client that speaks both gets HTTP/1.1; what
offers h2 alone is gRPC."""


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or later, with this chain and its private key: PEM files.

    Raises `Precondition` (`tls_unusable`), which names the file.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(PROTOCOLS)
    for path in (certificate, key):
        _check_readable(path)
    try:
        # without the password, OpenSSL asks for that of an encrypted key on the terminal
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        fault = f"expected PEM: the chain, and in {key} its private key, not encrypted"
        if error.reason == "KEY_VALUES_MISMATCH":
            fault = f"it is not the certificate of the private key in {key}"
        raise Precondition("tls_unusable", f"{certificate}: {fault}") from error
    return context


def _check_readable(path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        raise Precondition("tls_unusable", f"{path}: {error.strerror}") from error
