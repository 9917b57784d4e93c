"""SCIM 2.0 (RFC 7644) for the directory of an organization, at an identity provider's own URL.

Turns requests into calls of `broker.directory.scim_users`, and what comes back into SCIM's JSON.
"""
