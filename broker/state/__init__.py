"""Ephemeral state: what several processes have to agree on, and what may be forgotten.

In this process (`memory`), or in a Redis that processes share (`redis`); the only room that holds
Redis. Knows neither tokens nor identities: keys come in as text, under a namespace for each
purpose. Nothing here is a record; whoever needs something to outlive a restart keeps it in the
store.
"""
