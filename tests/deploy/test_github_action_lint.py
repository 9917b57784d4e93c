"""deploy/github-action-lint: its script in real repositories, and what its steps hand over."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.docs.documents import ROOT, blocks

ACTION: Final = ROOT / "deploy" / "github-action-lint"

GOOD: Final = """\
version: 1
organizations:
  - name: acme
    identities:
      - {name: ci, issuer: "https://ci.example", subject: deploy, max_token_lifetime: 15m}
"""
BAD: Final = GOOD.replace("subject: deploy", 'subject_pattern: ".*"')


def git(folder: Path, *words: str) -> str:
    """A command of git's, with nothing of whoever runs the tests."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@acme.example",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@acme.example",
    }
    command = ["git", "-c", "init.defaultBranch=main", *words]
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@dataclass(frozen=True)
class Repository:
    """With declarations in it."""

    folder: Path

    def commit(self, **files: str | None) -> str:
        """Write files (`__` is a slash) or remove them; the commit."""
        for name, text in files.items():
            path = self.folder / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "-m", "x")
        return git(self.folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty one."""
    folder = tmp_path / "sources"
    folder.mkdir()
    git(folder, "init", "-q")
    return Repository(folder)


@dataclass(frozen=True)
class Step:
    """How the script ended."""

    code: int
    out: str
    err: str
    outputs: dict[str, str]

    @property
    def files(self) -> set[str]:
        """Those that the SARIF file tells of."""
        log = json.loads(Path(self.outputs["sarif"]).read_text())
        return {
            location["physicalLocation"]["artifactLocation"]["uri"]
            for result in log["runs"][0]["results"]
            for location in result["locations"]
        }


def run(folder: Path, base: str = "", files: str = "*.yaml", **inputs: str) -> Step:
    """The script as the action's step runs it."""
    output = folder.parent / "output"
    output.write_text("")
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GITHUB_OUTPUT": str(output),
        "SARIF": str(folder.parent / "broker lint.sarif"),
        "FILES": files,
        "FAIL_ON": "error",
        "CHANGED_ONLY": "true",
        "BASE": base,
        **inputs,
    }
    done = subprocess.run(
        ["bash", str(ACTION / "lint.sh")],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    return Step(done.returncode, done.stdout, done.stderr, outputs)


def test_a_change_is_judged_by_its_own_files(repository: Repository) -> None:
    """What was there before does not fail it, and is in the SARIF file all the same."""
    base = repository.commit(old=BAD, other=GOOD)
    repository.commit(new=GOOD)
    step = run(repository.folder, base)
    assert (step.code, step.outputs["code"]) == (0, "0")
    assert step.files == {"old.yaml"}
    repository.commit(deploy__newer=BAD)
    step = run(repository.folder, base)
    assert (step.code, step.outputs["code"]) == (0, "1")
    assert step.files == {"old.yaml", "deploy/newer.yaml"}
    assert "./deploy/newer.yaml:5:67: error pattern-matches-everything" in step.out
    assert "old.yaml" not in step.out


def test_all_files_count_where_that_is_said(repository: Repository) -> None:
    """And where nobody knows what was before: on a new branch, or a base that is nowhere."""
    base = repository.commit(old=BAD)
    repository.commit(new=GOOD)
    assert run(repository.folder, base).outputs["code"] == "0"
    assert run(repository.folder, base, CHANGED_ONLY="false").outputs["code"] == "1"
    for unknown in ("", "0" * 40, "1" * 40):
        assert run(repository.folder, unknown).outputs["code"] == "1"


def test_a_change_that_touches_no_declaration(repository: Repository) -> None:
    """Also one that removes the last bad one, is fine."""
    base = repository.commit(old=BAD, other=GOOD)
    repository.commit(old=None)
    step = run(repository.folder, base)
    assert step.outputs["code"] == "0"
    assert "No declaration was changed." in step.out
    assert step.files == set()


def test_a_shallow_clone_fetches_what_was_before(repository: Repository) -> None:
    """As actions/checkout makes one."""
    base = repository.commit(old=BAD)
    repository.commit(new=GOOD)
    git(repository.folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    clone = repository.folder.parent / "clone"
    git(
        repository.folder.parent, "clone", "-q", "--depth=1", repository.folder.as_uri(), str(clone)
    )
    step = run(clone, base)
    assert step.outputs["code"] == "0"
    assert step.files == {"old.yaml"}


def test_only_the_files_that_are_named(repository: Repository) -> None:
    """By pathspecs, a line each; others are no declarations."""
    repository.commit(deploy__a=BAD, deploy__b=GOOD, docs__c=BAD, other="a: [")
    step = run(repository.folder, files="\n  deploy/*.yaml\n\n\tdocs/d.yaml \n")
    assert step.files == {"deploy/a.yaml"}


def test_names_that_look_like_something_else(repository: Repository) -> None:
    """Options, spaces, quotes, what a shell would run: all are names of files."""
    names = ("-o", "a b", "$(touch pwned)", "it's", "--live", "'; touch pwned; '")
    for name in names:
        (repository.folder / f"{name}.yaml").write_text(BAD)
    repository.commit()
    step = run(repository.folder)
    assert (step.code, step.outputs["code"]) == (0, "1")
    assert len(step.files) == len(names)
    assert not list(repository.folder.parent.rglob("pwned"))


def test_no_file_at_all(repository: Repository) -> None:
    """Is told, and fails nothing; without a pathspec the step was called wrongly."""
    repository.commit(a=GOOD)
    step = run(repository.folder, files="deploy/*.yaml")
    assert (step.code, step.outputs) == (0, {"sarif": "", "code": "0"})
    assert step.out.startswith("::warning::no tracked file matches")
    step = run(repository.folder, files=" \n ")
    assert step.code == 2
    assert step.outputs == {}


@pytest.mark.parametrize(("fail_on", "code"), [("error", "0"), ("warning", "1"), ("note", "1")])
def test_how_bad_it_has_to_be(repository: Repository, fail_on: str, code: str) -> None:
    """As the input says."""
    repository.commit(a=GOOD.replace("subject: deploy", "subject_pattern: a.b"))
    assert run(repository.folder, FAIL_ON=fail_on).outputs["code"] == code


def test_a_wrong_level_fails_the_step(repository: Repository) -> None:
    """And nothing is handed on."""
    repository.commit(a=GOOD)
    step = run(repository.folder, FAIL_ON="never")
    assert step.code == 2
    assert step.outputs == {}


def _action() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ACTION / "action.yml").read_text())
    return document


def test_inputs_reach_the_shell_as_variables_only() -> None:
    """An expression within a script would be code of whoever names a file or a branch."""
    for step in _action()["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


def test_the_steps_hand_over_what_the_script_takes_and_gives() -> None:
    """Every variable that it reads is set, every output that is read is given."""
    action = _action()
    steps = {step.get("id", step["name"]): step for step in action["runs"]["steps"]}
    script = (ACTION / "lint.sh").read_text()
    read = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", script)) - {"GITHUB_OUTPUT"}
    assert read == set(steps["lint"]["env"]) - {"SCRIPT"}
    given = set(re.findall(r"tell (\w+) ", script))
    text = (ACTION / "action.yml").read_text()
    assert set(re.findall(r"steps\.lint\.outputs\.(\w+)", text)) == given
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(action["inputs"])


def test_the_readme_tells_every_input() -> None:
    """And its example uses none that there is not."""
    readme = ACTION / "README.md"
    told = set(re.findall(r"^\| `([\w-]+)`", readme.read_text(), re.MULTILINE))
    assert told == set(_action()["inputs"])
    (example,) = blocks("yaml", among=[readme])
    (job,) = yaml.safe_load(example.text)["jobs"].values()
    assert set(job["steps"][-1]["with"]) <= told
