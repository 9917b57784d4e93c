"""RFC 8628, the device authorization grant: identifiers, user codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:device_code"
"""§3.4, value of `grant_type`."""

AUTHORIZATION_PENDING: Final = "authorization_pending"
SLOW_DOWN: Final = "slow_down"
EXPIRED_TOKEN: Final = "expired_token"  # noqa: S105 - a word
"""§3.5, errors beside those of RFC 6749 §5.2."""

ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""§6.1: no vowels, so that no code is a word, and nothing that looks like something else."""

CODE_LENGTH: Final = 8
"""20 to the power of 8 codes: 34 bits."""

_FAIR: Final = 256 - 256 % len(ALPHABET)


def new_user_code(random: Callable[[int], bytes]) -> str:
    """A user code; each is as likely as any other."""
    code = ""
    while len(code) < CODE_LENGTH:
        # a byte above the last multiple of 20 would make the first letters likelier
        code += "".join(ALPHABET[b % len(ALPHABET)] for b in random(CODE_LENGTH) if b < _FAIR)
    return code[:CODE_LENGTH]


def read_user_code(text: str) -> str:
    """What somebody typed as the code that it can mean; empty when it can be none (§6.1)."""
    code = "".join(c for c in text[:64].upper() if c not in "- .")
    return code if len(code) == CODE_LENGTH and set(code) <= set(ALPHABET) else ""


def shown(code: str) -> str:
    """As people read it: `BCDF-GHJK`."""
    return f"{code[:4]}-{code[4:]}"
