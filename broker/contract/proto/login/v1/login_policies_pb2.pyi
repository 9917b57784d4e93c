from broker.contract.proto.annotations import auth_pb2 as _auth_pb2
from broker.contract.proto.annotations import events_pb2 as _events_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LoginPolicy(_message.Message):
    __slots__ = ("group", "require_identity_provider", "break_glass", "email_domains")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    REQUIRE_IDENTITY_PROVIDER_FIELD_NUMBER: _ClassVar[int]
    BREAK_GLASS_FIELD_NUMBER: _ClassVar[int]
    EMAIL_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    group: str
    require_identity_provider: bool
    break_glass: _containers.RepeatedScalarFieldContainer[str]
    email_domains: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, group: _Optional[str] = ..., require_identity_provider: _Optional[bool] = ..., break_glass: _Optional[_Iterable[str]] = ..., email_domains: _Optional[_Iterable[str]] = ...) -> None: ...

class GetLoginPolicyRequest(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: str
    def __init__(self, group: _Optional[str] = ...) -> None: ...

class UpdateLoginPolicyRequest(_message.Message):
    __slots__ = ("policy", "update_mask")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    policy: LoginPolicy
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, policy: _Optional[_Union[LoginPolicy, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...
