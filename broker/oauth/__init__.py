"""Protocol words: grant types, token types, error codes, as their RFCs spell them.

Pure: imports nothing but the standard library, decides nothing.
"""
