"""SCIM 2.0 (RFC 7643, RFC 7644) as far as it is pure: attributes of a user, filters, patches.

Reads JSON values that a directory sent and gives JSON values in the canonical spelling. Knows no
HTTP and no store. Attribute names are compared without regard to case (RFC 7643 §2.1).
"""
