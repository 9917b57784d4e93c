"""gRPC in: the same services as over HTTP, from the same contract.

The only room that holds grpc. Turns a call into a request message and its metadata into a bearer
token, asks `broker.api`, and turns the answer or the error into gRPC's. Decides nothing.
"""
