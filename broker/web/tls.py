"""TLS of the port."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Final

import structlog

from broker.errors import Precondition

log = structlog.get_logger()

RELOAD_EVERY: Final = 10.0
"""Seconds between two looks at the files."""

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


class CertificateFiles:
    """A chain and its key in files that somebody renews, and the context that serves them.

    The context stays the same: handshakes from a renewal on are by the new certificate, and
    connections that there are go on. What cannot be used is logged, and the one before stays.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises `Precondition` (`tls_unusable`)."""
        self._files = (certificate, key)
        self.context = server_context(certificate, key)
        self._seen = self._marks()
        self.pair = (key.read_bytes(), certificate.read_bytes())
        """Private key and chain as they are served, PEM."""

    def refresh(self) -> None:
        """Take the files as they are now, if they are others than before."""
        marks = self._marks()
        if marks == self._seen:
            return
        self._seen = marks  # also of what cannot be used: it is told once
        certificate, key = self._files
        try:
            server_context(certificate, key)  # a context of its own: half of it may be renewed yet
            self.context.load_cert_chain(certificate, key, password=lambda: b"")
            self.pair = (key.read_bytes(), certificate.read_bytes())
        except (Precondition, ssl.SSLError, OSError) as error:
            log.error("certificate_not_renewed", reason=str(error))
        else:
            log.info("certificate_renewed")

    async def watch(self, *, every: float = RELOAD_EVERY) -> None:
        """`refresh` for ever."""
        while True:
            await asyncio.sleep(every)
            self.refresh()

    def _marks(self) -> tuple[tuple[int, int, int], ...]:
        found = []
        for path in self._files:
            try:
                status = path.stat()
                found.append((status.st_ino, status.st_mtime_ns, status.st_size))
            except OSError:
                found.append((0, 0, 0))
        return tuple(found)


def _check_readable(path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        raise Precondition("tls_unusable", f"{path}: {error.strerror}") from error
