"""Connectors: people sent to an identity provider, and what comes back with them.

Owns the relying party's side of OpenID Connect and of GitHub's OAuth: metadata of providers,
authorization URLs, token requests, the checks of ID tokens. Only this room makes a `Login`, and it
makes one of what the provider vouches for and nothing else.

It knows no record, no session and no policy: which provider is asked, whose browser comes back and
whether the person may in is decided by whoever asks. `state` is theirs too. What a provider
answered is for the operator (`BrokerError.detail`), never for the person.
"""
