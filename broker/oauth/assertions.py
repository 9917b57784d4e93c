"""RFC 7521 and RFC 7523, JWTs as grants and as client authentication: identifiers."""

from __future__ import annotations

from typing import Final

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
"""RFC 7523 §2.1, value of `grant_type`: the JWT is the parameter `assertion`."""

CLIENT_CREDENTIALS: Final = "client_credentials"
"""RFC 6749 §4.4.2, value of `grant_type`."""

JWT_CLIENT_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""RFC 7523 §2.2, value of `client_assertion_type`: the JWT is the parameter `client_assertion`."""

DEFAULT_SCOPE: Final = "/.default"
"""How a scope ends that means a resource and all that the client may do there. In no registry;
what clients of Entra ID send, which has no parameter for the audience."""
