"""The API, declared once: the .proto files, their generated modules, the reader of their options.

Owns what a client may rely on: packages, services, messages, HTTP routes, the capabilities that a
call needs, and the event that its success emits. Both wires, the authorization check, the events
and the OpenAPI document are derived from here; nothing about a method is written a second time.
`v2beta1` is `v2` under another name and has no files of its own.

Knows no transport, no store and no use case. May import `broker.iam`, `broker.oauth` and
`broker.errors`.
"""
