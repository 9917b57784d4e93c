"""The broker: verifies tokens that others issued and mints short-lived ones of its own.

Rooms import downward only (see docs/architecture.md; import-linter enforces it).
"""

__version__ = "0.1.0"
