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


def test_only_a_verifier_makes_verified_claims() -> None:
    """Matching takes nothing else, so unverified claims cannot reach a rule."""
    assert makers("VerifiedClaims") == {"upstream/aws.py", "upstream/oidc.py"}
