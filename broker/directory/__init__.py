"""IAM use cases, one module a noun: authorize → record → act.

Owns what it means to set up an organization and to bring records to what a declaration says. May
import the store and the rooms below it; knows no protobuf, no HTTP and no terminal.

The use cases of an operator at the machine (`bootstrap`, `declaration`) ask for no authorization:
whoever holds the database decides already. Their audit records say `local:bootstrap` and
`local:apply`.
"""
