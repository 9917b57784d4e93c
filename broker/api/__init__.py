"""The contract's services: a protobuf message in, a directory call, a message out.

Owns what both wires share: who calls (the broker's own access token), whether they may (from the
options of the contract), the transaction in which it happens, and the event that is written down
with it. Knows no HTTP and no gRPC; decides nothing about records, which is the directory's.
"""
