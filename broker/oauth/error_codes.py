"""Error codes of the token endpoint."""

from __future__ import annotations

from typing import Final

INVALID_REQUEST: Final = "invalid_request"
INVALID_CLIENT: Final = "invalid_client"
INVALID_GRANT: Final = "invalid_grant"
UNAUTHORIZED_CLIENT: Final = "unauthorized_client"
UNSUPPORTED_GRANT_TYPE: Final = "unsupported_grant_type"
INVALID_SCOPE: Final = "invalid_scope"
"""RFC 6749 §5.2."""

INVALID_TARGET: Final = "invalid_target"
"""RFC 8693 §2.2.2: the requested audience or resource is not allowed."""

TEMPORARILY_UNAVAILABLE: Final = "temporarily_unavailable"
SERVER_ERROR: Final = "server_error"
"""RFC 6749 §4.1.2.1, used at the token endpoint too, as deployed servers do."""
