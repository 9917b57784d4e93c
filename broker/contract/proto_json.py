"""Messages as JSON and back: the proto3 JSON mapping (protobuf.dev/programming-guides/json)."""

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message


def to_json(message: Message) -> dict[str, Any]:
    """Names in lowerCamelCase; fields without presence are there also when they are empty."""
    return MessageToDict(message, always_print_fields_with_no_presence=True)
