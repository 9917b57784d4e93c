"""The quickstart, as a newcomer runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def quickstart(checkout: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it in a copy, where it has var/ and keys/ of its own."""
    return subprocess.run(
        [sys.executable, "deploy/quickstart/quickstart.py"],
        cwd=checkout,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_quickstart_works_twice(tmp_path: Path) -> None:
    """A token is minted and verified, a refusal is explained, everything stops; then once more.

    The second time nothing is left to create, and settings of another installation in the
    environment are not taken for its own.
    """
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    first = quickstart(tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "created, 0 updated, 0 deleted, 0 unchanged." in first.stdout
    assert "valid: signed by http://127.0.0.1:" in first.stdout
    assert "registry.pull at " in first.stdout
    assert "refused: the identity does not exist or its rules do not accept" in first.stdout
    assert "FAIL identity/subject: expected repo:acme/shop:ref:refs/heads/main" in first.stdout
    assert "refs/heads/feature" in first.stdout
    assert first.stdout.rstrip().endswith("Done. Everything that was started has stopped.")
    second = quickstart(tmp_path, BROKER_ISSUER="https://broker.example", BROKER_PORT="x")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "0 created" in second.stdout
    assert "FAIL identity/subject" in second.stdout
    for kept in (tmp_path / "var" / "quickstart").glob("*.jwt"):
        assert kept.stat().st_mode & 0o077 == 0
