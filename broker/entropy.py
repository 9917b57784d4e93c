"""Unpredictable bytes, fetched from the system in advance.

A call to the system gives up the interpreter's lock, and under load winning it back costs more
than everything else about an identifier. For identifiers only: keys and nonces come from the
system itself.
"""

from __future__ import annotations

import os
from typing import Final

_BLOCK: Final = 8192


class Entropy:
    """A source of bytes for one process; no byte is given twice. Not to be shared by a fork."""

    def __init__(self) -> None:
        self._block = b""
        self._at = 0

    def __call__(self, count: int) -> bytes:
        """`count` bytes, at most 8,192."""
        end = self._at + count
        if end > len(self._block):
            self._block = os.urandom(_BLOCK)
            self._at, end = 0, count
        taken = self._block[self._at : end]
        self._at = end
        return taken
