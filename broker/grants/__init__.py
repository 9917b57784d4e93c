"""One file a way to get a token.

A grant takes a parsed request and gives a minted token, or raises; it knows no HTTP. Every
outcome, good or bad, has an audit record before anybody hears of it.
"""
