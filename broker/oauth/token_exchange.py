"""RFC 8693, OAuth 2.0 Token Exchange: identifiers and parameters."""

from __future__ import annotations

from typing import Final

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
"""§2.1, value of `grant_type`."""

ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
ID_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105
JWT: Final = "urn:ietf:params:oauth:token-type:jwt"
REFRESH_TOKEN: Final = "urn:ietf:params:oauth:token-type:refresh_token"  # noqa: S105
SAML1: Final = "urn:ietf:params:oauth:token-type:saml1"
SAML2: Final = "urn:ietf:params:oauth:token-type:saml2"
"""§3, token type identifiers."""

AWS4_REQUEST: Final = "urn:ietf:params:aws:token-type:aws4_request"
"""A signed AWS request. In no registry; other federation services use this name."""

SUBJECT_TOKEN_TYPES: Final = frozenset({JWT, ID_TOKEN, AWS4_REQUEST})
"""What we accept as `subject_token_type`."""

REQUESTED_TOKEN_TYPES: Final = frozenset({ACCESS_TOKEN, JWT})
"""What we can be asked for; ours are both (RFC 9068)."""

REPEATABLE: Final = frozenset({"audience", "resource"})
"""§2.1 lets these occur more than once; RFC 6749 §3.2 forbids it for every other parameter."""
