"""Encryption of secrets at rest, by a key that is kept outside of the store."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.errors import Conflict, Precondition

RandomBytes = Callable[[int], bytes]
"""A source of that many unpredictable bytes; `secrets.token_bytes` outside of tests."""

KEY_BYTES: Final = 32
VERSION: Final = b"\x01"
KEY_ID_BYTES: Final = 8
NONCE_BYTES: Final = 12
"""NIST SP 800-38D §5.2.1.1: 96 bits, the length that GCM takes without hashing."""

_UNTOUCHED: Final = frozenset({"README.md", ".gitignore"})
"""What the keys directory of a checkout holds before a key is made."""


class KeyWrapper(Protocol):
    """Encrypts small secrets for storage. A key file does it here, elsewhere a KMS.

    Both methods may block (on a network, with a KMS), so they are called off the event loop.
    """

    def wrap(self, plaintext: bytes, *, context: str) -> bytes:
        """Encrypt, bound to `context`: the name of the record that the result belongs to."""
        ...

    def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        """The plaintext. Raises `Precondition` if the key or the context is another one."""
        ...

    def can_unwrap(self, wrapped: bytes) -> bool:
        """Whether it looks like something that this key has wrapped."""
        ...


class KeyWrappers:
    """One that wraps, and others that have wrapped before and are being replaced."""

    def __init__(self, current: KeyWrapper, *earlier: KeyWrapper) -> None:
        self._current = current
        self._earlier = earlier

    def wrap(self, plaintext: bytes, *, context: str) -> bytes:
        """By the current one."""
        return self._current.wrap(plaintext, context=context)

    def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        """By whichever wrapped it. Raises `Precondition`."""
        for wrapper in self._earlier:
            if wrapper.can_unwrap(wrapped) and not self._current.can_unwrap(wrapped):
                return wrapper.unwrap(wrapped, context=context)
        return self._current.unwrap(wrapped, context=context)

    def can_unwrap(self, wrapped: bytes) -> bool:
        """Whether one of them has wrapped it."""
        return any(each.can_unwrap(wrapped) for each in (self._current, *self._earlier))

    def is_current(self, wrapped: bytes) -> bool:
        """Whether it need not be wrapped anew."""
        return self._current.can_unwrap(wrapped)


class KeyFile:
    """AES-256-GCM under a key-encryption key (KEK) that lies in a file.

    A wrapped secret is version (1 byte, 0x01), id of the KEK (8 bytes, the first of its
    SHA-256), nonce (12 bytes), ciphertext with its tag (16 bytes more than the plaintext); the
    context is the additional authenticated data. The id tells a record under another KEK from
    a damaged one, so that a KEK can be replaced record by record.
    """

    __slots__ = ("_aead", "_random", "key_id")

    def __init__(self, key: bytes, random: RandomBytes) -> None:
        if len(key) != KEY_BYTES:
            raise Precondition(
                "key_file_malformed",
                f"a key-encryption key has {KEY_BYTES} bytes, this one {len(key)}",
            )
        self._aead = AESGCM(key)
        self._random = random
        self.key_id = hashlib.sha256(key).digest()[:KEY_ID_BYTES]

    def __repr__(self) -> str:
        return f"KeyFile(key_id={self.key_id.hex()})"

    @classmethod
    def read(cls, path: Path, random: RandomBytes) -> Self:
        """The key in the file. Raises `Precondition` with what to do about the file."""
        return cls(_parse(path, _read_private(path)), random)

    @classmethod
    def create(cls, path: Path, random: RandomBytes) -> Self:
        """Make a key and its file (mode 0600), and the directory (0700) where there is none.

        Raises `Conflict` (`key_file_exists`) if the file is there already, `Precondition` if it
        cannot be made safely.
        """
        key = random(KEY_BYTES)
        try:
            _prepare_directory(path.parent)
            _write_new(path, base64.urlsafe_b64encode(key).rstrip(b"=") + b"\n", random)
        except OSError as error:
            raise Precondition(
                "key_file_unwritable",
                f"{path}: cannot create the key-encryption key: {error.strerror}",
            ) from error
        return cls(key, random)

    @classmethod
    def replace(cls, path: Path, previous: Path, random: RandomBytes) -> Self:
        """Make another key in its place, and keep the one that was there at `previous`.

        Raises `Conflict` (`key_file_exists`) if there is a previous one already, `Precondition`.
        """
        cls.read(path, random)
        key = random(KEY_BYTES)
        draft = path.with_name(f".{path.name}.{random(8).hex()}.new")
        try:
            _prepare_directory(path.parent)
            _write_new(draft, base64.urlsafe_b64encode(key).rstrip(b"=") + b"\n", random)
            try:
                os.link(path, previous)  # before the name changes hands: neither is ever missing
            except FileExistsError:
                draft.unlink()
                raise Conflict(
                    "key_file_exists",
                    f"{previous}: an earlier key is being replaced still; run `broker keys "
                    "rewrap`, then delete that file",
                ) from None
            draft.replace(path)
            _sync(path.parent)
        except OSError as error:
            raise Precondition(
                "key_file_unwritable",
                f"{path}: cannot replace the key-encryption key: {error.strerror}",
            ) from error
        return cls(key, random)

    @classmethod
    def read_or_create(cls, path: Path, random: RandomBytes) -> Self:
        """The key in the file, made first if there is none; of two starters one makes it."""
        try:
            return cls.read(path, random)
        except Precondition as missing:
            if missing.code != "key_file_missing":
                raise
        try:
            return cls.create(path, random)
        except Conflict:
            return cls.read(path, random)  # another starter was first; its key is the key

    def wrap(self, plaintext: bytes, *, context: str) -> bytes:
        """Encrypt, bound to `context`."""
        nonce = self._random(NONCE_BYTES)
        sealed = self._aead.encrypt(nonce, plaintext, context.encode())
        return VERSION + self.key_id + nonce + sealed

    def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        """The plaintext.

        Raises `Precondition`: `key_encryption_key_mismatch` if it was wrapped with another KEK,
        `wrapped_key_damaged` if it was altered, or belongs to another context.
        """
        version, rest = wrapped[:1], wrapped[1:]
        key_id, rest = rest[:KEY_ID_BYTES], rest[KEY_ID_BYTES:]
        nonce, sealed = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
        if version != VERSION or not sealed:
            raise damaged(context)
        if key_id != self.key_id:
            raise Precondition(
                "key_encryption_key_mismatch",
                "the key-encryption key does not fit the stored keys: it is "
                f"{self.key_id.hex()}, {context} was encrypted with {key_id.hex()}; "
                "put the file back that belongs to this database",
            )
        try:
            return self._aead.decrypt(nonce, sealed, context.encode())
        except InvalidTag as error:
            raise damaged(context) from error

    def can_unwrap(self, wrapped: bytes) -> bool:
        """Whether it carries this key's id."""
        return wrapped[: 1 + KEY_ID_BYTES] == VERSION + self.key_id


def damaged(context: str) -> Precondition:
    """What to raise for something that nobody has wrapped like this."""
    return Precondition(
        "wrapped_key_damaged",
        f"{context}: the encrypted key in the store is damaged or not of this version; "
        "restore the database from a backup",
    )


def _read_private(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # of the open file, not of the path, which may change in between
            status = os.fstat(file.fileno())
            content = file.read(1024)
    except FileNotFoundError as error:
        raise Precondition(
            "key_file_missing",
            f"{path}: no key-encryption key; make one with `broker keys init`, or, if the "
            "database has signing keys already, put the file back from its backup",
        ) from error
    except OSError as error:
        raise Precondition(
            "key_file_unreadable", f"{path}: cannot read: {error.strerror}"
        ) from error
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise Precondition(
            "key_file_exposed",
            f"{path}: group or others can use this file; run `chmod 600 {path}`, and consider "
            "the key known if anybody else uses this machine",
        )
    return content


def _parse(path: Path, content: bytes) -> bytes:
    text = content.strip()
    try:
        key = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise Precondition(
            "key_file_malformed",
            f"{path}: not a key-encryption key (expected one line, {KEY_BYTES} bytes in "
            "base64url, 43 characters); put the file back from its backup",
        )
    return key


def _prepare_directory(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = directory.stat()
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077 and status.st_uid == os.geteuid() and _is_unused(directory):
        # As a checkout left it, with the umask's mode. A directory that holds other things may
        # be anything (`/etc`, a home): its mode is not ours to change.
        directory.chmod(0o700)
    elif mode & 0o022:
        raise Precondition(
            "keys_directory_exposed",
            f"{directory}: group or others can write here and so replace the key-encryption "
            f"key; run `chmod 700 {directory}`",
        )


def _is_unused(directory: Path) -> bool:
    return {entry.name for entry in directory.iterdir()} <= _UNTOUCHED


def _write_new(path: Path, content: bytes, random: RandomBytes) -> None:
    """Write beside, then link: the name appears at once and complete, and only once."""
    draft = path.with_name(f".{path.name}.{random(8).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        raise Conflict(
            "key_file_exists", f"{path}: there is a key-encryption key already; it was kept"
        ) from None
    finally:
        draft.unlink()
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """A name has to be on the disk before anything is encrypted with what it names."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
