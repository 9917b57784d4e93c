"""A login as JSON, to be kept for the minutes in which somebody decides whether to register."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from broker.iam.claims import VerifiedClaims
from broker.iam.people import Login


def login_as_json(login: Login) -> bytes:
    """JSON text, for a place that only the broker writes to."""
    claims = {each.name: getattr(login.claims, each.name) for each in fields(VerifiedClaims)}
    claims["claims"] = dict(login.claims.claims)
    members = {each.name: getattr(login, each.name) for each in fields(Login)}
    return json.dumps(members | {"claims": claims}).encode()  # orjson has no large integers


def login_from_json(text: bytes) -> Login:
    """As `login_as_json` wrote it: verified then, and no worse for the minutes between."""
    members: dict[str, Any] = json.loads(text)
    claims: dict[str, Any] = members.pop("claims")
    claims["audience"] = tuple(claims["audience"])
    members["groups"] = tuple(members["groups"])
    return Login(claims=VerifiedClaims(**claims), **members)
