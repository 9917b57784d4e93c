from broker.contract.proto.annotations import auth_pb2 as _auth_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    PASSED: _ClassVar[Outcome]
    FAILED: _ClassVar[Outcome]
    NOT_REACHED: _ClassVar[Outcome]
OUTCOME_UNSPECIFIED: Outcome
PASSED: Outcome
FAILED: Outcome
NOT_REACHED: Outcome

class ExplainIdentityRequest(_message.Message):
    __slots__ = ("uid", "token")
    UID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    uid: str
    token: str
    def __init__(self, uid: _Optional[str] = ..., token: _Optional[str] = ...) -> None: ...

class ExplainIdentityResponse(_message.Message):
    __slots__ = ("accepted", "summary", "steps", "candidates")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    accepted: bool
    summary: str
    steps: _containers.RepeatedCompositeFieldContainer[Step]
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    def __init__(self, accepted: _Optional[bool] = ..., summary: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[Step, _Mapping]]] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("stage", "name", "expected", "got", "outcome", "hint", "unverified", "absent")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    GOT_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    UNVERIFIED_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    stage: str
    name: str
    expected: str
    got: str
    outcome: Outcome
    hint: str
    unverified: bool
    absent: bool
    def __init__(self, stage: _Optional[str] = ..., name: _Optional[str] = ..., expected: _Optional[str] = ..., got: _Optional[str] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., hint: _Optional[str] = ..., unverified: _Optional[bool] = ..., absent: _Optional[bool] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("uid", "name")
    UID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    uid: str
    name: str
    def __init__(self, uid: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...
