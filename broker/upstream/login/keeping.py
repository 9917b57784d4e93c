"""A login as JSON, to be kept for the minutes in which somebody decides whether to register."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from broker.iam.claims import VerifiedClaims
from broker.iam.people import Login


def login_as_json(login: Login) -> bytes:
    """JSON text, for a place that only the broker writes to."""
    return json.dumps(asdict(login)).encode()  # orjson takes no integer of more than 64 bits


def login_from_json(text: bytes) -> Login:
    """As `login_as_json` wrote it: verified then, and no worse for the minutes between."""
    members: dict[str, Any] = json.loads(text)
    claims: dict[str, Any] = members.pop("claims")
    claims["audience"] = tuple(claims["audience"])
    members["groups"] = tuple(members["groups"])
    return Login(claims=VerifiedClaims(**claims), **members)
