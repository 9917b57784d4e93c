"""Logging: structlog, JSON unless somebody watches a terminal, the request id on every line.

No token, code, secret or cookie is ever a value here; a token is named by its SHA-256.
"""

from __future__ import annotations

import logging
import sys
from typing import Final, Literal

import orjson
import structlog
from structlog.typing import Processor

PLAIN: Final = structlog.dev.plain_traceback
"""Tracebacks without the values of variables: tokens are among them."""


def configure(*, level: str, style: Literal["auto", "json", "console"]) -> None:
    """Set up logging for this process. Lines go to standard error."""
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
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(serializer=orjson.dumps),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(threshold),
            logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
            cache_logger_on_first_use=True,
        )
    # What libraries log through the standard library goes out in the same form.
    logging.basicConfig(level=max(threshold, logging.WARNING), handlers=[_Forward()], force=True)


class _Forward(logging.Handler):
    """Hands a standard library record to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        structlog.get_logger(record.name).log(
            record.levelno, record.getMessage(), exc_info=record.exc_info
        )
