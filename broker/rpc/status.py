"""Errors as gRPC has them: a code and a text, and a google.rpc.Status with the details."""

from __future__ import annotations

from typing import Final

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from broker.api.status import Told

CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
"""By number."""


def status(told: Told) -> Status:
    """What was told, with an ErrorInfo, and a RetryInfo where trying again later may help."""
    details: list[Message] = [ErrorInfo(**told.info._asdict())]
    if told.retry_after is not None:
        retry = RetryInfo()
        retry.retry_delay.FromSeconds(told.retry_after)
        details.append(retry)
    answer = Status(code=told.wire.grpc, message=told.message)
    for detail in details:
        answer.details.add().Pack(detail)
    return answer
