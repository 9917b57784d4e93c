"""Tasks that are told to end."""

from __future__ import annotations

import asyncio


def end_if_cancelled() -> None:
    """Raise `CancelledError` where it was raised before, and got lost.

    `asyncio.wait_for` of Python 3.11, which redis-py waits with, raises the failure of what it
    waited for in the place of a cancellation that comes at the same moment. A loop that goes on
    after failures would never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
