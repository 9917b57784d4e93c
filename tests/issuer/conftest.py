from __future__ import annotations

from collections.abc import Iterator

import pytest

from broker.issuer.wrapping import KeyFile
from tests.issuer.key_log import SqliteKeyLog
from tests.issuer.rings import Clock, key_file


@pytest.fixture
def log() -> Iterator[SqliteKeyLog]:
    log = SqliteKeyLog()
    yield log
    log.close()


@pytest.fixture
def wrapper() -> KeyFile:
    return key_file()


@pytest.fixture
def clock() -> Clock:
    return Clock()
