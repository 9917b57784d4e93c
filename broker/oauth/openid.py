"""OpenID Connect Core 1.0: scopes, prompts, errors, claims."""

from __future__ import annotations

from typing import Final

OPENID: Final = "openid"
EMAIL: Final = "email"
PROFILE: Final = "profile"
OFFLINE_ACCESS: Final = "offline_access"
SCOPES: Final = (OPENID, EMAIL, PROFILE, OFFLINE_ACCESS)
"""§5.4 and §11: those that are known; other words of `scope` are UIDPs of groups."""

NONE: Final = "none"
LOGIN: Final = "login"
SELECT_ACCOUNT: Final = "select_account"
CONSENT: Final = "consent"
PROMPTS: Final = (NONE, LOGIN, SELECT_ACCOUNT, CONSENT)
"""§3.1.2.1, values of `prompt`."""

LOGIN_REQUIRED: Final = "login_required"
INTERACTION_REQUIRED: Final = "interaction_required"
REQUEST_NOT_SUPPORTED: Final = "request_not_supported"
REQUEST_URI_NOT_SUPPORTED: Final = "request_uri_not_supported"
"""§3.1.2.6, errors of the authorization endpoint."""

INSUFFICIENT_SCOPE: Final = "insufficient_scope"
"""RFC 6750 §3.1, an error of the userinfo endpoint."""

UNSUPPORTED_TOKEN_TYPE: Final = "unsupported_token_type"  # noqa: S105 - a word
"""RFC 7009 §2.2.1, an error of the revocation endpoint."""
