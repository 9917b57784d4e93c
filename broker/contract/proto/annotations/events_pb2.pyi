from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
EVENTS_FIELD_NUMBER: _ClassVar[int]
events: _descriptor.FieldDescriptor

class EventAttributes(_message.Message):
    __slots__ = ("type", "extensions", "audience")
    class Audience(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        INTERNAL: _ClassVar[EventAttributes.Audience]
        CUSTOMER: _ClassVar[EventAttributes.Audience]
    INTERNAL: EventAttributes.Audience
    CUSTOMER: EventAttributes.Audience
    TYPE_FIELD_NUMBER: _ClassVar[int]
    EXTENSIONS_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    type: str
    extensions: _containers.RepeatedScalarFieldContainer[str]
    audience: EventAttributes.Audience
    def __init__(self, type: _Optional[str] = ..., extensions: _Optional[_Iterable[str]] = ..., audience: _Optional[_Union[EventAttributes.Audience, str]] = ...) -> None: ...
