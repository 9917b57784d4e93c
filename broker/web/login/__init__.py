"""Logging in, over HTTP: `/oauth`, sign-in and registration, the way back from providers, invites,
the account.

Turns requests into the values of `broker.grants.login`, keeps the two cookies, and hands pages of
`broker.web.pages` what they show. What happens once somebody is known is a `Completion`, one for
each intent.
"""
