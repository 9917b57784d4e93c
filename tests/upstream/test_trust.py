"""Who may vouch for claims."""

from __future__ import annotations

import ast
from pathlib import Path

import broker

PACKAGE = Path(broker.__file__).parent


def makers(name: str) -> set[str]:
    """The modules of the product that call `name`."""
    return {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", None) == name or getattr(node.func, "attr", None) == name)
    }


CONNECTORS = {"upstream/login/github.py", "upstream/login/openid.py"}
KEPT = "upstream/login/keeping.py"
"""What a connector has made, while its person is asked whether they want to register."""


def test_only_a_verifier_makes_verified_claims() -> None:
    """Matching takes nothing else, so unverified claims cannot reach a rule."""
    verifiers = {"upstream/aws.py", "upstream/oidc.py", "upstream/login/github.py"}
    assert makers("VerifiedClaims") == verifiers | {KEPT}


def test_only_a_connector_makes_a_login() -> None:
    """Whoever is let in was at their provider."""
    assert makers("Login") == CONNECTORS | {KEPT}
