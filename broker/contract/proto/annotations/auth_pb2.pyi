from broker.contract.proto.capabilities import capabilities_pb2 as _capabilities_pb2
from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
IAM_FIELD_NUMBER: _ClassVar[int]
iam: _descriptor.FieldDescriptor
IAM_SCOPE_FIELD_NUMBER: _ClassVar[int]
iam_scope: _descriptor.FieldDescriptor

class IAM(_message.Message):
    __slots__ = ("disabled", "enabled")
    class Rules(_message.Message):
        __slots__ = ("capabilities", "unscoped")
        CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
        UNSCOPED_FIELD_NUMBER: _ClassVar[int]
        capabilities: _containers.RepeatedScalarFieldContainer[_capabilities_pb2.Capability]
        unscoped: bool
        def __init__(self, capabilities: _Optional[_Iterable[_Union[_capabilities_pb2.Capability, str]]] = ..., unscoped: _Optional[bool] = ...) -> None: ...
    DISABLED_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    disabled: _empty_pb2.Empty
    enabled: IAM.Rules
    def __init__(self, disabled: _Optional[_Union[_empty_pb2.Empty, _Mapping]] = ..., enabled: _Optional[_Union[IAM.Rules, _Mapping]] = ...) -> None: ...
