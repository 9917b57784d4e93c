"""The key-encryption key and what it encrypts."""

from __future__ import annotations

import base64
import secrets
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Conflict, Precondition
from broker.issuer.wrapping import KeyFile

CONTEXT = "signing-key:one"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "key-encryption-key"


def test_a_created_key_file_is_one_private_line(path: Path) -> None:
    """The file is mode 0600 in a directory of mode 0700, and holds 32 bytes as base64url."""
    KeyFile.create(path, secrets.token_bytes)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    line, rest = path.read_text().split("\n")
    assert (len(line), rest) == (43, "")
    assert len(base64.urlsafe_b64decode(line + "=")) == 32
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_key_file_that_is_read_fits_what_was_wrapped_when_it_was_created(path: Path) -> None:
    """Reading gives the key that creating wrote."""
    wrapped = KeyFile.create(path, secrets.token_bytes).wrap(b"secret", context=CONTEXT)
    assert KeyFile.read(path, secrets.token_bytes).unwrap(wrapped, context=CONTEXT) == b"secret"


def test_creating_twice_keeps_the_first_key(path: Path) -> None:
    """`create` never replaces a file, not even an empty one."""
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)
    with pytest.raises(Conflict) as caught:
        KeyFile.create(path, secrets.token_bytes)
    assert caught.value.code == "key_file_exists"
    assert path.read_bytes() == b""
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_of_many_starters_one_makes_the_key(path: Path) -> None:
    """Processes that start at once all end up with the same key."""
    starters = 8
    barrier = Barrier(starters)

    def start(_: int) -> bytes:
        barrier.wait()
        return KeyFile.read_or_create(path, secrets.token_bytes).key_id

    with ThreadPoolExecutor(starters) as pool:
        key_ids = set(pool.map(start, range(starters)))
    assert key_ids == {KeyFile.read(path, secrets.token_bytes).key_id}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o644])
def test_a_file_that_others_can_use_is_refused(path: Path, mode: int) -> None:
    """Any permission of group or others is refused, and the message says what to run."""
    KeyFile.create(path, secrets.token_bytes)
    path.chmod(mode)
    with pytest.raises(Precondition, match=rf"chmod 600 {path}") as caught:
        KeyFile.read(path, secrets.token_bytes)
    assert caught.value.code == "key_file_exposed"


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"A" * 42, b"A" * 44, b"!" * 43, b"A" * 43 + b"\n" + b"A" * 43, b"\xff" * 32],
)
def test_a_file_that_holds_no_key_is_refused(path: Path, content: bytes) -> None:
    """Another length, another alphabet or a second line is no key."""
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(Precondition) as caught:
        KeyFile.read(path, secrets.token_bytes)
    assert caught.value.code == "key_file_malformed"


def test_a_missing_file_names_the_command_that_makes_it(path: Path) -> None:
    """The error of a missing key file tells both cures."""
    with pytest.raises(Precondition, match="broker keys init") as caught:
        KeyFile.read(path, secrets.token_bytes)
    assert caught.value.code == "key_file_missing"


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    """A directory in the file's place is an expected failure, not a traceback."""
    with pytest.raises(Precondition) as caught:
        KeyFile.read(tmp_path, secrets.token_bytes)
    assert caught.value.code == "key_file_unreadable"


def test_a_directory_from_a_checkout_is_made_private(path: Path) -> None:
    """A keys directory that holds only what Git tracks becomes 0700."""
    path.parent.mkdir(mode=0o755)
    (path.parent / "README.md").touch()
    path.parent.chmod(0o775)
    KeyFile.create(path, secrets.token_bytes)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_directory_in_which_others_can_write_is_refused(path: Path) -> None:
    """A directory that holds other things keeps its mode, and is refused if others can write."""
    path.parent.mkdir()
    (path.parent / "something").touch()
    path.parent.chmod(0o777)
    with pytest.raises(Precondition, match="chmod 700") as caught:
        KeyFile.create(path, secrets.token_bytes)
    assert caught.value.code == "keys_directory_exposed"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o777
    assert not path.exists()


def test_a_directory_that_cannot_be_made_is_an_expected_failure(tmp_path: Path) -> None:
    """A file in the directory's place is reported with the path."""
    (tmp_path / "keys").touch()
    with pytest.raises(Precondition) as caught:
        KeyFile.create(tmp_path / "keys" / "kek", secrets.token_bytes)
    assert caught.value.code == "key_file_unwritable"


@given(plaintext=st.binary(min_size=1, max_size=2048), context=st.text(max_size=100))
def test_unwrap_reverses_wrap(plaintext: bytes, context: str) -> None:
    """Any secret in any context comes back, and is not visible in between."""
    key = KeyFile(b"k" * 32, secrets.token_bytes)
    wrapped = key.wrap(plaintext, context=context)
    assert key.unwrap(wrapped, context=context) == plaintext
    assert len(wrapped) == 1 + 8 + 12 + len(plaintext) + 16


def test_the_same_secret_is_wrapped_differently_each_time() -> None:
    """Nonces come from the random source, a fresh one a call (NIST SP 800-38D §8)."""
    key = KeyFile(b"k" * 32, secrets.token_bytes)
    assert key.wrap(b"secret", context=CONTEXT) != key.wrap(b"secret", context=CONTEXT)


def test_another_key_is_told_from_damage() -> None:
    """A wrong key-encryption key is named as such, by the id in the record."""
    wrapped = KeyFile(b"a" * 32, secrets.token_bytes).wrap(b"secret", context=CONTEXT)
    with pytest.raises(Precondition, match="does not fit the stored keys") as caught:
        KeyFile(b"b" * 32, secrets.token_bytes).unwrap(wrapped, context=CONTEXT)
    assert caught.value.code == "key_encryption_key_mismatch"


def test_a_secret_does_not_open_in_another_context() -> None:
    """The private key of one row cannot be put into another."""
    key = KeyFile(b"k" * 32, secrets.token_bytes)
    with pytest.raises(Precondition) as caught:
        key.unwrap(key.wrap(b"secret", context=CONTEXT), context="signing-key:two")
    assert caught.value.code == "wrapped_key_damaged"


def test_every_altered_byte_is_noticed() -> None:
    """Flipping any bit, or cutting the record anywhere, is an expected failure."""
    key = KeyFile(b"k" * 32, secrets.token_bytes)
    wrapped = key.wrap(b"secret", context=CONTEXT)
    altered = [
        wrapped[:n] + bytes([wrapped[n] ^ 1]) + wrapped[n + 1 :] for n in range(len(wrapped))
    ]
    for damaged in [*altered, *(wrapped[:n] for n in range(len(wrapped)))]:
        with pytest.raises(Precondition) as caught:
            key.unwrap(damaged, context=CONTEXT)
        assert caught.value.code in {"wrapped_key_damaged", "key_encryption_key_mismatch"}


def test_the_key_does_not_show() -> None:
    """`repr` shows the id of the key, not the key."""
    key = KeyFile(b"k" * 32, secrets.token_bytes)
    assert repr(key) == f"KeyFile(key_id={key.key_id.hex()})"
