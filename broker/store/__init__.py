"""Durable records: the only SQL, and the migrations of its schema.

Owns the tables, the transactions, and the translation between rows and the frozen values of
`broker.iam.model`, `broker.audit.record` and `broker.issuer.keys`. Runs on SQLite and PostgreSQL
with the same outcomes. Decides nothing: who may do what, and whether a record makes sense, is
settled before it comes here. No other room sees a row, a connection or a driver's error.
"""

from __future__ import annotations

from broker.store.counts import Countable
from broker.store.records import Records
from broker.store.store import Store

__all__ = ["Countable", "Records", "Store"]
