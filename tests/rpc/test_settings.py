"""Settings of the ports: what is refused at the start, and in which words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from broker.config import SettingsProblems, load, shown


def problems(**environ: str) -> tuple[str, ...]:
    with pytest.raises(SettingsProblems) as caught:
        load({"BROKER_ISSUER": "https://broker.example", **DATABASE, **environ})
    return caught.value.problems


DATABASE = {"BROKER_DATABASE_URL": "sqlite:///records.sqlite3", "BROKER_KEYS_DIR": "keys"}


@dataclass(frozen=True, slots=True)
class Pems:
    """Files: a certificate and its key, the key of another, the key encrypted, and no PEM."""

    chain: Path
    key: Path
    other: Path
    encrypted: Path
    text: Path


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Pems:
    """Made for this run."""
    folder = tmp_path_factory.mktemp("pems")
    authority = trustme.CA()
    one, another = authority.issue_cert("localhost"), authority.issue_cert("localhost")
    made = Pems(*(folder / name for name in ("chain", "key", "other", "encrypted", "text")))
    one.cert_chain_pems[0].write_to_path(made.chain)
    one.private_key_pem.write_to_path(made.key)
    another.private_key_pem.write_to_path(made.other)
    key = load_pem_private_key(one.private_key_pem.bytes(), None)
    encryption = BestAvailableEncryption(b"geheim")
    made.encrypted.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    made.text.write_text("a certificate")
    return made


def test_a_pair_is_accepted(pems: Pems) -> None:
    """Certificate and key, beside an https issuer."""
    settings = load(
        {
            "BROKER_ISSUER": "https://broker.example",
            **DATABASE,
            "BROKER_TLS_CERTIFICATE": str(pems.chain),
            "BROKER_TLS_KEY": str(pems.key),
        }
    )
    assert (settings.tls_certificate, settings.tls_key) == (pems.chain, pems.key)


@pytest.mark.parametrize(
    ("chain", "key", "says"),
    [
        ("chain", "other", "it is not the certificate of the private key in"),
        ("chain", "encrypted", "not encrypted"),
        ("text", "key", "expected PEM"),
        ("chain", "text", "expected PEM"),
        ("nope", "key", "nope: No such file or directory"),
        ("chain", "nope", "nope: No such file or directory"),
    ],
)
def test_a_pair_that_cannot_be_used_is_refused(pems: Pems, chain: str, key: str, says: str) -> None:
    """With the file and what is wrong with it."""
    folder = pems.chain.parent
    found = problems(BROKER_TLS_CERTIFICATE=str(folder / chain), BROKER_TLS_KEY=str(folder / key))
    assert len(found) == 1, found
    assert found[0].startswith("BROKER_TLS_CERTIFICATE: ")
    assert says in found[0]


@pytest.mark.parametrize("name", ["BROKER_TLS_CERTIFICATE", "BROKER_TLS_KEY"])
def test_one_without_the_other_is_refused(pems: Pems, name: str) -> None:
    """Rather than a port without TLS."""
    assert problems(**{name: str(pems.chain)}) == (
        "BROKER_TLS_CERTIFICATE, BROKER_TLS_KEY: expected both or none",
    )


def test_tls_needs_an_https_issuer(pems: Pems) -> None:
    """Else discovery would not be where the issuer's URL says."""
    (found,) = problems(
        BROKER_ISSUER="http://127.0.0.1:8080",
        BROKER_TLS_CERTIFICATE=str(pems.chain),
        BROKER_TLS_KEY=str(pems.key),
    )
    assert found.startswith("BROKER_ISSUER: expected https")


def test_empty_is_none() -> None:
    """As `broker settings` shows what is not set, and as templates of deployments have it."""
    names = ("BROKER_GRPC_PORT", "BROKER_TLS_CERTIFICATE", "BROKER_TLS_KEY")
    settings = load(dict.fromkeys(names, ""))
    assert settings == load({})
    assert {name: shown(settings)[name] for name in names} == dict.fromkeys(names, "")
