"""What the commands over the API share: the token, questions, names for UIDPs, output.

Knows the API by its HTTP form alone (`broker.sdk.api`): no store, no settings of the server, and
neither protobuf nor gRPC, so that a command starts fast.
"""
