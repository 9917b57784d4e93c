"""Questions on a terminal: a pseudo-terminal with a process behind it."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.cli.management import Caller, Organization
from tests.cli.processes import BROKER, PATIENCE

_STYLE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass
class Terminal:
    """A command that runs there."""

    process: subprocess.Popen[bytes]
    screen: int
    seen: str = field(default="")

    def expect(self, text: str) -> None:
        """Wait until it is shown. What was shown before it counts no more."""
        while text not in self.seen:
            assert self._read(), f"{text!r} was not shown, but: {self.seen}"
        self.seen = self.seen.partition(text)[2]

    def type(self, line: str) -> None:
        """Answer."""
        os.write(self.screen, f"{line}\n".encode())

    def interrupt(self) -> None:
        """Press Ctrl-C, as often as it takes: Python misses one that comes right before it waits."""
        for _ in range(int(PATIENCE)):
            self.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
                return
        raise AssertionError("it does not heed an interrupt")

    def end(self) -> int:
        """What else it says, until it ends; its exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        ready, _, _ = select.select([self.screen], [], [], PATIENCE)
        assert ready, f"nothing came, after: {self.seen}"
        try:
            octets = os.read(self.screen, 65_536)
        except OSError:  # Linux says EIO when the other end is gone
            return False
        self.seen += _STYLE.sub("", octets.decode(errors="replace")).replace("\r\n", "\n")
        return bool(octets)


@contextmanager
def on_terminal(caller: Caller, *words: str) -> Iterator[Terminal]:
    """Start a command with a terminal of 200 columns."""
    screen, inner = pty.openpty()
    environ = {**caller.environ, "TERM": "xterm", "COLUMNS": "200"}
    process = subprocess.Popen(
        [BROKER, *words], env=environ, stdin=inner, stdout=inner, stderr=inner,
        start_new_session=True,
    )  # fmt: skip
    os.close(inner)
    try:
        yield Terminal(process, screen)
    finally:
        process.kill()
        process.wait()
        os.close(screen)


def test_what_is_missing_is_asked_for(acme: Organization, owner: Caller) -> None:
    """The group from a list, by its number; the role by its name; then the binding is made."""
    shop = acme.folder("shop")
    uid = acme.identity("ci", parent="shop")
    with on_terminal(owner, "iam", "role-bindings", "create") as terminal:
        terminal.expect(f"   1  {acme.name}\n")
        terminal.expect(f"   2  {acme.name}/shop\n")
        terminal.expect("Group (number or name): ")
        terminal.type("2")
        terminal.expect(f"   1  ci  {uid}\n")
        terminal.expect("Identity (number or name): ")
        terminal.type("1")
        terminal.expect("  owner\n")
        terminal.expect("  viewer\n")
        terminal.expect("Role (number or name): ")
        terminal.type("viewer")
        assert terminal.end() == 0
    (binding,) = owner.json("iam", "role-bindings", "list", "--parent", "shop")
    assert (binding["identity"]["uid"], binding["group"]["uid"]) == (uid, shop)
    assert binding["role"]["name"] == "viewer"


def test_rules_are_asked_for(acme: Organization, owner: Caller) -> None:
    """An identity from nothing but answers."""
    with on_terminal(owner, "iam", "identities", "create") as terminal:
        terminal.expect("Issuer of its tokens: ")
        terminal.type("https://ci.example")
        terminal.expect("Subject of its tokens: ")
        terminal.type("main")
        terminal.expect("Name of the identity: ")
        terminal.type("ci")
        terminal.expect("Group (number or name): ")
        terminal.type(acme.name)
        assert terminal.end() == 0
    made = owner.json("iam", "identities", "describe", "ci")
    assert made["claimMatch"]["subject"] == "main"


def test_a_deletion_is_confirmed(acme: Organization, owner: Caller) -> None:
    """Which is a no unless it is a yes."""
    uid = acme.identity("ci")
    for answer, code in (("", 1), ("n", 1), ("y", 0)):
        assert owner.ids("iam", "identities", "list") == [uid]
        with on_terminal(owner, "iam", "identities", "delete", "ci") as terminal:
            terminal.expect(f"Delete identity ci ({uid})? [y/N]: ")
            terminal.type(answer)
            assert terminal.end() == code
    assert owner.ids("iam", "identities", "list") == []


def test_yes_asks_nothing(acme: Organization, owner: Caller) -> None:
    """Neither whether to go on, nor for what is missing."""
    acme.identity("ci")
    with on_terminal(owner, "iam", "identities", "delete", "ci", "--yes") as terminal:
        assert terminal.end() == 0
        assert "[y/N]" not in terminal.seen
    with on_terminal(owner, "iam", "folders", "create", "x", "--yes") as terminal:
        assert terminal.end() == 2
        assert "Missing option or argument: --parent" in terminal.seen


def test_questions_are_no_output(acme: Organization, owner: Caller) -> None:
    """Standard output can be a file while the terminal asks."""
    screen, inner = pty.openpty()
    process = subprocess.Popen(
        [BROKER, "iam", "folders", "create", "lab", "-o", "id"], env=owner.environ,
        stdin=inner, stdout=subprocess.PIPE, stderr=inner, start_new_session=True,
    )  # fmt: skip
    os.close(inner)
    try:
        terminal = Terminal(process, screen)
        terminal.expect("Group (number or name): ")
        terminal.type(acme.name)
        out, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
        os.close(screen)
    assert out.decode().split() == owner.ids("iam", "folders", "list")


def test_an_interrupted_question_changes_nothing(acme: Organization, owner: Caller) -> None:
    """Ctrl-C at a prompt ends the command."""
    uid = acme.identity("ci")
    with on_terminal(owner, "iam", "identities", "delete", "ci") as terminal:
        terminal.expect("[y/N]: ")
        terminal.interrupt()
        assert terminal.end() == 1
    assert owner.ids("iam", "identities", "list") == [uid]
