"""Wrapping by AWS KMS, against moto's server of its API."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from broker.errors import Precondition, Unavailable
from broker.issuer.kms import KmsKey
from broker.issuer.wrapping import KeyFile, KeyWrappers
from tests.kit.brokers import free_port

REGION = "eu-central-1"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def environ(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secrets.token_hex(16))
    return endpoint


@pytest.fixture
def key_id(environ: str) -> str:
    client = boto3.client("kms", region_name=REGION, endpoint_url=environ)
    return str(client.create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def kms(key_id: str) -> KmsKey:
    return KmsKey.of_environment(key_id, secrets.token_bytes)


def test_what_is_wrapped_comes_back_in_its_context_alone(kms: KmsKey) -> None:
    """A secret longer than KMS itself encrypts (4 KiB) is no exception."""
    secret = secrets.token_bytes(10_000)
    wrapped = kms.wrap(secret, context="signing-key:a")
    assert secret not in wrapped
    assert kms.unwrap(wrapped, context="signing-key:a") == secret
    with pytest.raises(Precondition):
        kms.unwrap(wrapped, context="signing-key:b")


def test_another_process_unwraps_it(kms: KmsKey, key_id: str) -> None:
    """Nothing but the name of the key is needed."""
    wrapped = kms.wrap(b"secret", context="c")
    other = KmsKey.of_environment(key_id, secrets.token_bytes)
    assert other.unwrap(wrapped, context="c") == b"secret"


def test_what_was_altered_is_refused(kms: KmsKey) -> None:
    """In the data key, in the nonce, in the ciphertext, or cut short."""
    wrapped = kms.wrap(b"secret", context="c")
    for position in (10, len(wrapped) - 30, len(wrapped) - 1):
        altered = bytearray(wrapped)
        altered[position] ^= 1
        with pytest.raises(Precondition):
            kms.unwrap(bytes(altered), context="c")
    for length in (0, 1, 3, 40, len(wrapped) - 1):
        with pytest.raises(Precondition):
            kms.unwrap(wrapped[:length], context="c")


def test_a_key_that_does_not_exist_is_told(environ: str) -> None:
    """With the setting to look at, and what the broker must be allowed."""
    kms = KmsKey.of_environment("alias/absent", secrets.token_bytes)
    with pytest.raises(Precondition) as refusal:
        kms.wrap(b"secret", context="c")
    assert refusal.value.code == "kms_refused"
    assert "kms_key" in refusal.value.message


def test_kms_that_does_not_answer_is_unavailable(
    environ: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said so, and worth trying again."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    kms = KmsKey.of_environment("alias/any", secrets.token_bytes)
    with pytest.raises(Unavailable) as refusal:
        kms.wrap(b"secret", context="c")
    assert refusal.value.code == "kms_unavailable"


def test_an_installation_moves_from_a_file_to_kms_secret_by_secret(kms: KmsKey) -> None:
    """Both unwrap; what is wrapped from now on is by KMS."""
    file = KeyFile(secrets.token_bytes(32), secrets.token_bytes)
    old = file.wrap(b"old", context="c")
    both = KeyWrappers(kms, file)
    assert both.unwrap(old, context="c") == b"old"
    assert not both.is_current(old)
    new = both.wrap(b"new", context="c")
    assert both.is_current(new)
    assert both.unwrap(new, context="c") == b"new"
    assert kms.unwrap(new, context="c") == b"new"
