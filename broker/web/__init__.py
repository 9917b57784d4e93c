"""HTTP in. The only room that holds aiohttp's server.

Turns a request into a frozen value, calls a grant, and turns the result or the error into a
response. Decides nothing about tokens or rights. Owns the port, and passes on the connections that
speak gRPC.
"""
