"""Logging a person in from a program of theirs: in the browser, or on another device.

`provider` knows where the broker's endpoints are, `browser` and `device` are the two ways to log
in, `tokens` what is done with tokens afterwards, `renewal` that with `broker.sdk.token_cache`.
"""
