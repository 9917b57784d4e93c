"""Why a token is refused: `broker iam identities explain`, `broker exchange --explain`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.cli.management import Caller, Organization
from tests.cli.processes import Result, broker, refused

EXPLAIN = ("iam", "identities", "explain")


@pytest.fixture
def ci(acme: Organization, owner: Caller) -> str:
    """An identity for the main branch of acme/shop."""
    rules = ("--identity-issuer", owner.issuer.url, "--parent", acme.name, "--role", "viewer")
    return owner.id(
        "iam", "ids", "create", "ci", *rules, "--subject", "repo:acme/shop:ref:refs/heads/main"
    )


def exchange(owner: Caller, *words: str, given: str, **environ: str) -> Result:
    """`broker exchange`, with nothing in the environment but what is said."""
    to = ("exchange", "--issuer", owner.served.url, "--token", "-")
    return broker(*to, *words, folder=owner.served.folder, environ=environ, given=given)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """For a token."""
    return tmp_path / "token.jwt"


def wrong(owner: Caller) -> str:
    """A token of another branch."""
    return owner.issuer.token(owner.issuer.github_claims(ref="refs/heads/dev"))


def test_a_token_that_is_accepted(owner: Caller, ci: str, file: Path) -> None:
    """Every step is told, and the exit code is 0."""
    file.write_text(owner.issuer.token(owner.issuer.github_claims()))
    out = owner.ok(*EXPLAIN, ci, "--upstream-token", str(file))
    first, *_, last = out.splitlines()
    assert first.startswith("ok   token/token: expected well formed; got 'JWT, ")
    assert last == "The token is accepted."
    assert "FAIL" not in out


def test_a_token_that_is_not_accepted(
    acme: Organization, owner: Caller, ci: str, file: Path
) -> None:
    """The identity may be named; what failed has its hint, and the exit code is 1."""
    file.write_text(owner.issuer.token({"sub": "repo:acme@1/shop@2:ref:refs/heads/main"}))
    result = owner.run(*EXPLAIN, "ci", "--parent", acme.name, "--upstream-token", str(file))
    assert result.code == 1
    failed = result.out.index("FAIL identity/subject: expected repo:acme/shop:ref:refs/heads/main")
    assert result.out.index("subject forms", failed) > failed
    assert "–    scope/roles: expected" in result.out
    assert result.out.splitlines()[-1].startswith("The token is not accepted: subject does not")
    assert result.err == ""


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_for_programs(owner: Caller, ci: str, file: Path, form: str) -> None:
    """The whole answer, whether or not the token is accepted; the exit code as for people."""
    file.write_text(wrong(owner))
    result = owner.run(*EXPLAIN, ci, "--upstream-token", str(file), "-o", form)
    assert result.code == 1
    answer = json.loads(result.out) if form == "json" else yaml.safe_load(result.out)
    assert set(answer) == {"accepted", "summary", "steps", "candidates"}
    assert answer["accepted"] is False
    assert {"PASSED", "FAILED", "NOT_REACHED"} == {step["outcome"] for step in answer["steps"]}


def test_what_a_token_says_cannot_steer_the_terminal(owner: Caller, ci: str, file: Path) -> None:
    """Escapes in a claim are written as such."""
    file.write_text(owner.issuer.token({"sub": "\x1b]0;pwned\x07\nok   all is well"}))
    out = owner.run(*EXPLAIN, ci, "--upstream-token", str(file)).out
    assert "pwned" in out
    assert "\x1b" not in out
    assert not any(line.startswith("ok   all") for line in out.splitlines())


def test_what_is_no_token_is_not_sent(owner: Caller, ci: str, file: Path) -> None:
    """Nor is anything of it told."""
    file.write_text("hunter2 hunter3")
    result = refused(owner.run(*EXPLAIN, ci, "--upstream-token", str(file)), "token_malformed")
    assert "hunter" not in result.err
    refused(owner.run(*EXPLAIN, ci), "--upstream-token", code=2)


def test_an_exchange_that_is_refused_is_explained_at_once(owner: Caller, ci: str) -> None:
    """Where there is an access token for the broker in the environment; on standard error."""
    result = exchange(owner, "--identity", ci, "--explain", given=wrong(owner), **owner.environ)
    assert (result.code, result.out) == (1, "")
    assert "identity_refused" in result.err
    assert "FAIL identity/subject: expected" in result.err
    assert result.err.splitlines()[-1].startswith("The token is not accepted")


def test_an_access_token_of_a_file(owner: Caller, ci: str, file: Path) -> None:
    """`--api-token` is taken whatever the environment has; as JSON, the answer is one line."""
    file.write_text(owner.token)
    words = ("--identity", ci, "--explain", "--api-token", str(file), "-o", "json")
    result = exchange(owner, *words, given=wrong(owner))
    refusal, explained = map(json.loads, result.err.splitlines())
    assert refusal["error"] == "identity_refused"
    assert explained["explanation"]["accepted"] is False
    assert explained["note"] == ""


def test_without_an_access_token(owner: Caller, ci: str) -> None:
    """It is told where the reason is to be found, by the request id."""
    result = exchange(owner, "--identity", ci, "--explain", given=wrong(owner))
    assert f"broker iam identities explain {ci} --upstream-token FILE" in result.err
    assert "broker audit list --request-id " in result.err
    assert "FAIL" not in result.err
    silent = exchange(owner, "--identity", ci, given=wrong(owner))
    assert "explain" not in silent.err


def test_the_token_of_another_broker_is_not_sent(owner: Caller, ci: str) -> None:
    """BROKER_TOKEN is for the broker that BROKER_API names."""
    environ = {"BROKER_TOKEN": owner.token, "BROKER_API": "https://other.example"}
    result = exchange(owner, "--identity", ci, "--explain", given=wrong(owner), **environ)
    assert "FAIL" not in result.err
    assert "--api-token" in result.err


def test_who_may_not_explain_is_told_so(alice: Caller, owner: Caller, ci: str) -> None:
    """With the way to the reason all the same."""
    result = exchange(owner, "--identity", ci, "--explain", given=wrong(owner), **alice.environ)
    assert "Not explained: identity.list at" in result.err
    assert "broker audit list --request-id " in result.err


def test_a_person_has_no_rules_to_explain(owner: Caller) -> None:
    """Who named no identity is told to."""
    result = exchange(owner, "--explain", given=wrong(owner), **owner.environ)
    assert "No identity was named" in result.err


def test_success_is_not_explained(owner: Caller, ci: str) -> None:
    """The token alone, with or without the flag."""
    token = owner.issuer.token(owner.issuer.github_claims())
    result = exchange(owner, "--identity", ci, "--explain", given=token, **owner.environ)
    assert (result.code, result.err) == (0, "")
    assert result.out.count("\n") == 1
