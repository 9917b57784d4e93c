"""What happened: the audit record, its id, and the writer that makes it durable.

Owns the form of a record and the promise that `write` returns only when the record is kept.
Where records are kept is the business of who fulfils `AuditLog`; this room knows no SQL, no
token and no request.
"""
