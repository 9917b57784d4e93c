"""What others install: clients of the broker and the kit to test against it.

Stands alone: of the broker it imports `errors`, `oauth` and `iam`, and nothing else.
"""
