"""`broker apply` beside a running broker."""

from __future__ import annotations

from pathlib import Path

import jwt

from tests.cli.processes import (
    DECLARATION,
    broker,
    eventually,
    installation,
    ok,
    refused,
)


def test_a_change_shows_in_new_tokens(tmp_path: Path) -> None:
    """Without a restart: what is bound, what is taken away, what is pruned."""
    with installation(tmp_path) as running:
        issuer = running.issuer.url

        def roles() -> list[str]:
            answer = running.exchanged()
            if answer.status != 200:
                return [answer.body["details"][0]["reason"]]
            claims = jwt.decode(answer.body["token"], options={"verify_signature": False})
            return sorted(binding["role"] for binding in claims["role_bindings"])

        assert roles() == ["viewer"]
        more = DECLARATION.format(issuer=issuer, roles="viewer, editor")
        out = ok(running.run("apply", "-f", "-", given=more)).out
        assert out.startswith("+ binding acme/shop")
        assert "1 created, 0 updated, 0 deleted" in out
        eventually(lambda: roles() == ["editor", "viewer"])
        less = DECLARATION.format(issuer=issuer, roles="viewer")
        assert "0 deleted" in ok(running.run("apply", "-f", "-", given=less)).out
        assert roles() == ["editor", "viewer"]
        dry = ok(running.run("apply", "-f", "-", "--prune", "--dry-run", given=less)).out
        assert "1 to delete" in dry
        assert "nothing was written" in dry
        assert roles() == ["editor", "viewer"]
        pruned = ok(running.run("apply", "-f", "-", "--prune", "-o", "json", given=less)).json
        assert [change["action"] for change in pruned["changes"]] == ["delete"]
        assert pruned["dry_run"] is False
        eventually(lambda: roles() == ["viewer"])


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    """And the plan says so, in both forms."""
    (tmp_path / "acme.yaml").write_text(
        DECLARATION.format(issuer="https://ci.example", roles="viewer")
    )
    first = ok(broker("apply", "-f", "acme.yaml", folder=tmp_path)).out
    assert "4 created, 0 updated, 0 deleted, 0 unchanged." in first
    second = ok(broker("apply", "-f", "acme.yaml", "-o", "json", folder=tmp_path)).json
    assert second["changes"] == []
    assert {record["path"] for record in second["records"]} >= {"acme", "acme/shop/deploy"}


def test_a_wrong_file_is_refused_by_line_and_field(tmp_path: Path) -> None:
    """Every problem at once; nothing is written."""
    text = DECLARATION.format(issuer="https://ci.example/?x", roles="nosuch")
    result = broker("apply", "-f", "-", folder=tmp_path, given=text)
    refused(result, "line 8", "issuer", "line 10", "nosuch", "declaration_invalid")
    listed = ok(broker("audit", "list", "-o", "json", folder=tmp_path))
    assert listed.out == ""


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Is a command called wrongly."""
    refused(broker("apply", "-f", "nope.yaml", folder=tmp_path), "No such file", code=2)
