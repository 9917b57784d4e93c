"""The services of version 1."""
