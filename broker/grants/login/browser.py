"""The browser, as far as it is told apart from others."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """Whoever holds this cookie. What one browser began, no other can go on with."""

    secret: str = field(repr=False)
    """256 random bits in a cookie that no script reads."""
    address: str = ""
    agent: str = ""
    """The User-Agent header, at most 256 characters."""

    @property
    def mark(self) -> str:
        """What is kept of it to know it again: SHA-256 in hex."""
        return hashlib.sha256(f"browser {self.secret}".encode()).hexdigest()

    @property
    def csrf(self) -> str:
        """Stands in every form: who can only make the browser send requests does not know it."""
        return hmac.new(self.secret.encode(), b"csrf", hashlib.sha256).hexdigest()

    def is_marked(self, mark: str) -> bool:
        """Whether `mark` is of this browser."""
        return hmac.compare_digest(self.mark, mark)

    def has_sent(self, csrf: str) -> bool:
        """Whether a form came from a page that this browser was shown."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode("utf-8", "replace"))
