"""The signing keys of an installation, and what wraps them."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from broker.config import Settings
from broker.directory.identity_providers import secret_context
from broker.issuer.keyring import KeyRing, key_context
from broker.issuer.keys import SigningKey
from broker.issuer.schedule import RotationSchedule
from broker.issuer.wrapping import KeyFile, KeyWrapper, KeyWrappers
from broker.store import Store

KEY_FILE: Final = "key-encryption-key"
PREVIOUS_KEY_FILE: Final = "key-encryption-key.previous"
"""The one before, while what it wrapped is being wrapped anew."""


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

    async def revoke(self, kid: str, at: datetime) -> None:
        """Note that one is known to others. Raises `NotFound`."""
        async with self._store.write() as records:
            await records.keys.revoke(kid, at)

    async def delete(self, kid: str) -> None:
        """Remove one."""
        async with self._store.write() as records:
            await records.keys.delete(kid)


def key_wrapper(settings: Settings) -> KeyWrappers:
    """What these settings have secrets wrapped with, and what wrapped them before.

    A key file is made on the way in development only.
    """
    files = [settings.keys_dir / name for name in (KEY_FILE, PREVIOUS_KEY_FILE)]
    if settings.kms_key:
        from broker.issuer.kms import KmsKey

        earlier: list[KeyWrapper] = [_read(path) for path in files if path.exists()]
        kms = KmsKey.of_environment(settings.kms_key, secrets.token_bytes)
        return KeyWrappers(kms, *earlier)
    if settings.development:
        current = KeyFile.read_or_create(files[0], secrets.token_bytes)
    else:
        current = _read(files[0])
    return KeyWrappers(current, *(_read(path) for path in files[1:] if path.exists()))


def _read(path: Path) -> KeyFile:
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


class Rewrapped(NamedTuple):
    """What was wrapped anew, and what was already."""

    done: int
    current: int


async def rewrap(store: Store, wrapper: KeyWrappers) -> Rewrapped:
    """Wrap every secret of the store by the current key. Can be done again, and while the broker
    runs: a secret that is changed meanwhile is left as it is then.

    Raises `Precondition` for what none of the keys has wrapped, and what is done stays done.
    """
    async with store.read() as records:
        keys = [key for key in await records.keys.all() if key.revoked_at is None]
        secrets_ = await records.identity_providers.wrapped_secrets()
    done = 0
    for key in keys:
        new = await asyncio.to_thread(_anew, wrapper, key.wrapped_private, key_context(key.kid))
        if new is not None:
            async with store.write() as records:
                done += await records.keys.rewrap(key.kid, key.wrapped_private, new)
    for uidp, old in secrets_:
        new = await asyncio.to_thread(_anew, wrapper, old, secret_context(uidp))
        if new is not None:
            async with store.write() as records:
                done += await records.identity_providers.rewrap(uidp, old, new)
    return Rewrapped(done, len(keys) + len(secrets_) - done)


def _anew(wrapper: KeyWrappers, wrapped: bytes, context: str) -> bytes | None:
    if wrapper.is_current(wrapped):
        return None
    return wrapper.wrap(wrapper.unwrap(wrapped, context=context), context=context)
