"""Logging: structlog, JSON unless somebody watches a terminal, the request id on every line.

No token, code, secret or cookie is ever a value here; a token is named by its SHA-256.
"""

from __future__ import annotations

import atexit
import logging
import sys
from typing import BinaryIO, Final, Literal, cast

import orjson
import structlog
from structlog.typing import EventDict, Processor

PLAIN: Final = structlog.dev.plain_traceback
"""Tracebacks without the values of variables: tokens are among them."""


def configure(*, level: str, style: Literal["auto", "json", "console"]) -> Lines:
    """Set up logging for this process. Lines go to standard error.

    Gives the lines that wait to be written, for somebody to `flush_out` now and then.
    """
    lines = Lines(sys.stderr.buffer)
    atexit.register(lines.flush_out)
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    threshold = logging.getLevelNamesMapping()[level.upper()]
    if console:
        structlog.configure(
            processors=[*shared, structlog.dev.ConsoleRenderer(exception_formatter=PLAIN)],
            wrapper_class=structlog.make_filtering_bound_logger(threshold),
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
            cache_logger_on_first_use=True,
        )
    else:
        structlog.configure(
            processors=[
                *shared,
                lines.notice,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(serializer=orjson.dumps),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(threshold),
            logger_factory=structlog.BytesLoggerFactory(cast("BinaryIO", lines)),
            cache_logger_on_first_use=True,
        )
    # What libraries log through the standard library goes out in the same form.
    logging.basicConfig(level=max(threshold, logging.WARNING), handlers=[_Forward()], force=True)
    return lines


class Lines:
    """What JSON lines are written to: gathers them, so that many go out in one write.

    A line of warning or worse takes everything before it out at once.
    """

    def __init__(self, file: BinaryIO, *, limit: int = 65_536) -> None:
        self._file = file
        self._limit = limit
        self._waiting: list[bytes] = []
        self._size = 0
        self._urgent = False
        self._dropped = 0

    def notice(self, _logger: object, method: str, event: EventDict) -> EventDict:
        """A processor: remembers whether the line at hand is urgent."""
        self._urgent = method not in {"debug", "info"}
        return event

    def write(self, line: bytes) -> int:
        """Take a line."""
        self._waiting.append(line)
        self._size += len(line)
        if self._urgent or self._size >= self._limit:
            self.flush_out()
        return len(line)

    def flush(self) -> None:
        """Nothing: structlog asks for it after every line."""

    def flush_out(self) -> None:
        """Write what waits.

        Where that fails, because the disk is full or nobody reads, it is dropped: what is owed to
        callers does not depend on it. How many lines were dropped is told when it works again.
        """
        waiting, self._waiting, self._size, self._urgent = self._waiting, [], 0, False
        if not waiting:
            return
        try:
            self._file.write(b"".join(waiting))
            self._file.flush()
        except OSError:
            self._dropped += len(waiting)
            return
        dropped, self._dropped = self._dropped, 0
        if dropped:
            structlog.get_logger().warning("log_lines_dropped", lines=dropped)


class _Forward(logging.Handler):
    """Hands a standard library record to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        structlog.get_logger(record.name).log(
            record.levelno, record.getMessage(), exc_info=record.exc_info
        )
