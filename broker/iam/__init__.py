"""The domain: UIDPs, groups, identities and their rules, roles, bindings, who may do what.

Pure. Imports the standard library, re2 and `broker.errors`, nothing else; takes values and gives
values. The clock and the random source are arguments.
"""
