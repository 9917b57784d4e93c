"""`broker completion`, and what it completes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.management import Caller, Organization
from tests.cli.processes import BROKER, broker, ok, refused


def completed(caller: Caller | None, *words: str) -> list[str]:
    """What bash is offered for the last word."""
    environ = {
        **(caller.environ if caller else {}),
        "_BROKER_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(("broker", *words)),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run([BROKER], env=environ, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.split()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell(shell: str, tmp_path: Path) -> None:
    """Which the shell itself takes, where it is installed."""
    script = ok(broker("completion", shell, folder=tmp_path, environ={"PATH": "/usr/bin:/bin"})).out
    assert f"_BROKER_COMPLETE={shell}_complete" in script
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=script, text=True, check=True)


def test_another_shell(tmp_path: Path) -> None:
    """Is refused."""
    refused(broker("completion", "tcsh", folder=tmp_path), "'tcsh' is not one of", code=2)


def test_commands_and_their_options() -> None:
    """Without a broker."""
    assert completed(None, "ia") == ["iam"]
    assert "identities" in completed(None, "iam", "")
    assert completed(None, "iam", "ids", "cre") == ["create"]
    assert completed(None, "iam", "ids", "create", "git") == ["github", "gitlab"]
    assert completed(None, "iam", "ids", "create", "--subject-") == ["--subject-pattern"]
    assert completed(None, "iam", "ids", "create", "x", "--subject-") == ["--subject-pattern"]
    assert completed(None, "iam", "ids", "create", "github", "--github-rep") == [
        "--github-repo",
        "--github-repo-id",
    ]


def test_roles_and_capabilities() -> None:
    """By name, also the last of several."""
    assert completed(None, "iam", "invites", "create", "--role", "own") == ["owner"]
    words = ("iam", "roles", "create", "x", "--capabilities", "groups.list,roles.li")
    assert completed(None, *words) == ["groups.list,roles.list"]


def test_groups_of_the_caller(acme: Organization, owner: Caller) -> None:
    """By path, as the token of the environment shows them."""
    acme.folder("shop")
    words = ("iam", "folders", "list", "--parent")
    assert completed(owner, *words, f"{acme.name}/") == [f"{acme.name}/shop"]
    assert completed(owner, "iam", "orgs", "describe", acme.name[:4]) == [
        acme.name,
        f"{acme.name}/shop",
    ]


def test_without_a_token_nothing_is_completed_and_nothing_said() -> None:
    """A key that was hit is no time for errors."""
    assert completed(None, "iam", "folders", "list", "--parent", "a") == []
