"""Lines of the log."""

from __future__ import annotations

import os
from pathlib import Path

from structlog.testing import capture_logs

from broker.logs import Lines


def test_what_the_log_cannot_take_is_dropped(tmp_path: Path) -> None:
    """A full disk raises nothing; when there is room again, the number of lost lines is told."""
    out = tmp_path / "log"
    with open(os.open("/dev/full", os.O_WRONLY), "wb", buffering=0) as file:
        lines = Lines(file)
        lines.write(b"one\n")
        lines.write(b"two\n")
        lines.flush_out()
        with out.open("wb") as room:
            os.dup2(room.fileno(), file.fileno())
        lines.write(b"three\n")
        with capture_logs() as logged:
            lines.flush_out()
        assert logged == [{"event": "log_lines_dropped", "lines": 2, "log_level": "warning"}]
        with capture_logs() as again:
            lines.write(b"four\n")
            lines.flush_out()
    assert again == []
    assert out.read_bytes() == b"three\nfour\n"
