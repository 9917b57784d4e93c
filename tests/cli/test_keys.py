"""`broker keys` beside a running broker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.cli.processes import (
    Installation,
    eventually,
    http_call,
    installation,
    ok,
    refused,
    serving,
)


def published(running: Installation) -> set[str]:
    """Key ids of the JWKS."""
    answer = http_call("GET", f"{running.served.url}/.well-known/jwks.json")
    return {key["kid"] for key in answer.body["keys"]}


def test_a_rotation_is_published_before_it_signs(tmp_path: Path) -> None:
    """The next key is in the running broker's JWKS within a refresh; the active one signs on."""
    with installation(tmp_path, BROKER_KEY_REFRESH="1") as running:
        (first,) = published(running)
        text = ok(running.run("keys", "rotate")).out
        assert text.startswith("Made a key: ")
        listed: list[dict[str, Any]] = ok(running.run("keys", "list", "-o", "json")).json
        assert [key["state"] for key in listed] == ["active", "next"]
        assert listed[0]["kid"] == first
        assert listed[0]["signs_until"] == listed[1]["signs_from"]
        assert listed[1]["signs_until"] is None
        eventually(lambda: published(running) == {first, listed[1]["kid"]})
        minted = ok(running.exchange()).out
        header = ok(running.run("token", "decode", "-o", "json", given=minted)).json["header"]
        assert header["kid"] == first
        again = ok(running.run("keys", "rotate")).out
        assert again.startswith(f"A key waits already, so none was made: {listed[1]['kid']}")
        assert len(ok(running.run("keys", "list", "-o", "json")).json) == 2


def test_the_list_is_a_table(installation: Installation) -> None:
    """A line a key, no column cut off, nothing of the private key."""
    head, *rows = ok(installation.run("keys", "list")).out.splitlines()
    assert head.split()[:3] == ["KID", "ALG", "STATE"]
    assert [row.split()[0] for row in rows] == list(published(installation))
    assert rows[0].split()[1:3] == ["ES256", "active"]


def test_discovery_names_the_algorithms_that_sign(tmp_path: Path) -> None:
    """After a change of the setting the old key signs on, and verifiers go by this list."""
    with installation(tmp_path) as running:
        assert running.served.stop() == 0
    with installation(tmp_path, BROKER_SIGNING_ALGORITHM="EdDSA") as running:
        url = f"{running.served.url}/.well-known/openid-configuration"
        algorithms = http_call("GET", url).body["id_token_signing_alg_values_supported"]
        assert algorithms == ["ES256", "EdDSA"]
        minted = ok(running.exchange()).out
        header = ok(running.run("token", "decode", "-o", "json", given=minted)).json["header"]
        assert header["alg"] in algorithms


def test_a_leaked_key_is_replaced_at_once(tmp_path: Path) -> None:
    """`--now --revoke`: the running broker signs with another key, publishes that alone, and
    takes a token of the leaked one at its own API no more.
    """
    with installation(tmp_path, BROKER_KEY_REFRESH="1") as running:
        (leaked,) = published(running)
        before = ok(running.exchange()).out.strip()
        text = ok(running.run("keys", "rotate", "--now", "--revoke", leaked)).out
        assert "verifiers keep the old keys for up to 300 s" in text
        eventually(lambda: leaked not in published(running))
        minted = ok(running.exchange()).out
        header = ok(running.run("token", "decode", "-o", "json", given=minted)).json["header"]
        assert header["kid"] != leaked
        url = f"{running.served.url}/auth/v1/ok"
        assert http_call("GET", url, token=before).status == 401
        assert http_call("GET", url, token=minted.strip()).status == 200
        listed = ok(running.run("keys", "list", "-o", "json")).json
        assert [key["state"] for key in listed] == ["revoked", "active"]


def test_revoking_needs_another_key_at_once(installation: Installation) -> None:
    """`--revoke` alone would leave nothing that signs."""
    (kid,) = published(installation)
    result = installation.run("keys", "rotate", "--revoke", kid)
    refused(result, "--revoke needs --now", code=2)


def test_the_key_encryption_key_is_replaced_while_the_broker_runs(tmp_path: Path) -> None:
    """init --replace, restart, rewrap, delete the previous one: tokens verify all the way."""
    with installation(tmp_path) as running:
        token = ok(running.exchange("--audience", "service")).out
        url = running.served.url
        text = ok(running.run("keys", "init", "--replace")).out
        assert "broker keys rewrap" in text
        refused(running.run("keys", "init", "--replace"), "rewrap")
        ok(running.exchange())  # the running broker has what it needs in memory
        assert running.served.stop() == 0
    with serving(tmp_path, BROKER_PORT=url.rpartition(":")[2]) as second:
        verify = ("token", "verify", "--issuer", url, "--audience", "service")
        ok(second.run(*verify, given=token))
        assert ok(second.run("keys", "rewrap")).out.startswith("Wrapped 1 anew; 0 were")
        assert ok(second.run("keys", "rewrap")).out.startswith("Wrapped 0 anew; 1 were")
        assert second.stop() == 0
    (tmp_path / "keys" / "key-encryption-key.previous").unlink()
    with serving(tmp_path, BROKER_PORT=url.rpartition(":")[2]) as third:
        ok(third.run(*verify, given=token))
