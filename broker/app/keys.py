"""The signing keys of an installation, and what wraps them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Final

from broker.config import Settings
from broker.issuer.keyring import KeyRing
from broker.issuer.keys import SigningKey
from broker.issuer.schedule import RotationSchedule
from broker.issuer.wrapping import KeyFile
from broker.store import Store

KEY_FILE: Final = "key-encryption-key"


class StoredKeys:
    """The key log, a transaction a call."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> list[SigningKey]:
        """Every row."""
        async with self._store.read() as records:
            return await records.keys.all()

    async def add(self, key: SigningKey) -> None:
        """Append one. Raises `Conflict` (`key_rotated`)."""
        async with self._store.write() as records:
            await records.keys.add(key)

    async def delete(self, kid: str) -> None:
        """Remove one."""
        async with self._store.write() as records:
            await records.keys.delete(kid)


def key_wrapper(settings: Settings) -> KeyFile:
    """The key-encryption key of these settings; made on the way in development only."""
    path = settings.keys_dir / KEY_FILE
    if settings.development:
        return KeyFile.read_or_create(path, secrets.token_bytes)
    return KeyFile.read(path, secrets.token_bytes)


def key_ring(settings: Settings, store: Store) -> KeyRing:
    """The key ring of these settings, not yet opened."""
    days = settings.key_rotation_days
    return KeyRing(
        StoredKeys(store),
        key_wrapper(settings),
        algorithm=settings.signing_algorithm,
        schedule=RotationSchedule(
            publish_lead=timedelta(seconds=settings.key_publish_lead),
            jwks_max_age=timedelta(seconds=settings.jwks_max_age),
            refresh_interval=timedelta(seconds=settings.key_refresh),
            rotation_period=timedelta(days=days) if days else None,
        ),
        clock=lambda: datetime.now(UTC),
    )
