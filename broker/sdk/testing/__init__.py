"""Real servers for tests and local runs: they listen on real sockets and sign with real keys."""

from __future__ import annotations

from broker.sdk.testing.issuer import LocalIssuer

__all__ = ["LocalIssuer"]
