"""The relying party: what others issued, fetched and verified.

Owns the outbound HTTP client, discovery and the keys of issuers, the signature and time checks of
upstream tokens, signed AWS requests, about which it asks AWS STS, and in `login` the connectors
through which people log in. Only this room makes `VerifiedClaims`.

It knows no record and no rule: which issuer is allowed is decided before it is asked, by whoever
asks, and nothing is fetched for an issuer that a token merely names. Nothing that an issuer
answered goes into a public message. May import `jose`, `iam`, `oauth` and `errors`.
"""
