"""`broker lint`: files and live identities in, findings out as text, JSON or SARIF."""
