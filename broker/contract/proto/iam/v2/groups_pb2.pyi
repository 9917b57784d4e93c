import datetime

from broker.contract.proto.annotations import auth_pb2 as _auth_pb2
from broker.contract.proto.annotations import events_pb2 as _events_pb2
from broker.contract.proto.common.v1 import uidp_pb2 as _uidp_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OrgKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORG_KIND_UNSPECIFIED: _ClassVar[OrgKind]
    ORG_KIND_STARTER: _ClassVar[OrgKind]
    ORG_KIND_CUSTOMER: _ClassVar[OrgKind]
    ORG_KIND_DEV: _ClassVar[OrgKind]
    ORG_KIND_INFRA: _ClassVar[OrgKind]
    ORG_KIND_AWS_MARKETPLACE: _ClassVar[OrgKind]

class OrgStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORG_STATUS_UNSPECIFIED: _ClassVar[OrgStatus]
    ORG_STATUS_INITIALIZING: _ClassVar[OrgStatus]
    ORG_STATUS_READY: _ClassVar[OrgStatus]
    ORG_STATUS_SUSPENDED: _ClassVar[OrgStatus]
ORG_KIND_UNSPECIFIED: OrgKind
ORG_KIND_STARTER: OrgKind
ORG_KIND_CUSTOMER: OrgKind
ORG_KIND_DEV: OrgKind
ORG_KIND_INFRA: OrgKind
ORG_KIND_AWS_MARKETPLACE: OrgKind
ORG_STATUS_UNSPECIFIED: OrgStatus
ORG_STATUS_INITIALIZING: OrgStatus
ORG_STATUS_READY: OrgStatus
ORG_STATUS_SUSPENDED: OrgStatus

class Group(_message.Message):
    __slots__ = ("uid", "name", "description", "resource_limits", "verified", "create_time", "update_time", "kind", "status")
    class ResourceLimitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    UID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_LIMITS_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    uid: str
    name: str
    description: str
    resource_limits: _containers.ScalarMap[str, int]
    verified: bool
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    kind: OrgKind
    status: OrgStatus
    def __init__(self, uid: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., resource_limits: _Optional[_Mapping[str, int]] = ..., verified: _Optional[bool] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[_Union[OrgKind, str]] = ..., status: _Optional[_Union[OrgStatus, str]] = ...) -> None: ...

class GetGroupRequest(_message.Message):
    __slots__ = ("uid",)
    UID_FIELD_NUMBER: _ClassVar[int]
    uid: str
    def __init__(self, uid: _Optional[str] = ...) -> None: ...

class DeleteGroupRequest(_message.Message):
    __slots__ = ("uid",)
    UID_FIELD_NUMBER: _ClassVar[int]
    uid: str
    def __init__(self, uid: _Optional[str] = ...) -> None: ...

class ListGroupsRequest(_message.Message):
    __slots__ = ("uidp", "name", "page_size", "page_token", "order_by", "skip")
    UIDP_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    SKIP_FIELD_NUMBER: _ClassVar[int]
    uidp: _uidp_pb2.UIDPFilter
    name: str
    page_size: int
    page_token: str
    order_by: str
    skip: int
    def __init__(self, uidp: _Optional[_Union[_uidp_pb2.UIDPFilter, _Mapping]] = ..., name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., order_by: _Optional[str] = ..., skip: _Optional[int] = ...) -> None: ...

class ListGroupsResponse(_message.Message):
    __slots__ = ("groups", "next_page_token", "total_count", "skipped")
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[Group]
    next_page_token: str
    total_count: int
    skipped: int
    def __init__(self, groups: _Optional[_Iterable[_Union[Group, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_count: _Optional[int] = ..., skipped: _Optional[int] = ...) -> None: ...

class CreateGroupRequest(_message.Message):
    __slots__ = ("parent", "group")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    parent: str
    group: Group
    def __init__(self, parent: _Optional[str] = ..., group: _Optional[_Union[Group, _Mapping]] = ...) -> None: ...

class UpdateGroupRequest(_message.Message):
    __slots__ = ("group", "update_mask")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    group: Group
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, group: _Optional[_Union[Group, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class LookupGroupRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LookupGroupResponse(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: Group
    def __init__(self, group: _Optional[_Union[Group, _Mapping]] = ...) -> None: ...

class RequestGroupAccessRequest(_message.Message):
    __slots__ = ("group_uid",)
    GROUP_UID_FIELD_NUMBER: _ClassVar[int]
    group_uid: str
    def __init__(self, group_uid: _Optional[str] = ...) -> None: ...

class RequestGroupAccessResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CheckEligibilityRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CheckEligibilityResponse(_message.Message):
    __slots__ = ("eligible",)
    ELIGIBLE_FIELD_NUMBER: _ClassVar[int]
    eligible: bool
    def __init__(self, eligible: _Optional[bool] = ...) -> None: ...
