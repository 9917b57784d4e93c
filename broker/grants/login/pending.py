"""What is remembered of a login under way, as JSON, bound to the browser that began it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Self

import orjson

from broker.grants.login.intents import Intent, intent_as_json, intent_from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A sign-in page that somebody is looking at, and why."""

    mark: str
    """Of the browser."""
    intent: Intent
    fresh: bool = False
    """Whether to log in anew although the browser has a session."""
    choices: tuple[str, ...] = ()
    """Providers among which to choose; empty: any."""
    login_hint: str = ""
    prompt: str = ""

    def as_json(self) -> bytes:
        """JSON text."""
        return orjson.dumps(asdict(self) | {"intent": intent_as_json(self.intent)})

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """As `as_json` wrote it."""
        members: dict[str, Any] = orjson.loads(text)
        members["intent"] = intent_from_json(members["intent"])
        members["choices"] = tuple(members["choices"])
        return cls(**members)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLogin:
    """Somebody is at their provider."""

    mark: str
    """Of the browser."""
    intent: Intent
    provider: str
    """As `Login.provider`."""
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)

    def as_json(self) -> bytes:
        """JSON text."""
        return orjson.dumps(asdict(self) | {"intent": intent_as_json(self.intent)})

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """As `as_json` wrote it."""
        members: dict[str, Any] = orjson.loads(text)
        members["intent"] = intent_from_json(members["intent"])
        return cls(**members)
