"""`broker bootstrap`, and what its owner can do then."""

from __future__ import annotations

from pathlib import Path

import jwt

from broker.iam.uidp import Uidp
from broker.oauth import token_exchange
from tests.cli.processes import Installation, broker, http_call, ok, refused


def test_an_owner_exchanges_without_naming_an_identity(installation: Installation) -> None:
    """At both endpoints and by the command: issuer and subject of the token say who it is."""
    served, issuer = installation.served, installation.issuer
    words = ("--owner-issuer", issuer.url, "--owner-subject", "alice", "--owner-name", "Alice")
    made = ok(served.run("bootstrap", "owned", *words, "-o", "json")).json
    assert set(made) == {"organization", "identity", "role_binding"}
    assert made["identity"] == Uidp.of_person(issuer.url, "alice")
    assert made["role_binding"].startswith(made["organization"] + "/")
    token = issuer.token({"sub": "alice"})
    answers = [
        http_call("POST", f"{served.url}/sts/exchange", token=token).body["token"],
        http_call(
            "POST",
            f"{served.url}/token",
            form={
                "grant_type": token_exchange.GRANT_TYPE,
                "subject_token": token,
                "subject_token_type": token_exchange.JWT,
            },
        ).body["access_token"],
        ok(served.run("exchange", "--issuer", served.url, "--token", "-", given=token)).out.strip(),
    ]
    for answer in answers:
        claims = jwt.decode(answer, options={"verify_signature": False})
        assert claims["sub"] == made["identity"]
        assert claims["role_bindings"] == [
            {"id": made["role_binding"], "group": made["organization"], "role": "owner"}
        ]


def test_a_stranger_is_nobody(installation: Installation) -> None:
    """A good token of a person whom nobody registered."""
    token = installation.issuer.token({"sub": "mallory"})
    words = ("exchange", "--issuer", installation.served.url, "--token", "-")
    result = installation.run(*words, given=token)
    refused(result, "belongs to no registered person", "stage       identity")


def test_bootstrap_prints_uidps(tmp_path: Path) -> None:
    """A line each; a second organization of the same owner is theirs too, one name is given once."""
    words = ("--owner-issuer", "https://accounts.google.com", "--owner-subject", "1234")
    one = ok(broker("bootstrap", "acme", *words, folder=tmp_path)).out.splitlines()
    assert [line.split(":")[0] for line in one] == ["organization", "identity", "role_binding"]
    two = ok(broker("bootstrap", "other", *words, folder=tmp_path)).out.splitlines()
    assert one[1] == two[1]
    assert one[0] != two[0]
    refused(
        broker("bootstrap", "acme", *words, folder=tmp_path),
        "'acme' already",
        "organization_exists",
    )


def test_an_owner_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """The field is named; nothing is written."""
    for issuer, subject, name, says in (
        ("https://accounts.google.com/", "", "acme", "subject: expected 1 to"),
        ("http://accounts.google.com", "1", "acme", "issuer: expected https"),
        ("https://Accounts.google.com", "1", "acme", "lower-case"),
        ("https://accounts.google.com", "1", "a/b", "name: must not contain '/'"),
    ):
        words = ("--owner-issuer", issuer, "--owner-subject", subject)
        refused(broker("bootstrap", name, *words, folder=tmp_path), says, "field_invalid")
    listed = ok(broker("audit", "list", "-o", "json", folder=tmp_path))
    assert listed.out == ""
