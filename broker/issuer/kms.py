"""Encryption of secrets at rest by a key that never leaves AWS KMS.

Each secret has a data key of its own, which KMS makes and encrypts (`GenerateDataKey`); the secret
is encrypted here with it, so that its length does not matter. KMS binds the data key to the
context, and so does AES-GCM.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.errors import BrokerError, Precondition, Unavailable
from broker.issuer.wrapping import NONCE_BYTES, RandomBytes, damaged

if TYPE_CHECKING:
    from botocore.client import BaseClient

VERSION: Final = b"\x02"
CONTEXT: Final = "broker-context"
"""Name in KMS's encryption context, which CloudTrail shows."""

TIMEOUT: Final = 5
"""Seconds to connect, and for an answer; tried three times."""


class KmsKey:
    """A symmetric key of AWS KMS.

    A wrapped secret is version (1 byte, 0x02), length of the encrypted data key (2 bytes, big
    endian), that, nonce (12 bytes), ciphertext with its tag. Its methods block.
    """

    def __init__(self, key_id: str, client: BaseClient, random: RandomBytes) -> None:
        """`key_id`: ARN, id or alias."""
        self._key_id = key_id
        self._client: Any = client
        self._random = random

    def __repr__(self) -> str:
        return f"KmsKey({self._key_id})"

    @classmethod
    def of_environment(cls, key_id: str, random: RandomBytes) -> Self:
        """With credentials, region and endpoint as botocore finds them; the region of an ARN goes
        first. Raises `Precondition` (`extra_missing`, `kms_not_configured`).
        """
        try:
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
            from botocore.session import get_session
        except ImportError as error:
            raise Precondition(
                "extra_missing", "kms_key: needs botocore; install oidc-broker[aws]"
            ) from error
        region = key_id.split(":")[3] if key_id.startswith("arn:") else None
        retries: Any = {"max_attempts": 3, "mode": "standard"}
        config = Config(connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries=retries)
        try:
            client = get_session().create_client("kms", region_name=region, config=config)
        except BotoCoreError as error:
            raise Precondition(
                "kms_not_configured", "kms_key: AWS is not configured here, such as its region"
            ) from error
        return cls(key_id, client, random)

    def wrap(self, plaintext: bytes, *, context: str) -> bytes:
        """Encrypt, bound to `context`. Raises `Unavailable` (`kms_unavailable`), `Precondition`."""
        answer = self._ask(
            self._client.generate_data_key,
            KeyId=self._key_id,
            KeySpec="AES_256",
            EncryptionContext={CONTEXT: context},
        )
        data_key: bytes = answer["CiphertextBlob"]
        nonce = self._random(NONCE_BYTES)
        sealed = AESGCM(answer["Plaintext"]).encrypt(nonce, plaintext, context.encode())
        return VERSION + len(data_key).to_bytes(2, "big") + data_key + nonce + sealed

    def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        """The plaintext. Raises as `wrap`, and `Precondition` (`wrapped_key_damaged`)."""
        length = int.from_bytes(wrapped[1:3], "big")
        data_key, rest = wrapped[3 : 3 + length], wrapped[3 + length :]
        nonce, sealed = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
        if not self.can_unwrap(wrapped) or not sealed:
            raise damaged(context)
        answer = self._ask(
            self._client.decrypt,
            KeyId=self._key_id,
            CiphertextBlob=data_key,
            EncryptionContext={CONTEXT: context},
        )
        try:
            return AESGCM(answer["Plaintext"]).decrypt(nonce, sealed, context.encode())
        except InvalidTag as error:
            raise damaged(context) from error

    def can_unwrap(self, wrapped: bytes) -> bool:
        """Whether it was wrapped by a key of KMS."""
        return wrapped[:1] == VERSION

    def _ask(self, operation: Callable[..., Any], **members: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return operation(**members)
        except ClientError as error:
            raise _refused(error.response.get("Error", {}).get("Code", "")) from error
        except BotoCoreError as error:
            raise _unavailable("did not answer") from error


_PASSING: Final = frozenset(
    {"DependencyTimeoutException", "KMSInternalException", "ThrottlingException"}
)


def _refused(code: str) -> BrokerError:
    if code in _PASSING:
        return _unavailable(f"answered {code}")
    return Precondition(
        "kms_refused",
        f"AWS KMS refused: {code or 'for a reason it does not name'}; check kms_key, and that the "
        "broker may use it (kms:GenerateDataKey, kms:Decrypt)",
    )


def _unavailable(fault: str) -> Unavailable:
    return Unavailable("kms_unavailable", f"AWS KMS {fault}", retry_after=5)
