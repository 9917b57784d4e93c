"""Compact JWS and JWK sets, read strictly: what others signed, and what we signed.

Owns the parser of compact JWS, of JSON that means one thing, of JWK sets, and the check of a
signature against them. It decides nothing about issuers, claims or times; those who verify
(`broker.upstream` for tokens of others, `broker.issuer` for our own) do. Imports `errors` alone.
"""
