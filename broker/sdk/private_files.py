"""Files that are for their owner alone, and are whole at every moment."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PRIVATE_FOLDER: Final = 0o700
OTHERS: Final = 0o077
"""What group and others may do."""


def write(path: Path, content: bytes) -> None:
    """Put `content` there at once, with mode 0600; folders that are missing are made, with 0700.

    Raises OSError.
    """
    make_folder(path.parent)
    # mkstemp makes it 0600; beside the target, since a rename does not go across file systems
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def make_folder(path: Path) -> None:
    """Make it, and those above that are missing, for the owner alone. Raises OSError."""
    for folder in (*reversed(path.parents), path):
        with suppress(FileExistsError):
            folder.mkdir(PRIVATE_FOLDER)


def is_exposed(path: Path) -> bool:
    """Whether group or others may do anything with the file. Windows says nothing of that."""
    try:
        return sys.platform != "win32" and bool(path.stat().st_mode & OTHERS)
    except OSError:
        return False


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """While nobody else who asks for the same lock goes on. Blocks. Raises OSError."""
    make_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # and with it the lock
