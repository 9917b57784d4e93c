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

class RelationshipType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RELATIONSHIP_TYPE_UNSPECIFIED: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_CLAIM_MATCH: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_STATIC: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_AWS_IDENTITY: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_SERVICE_PRINCIPAL: _ClassVar[RelationshipType]

class ServicePrincipal(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SERVICE_PRINCIPAL_UNSPECIFIED: _ClassVar[ServicePrincipal]
    SERVICE_PRINCIPAL_COSIGNED: _ClassVar[ServicePrincipal]
    SERVICE_PRINCIPAL_INGESTER: _ClassVar[ServicePrincipal]
    SERVICE_PRINCIPAL_CATALOG_SYNCER: _ClassVar[ServicePrincipal]
    SERVICE_PRINCIPAL_APKO_BUILDER: _ClassVar[ServicePrincipal]
    SERVICE_PRINCIPAL_ENTITLEMENT_SYNCER: _ClassVar[ServicePrincipal]
    SERVICE_PRINCIPAL_TENANT_SCANNER: _ClassVar[ServicePrincipal]
    SERVICE_PRINCIPAL_SEDIMENTOLOGY: _ClassVar[ServicePrincipal]
    SERVICE_PRINCIPAL_SKILLUP: _ClassVar[ServicePrincipal]
    SERVICE_PRINCIPAL_MATERIALIZER: _ClassVar[ServicePrincipal]
    SERVICE_PRINCIPAL_MICROFLOW: _ClassVar[ServicePrincipal]
    SERVICE_PRINCIPAL_GUARDENER: _ClassVar[ServicePrincipal]
    SERVICE_PRINCIPAL_MICROVM: _ClassVar[ServicePrincipal]
    SERVICE_PRINCIPAL_SKILLS: _ClassVar[ServicePrincipal]
RELATIONSHIP_TYPE_UNSPECIFIED: RelationshipType
RELATIONSHIP_TYPE_CLAIM_MATCH: RelationshipType
RELATIONSHIP_TYPE_STATIC: RelationshipType
RELATIONSHIP_TYPE_AWS_IDENTITY: RelationshipType
RELATIONSHIP_TYPE_SERVICE_PRINCIPAL: RelationshipType
SERVICE_PRINCIPAL_UNSPECIFIED: ServicePrincipal
SERVICE_PRINCIPAL_COSIGNED: ServicePrincipal
SERVICE_PRINCIPAL_INGESTER: ServicePrincipal
SERVICE_PRINCIPAL_CATALOG_SYNCER: ServicePrincipal
SERVICE_PRINCIPAL_APKO_BUILDER: ServicePrincipal
SERVICE_PRINCIPAL_ENTITLEMENT_SYNCER: ServicePrincipal
SERVICE_PRINCIPAL_TENANT_SCANNER: ServicePrincipal
SERVICE_PRINCIPAL_SEDIMENTOLOGY: ServicePrincipal
SERVICE_PRINCIPAL_SKILLUP: ServicePrincipal
SERVICE_PRINCIPAL_MATERIALIZER: ServicePrincipal
SERVICE_PRINCIPAL_MICROFLOW: ServicePrincipal
SERVICE_PRINCIPAL_GUARDENER: ServicePrincipal
SERVICE_PRINCIPAL_MICROVM: ServicePrincipal
SERVICE_PRINCIPAL_SKILLS: ServicePrincipal

class Identity(_message.Message):
    __slots__ = ("uid", "name", "description", "email", "email_unverified", "company", "last_seen_time", "create_time", "update_time", "claim_match", "static_keys", "aws_identity", "service_principal")
    class ClaimMatch(_message.Message):
        __slots__ = ("issuer", "issuer_pattern", "subject", "subject_pattern", "audience", "audience_pattern", "claims", "claim_patterns")
        class ClaimsEntry(_message.Message):
            __slots__ = ("key", "value")
            KEY_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            key: str
            value: str
            def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
        class ClaimPatternsEntry(_message.Message):
            __slots__ = ("key", "value")
            KEY_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            key: str
            value: str
            def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
        ISSUER_FIELD_NUMBER: _ClassVar[int]
        ISSUER_PATTERN_FIELD_NUMBER: _ClassVar[int]
        SUBJECT_FIELD_NUMBER: _ClassVar[int]
        SUBJECT_PATTERN_FIELD_NUMBER: _ClassVar[int]
        AUDIENCE_FIELD_NUMBER: _ClassVar[int]
        AUDIENCE_PATTERN_FIELD_NUMBER: _ClassVar[int]
        CLAIMS_FIELD_NUMBER: _ClassVar[int]
        CLAIM_PATTERNS_FIELD_NUMBER: _ClassVar[int]
        issuer: str
        issuer_pattern: str
        subject: str
        subject_pattern: str
        audience: str
        audience_pattern: str
        claims: _containers.ScalarMap[str, str]
        claim_patterns: _containers.ScalarMap[str, str]
        def __init__(self, issuer: _Optional[str] = ..., issuer_pattern: _Optional[str] = ..., subject: _Optional[str] = ..., subject_pattern: _Optional[str] = ..., audience: _Optional[str] = ..., audience_pattern: _Optional[str] = ..., claims: _Optional[_Mapping[str, str]] = ..., claim_patterns: _Optional[_Mapping[str, str]] = ...) -> None: ...
    class StaticKeys(_message.Message):
        __slots__ = ("issuer", "subject", "issuer_keys", "expiration_time", "audiences")
        ISSUER_FIELD_NUMBER: _ClassVar[int]
        SUBJECT_FIELD_NUMBER: _ClassVar[int]
        ISSUER_KEYS_FIELD_NUMBER: _ClassVar[int]
        EXPIRATION_TIME_FIELD_NUMBER: _ClassVar[int]
        AUDIENCES_FIELD_NUMBER: _ClassVar[int]
        issuer: str
        subject: str
        issuer_keys: str
        expiration_time: _timestamp_pb2.Timestamp
        audiences: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, issuer: _Optional[str] = ..., subject: _Optional[str] = ..., issuer_keys: _Optional[str] = ..., expiration_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., audiences: _Optional[_Iterable[str]] = ...) -> None: ...
    class AWSIdentity(_message.Message):
        __slots__ = ("aws_account", "arn", "arn_pattern", "user_id", "user_id_pattern")
        AWS_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
        ARN_FIELD_NUMBER: _ClassVar[int]
        ARN_PATTERN_FIELD_NUMBER: _ClassVar[int]
        USER_ID_FIELD_NUMBER: _ClassVar[int]
        USER_ID_PATTERN_FIELD_NUMBER: _ClassVar[int]
        aws_account: str
        arn: str
        arn_pattern: str
        user_id: str
        user_id_pattern: str
        def __init__(self, aws_account: _Optional[str] = ..., arn: _Optional[str] = ..., arn_pattern: _Optional[str] = ..., user_id: _Optional[str] = ..., user_id_pattern: _Optional[str] = ...) -> None: ...
    UID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    EMAIL_UNVERIFIED_FIELD_NUMBER: _ClassVar[int]
    COMPANY_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CLAIM_MATCH_FIELD_NUMBER: _ClassVar[int]
    STATIC_KEYS_FIELD_NUMBER: _ClassVar[int]
    AWS_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    SERVICE_PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    uid: str
    name: str
    description: str
    email: str
    email_unverified: str
    company: str
    last_seen_time: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    claim_match: Identity.ClaimMatch
    static_keys: Identity.StaticKeys
    aws_identity: Identity.AWSIdentity
    service_principal: ServicePrincipal
    def __init__(self, uid: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., email: _Optional[str] = ..., email_unverified: _Optional[str] = ..., company: _Optional[str] = ..., last_seen_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., claim_match: _Optional[_Union[Identity.ClaimMatch, _Mapping]] = ..., static_keys: _Optional[_Union[Identity.StaticKeys, _Mapping]] = ..., aws_identity: _Optional[_Union[Identity.AWSIdentity, _Mapping]] = ..., service_principal: _Optional[_Union[ServicePrincipal, str]] = ...) -> None: ...

class CreateIdentityRequest(_message.Message):
    __slots__ = ("parent", "identity")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    parent: str
    identity: Identity
    def __init__(self, parent: _Optional[str] = ..., identity: _Optional[_Union[Identity, _Mapping]] = ...) -> None: ...

class GetIdentityRequest(_message.Message):
    __slots__ = ("uid",)
    UID_FIELD_NUMBER: _ClassVar[int]
    uid: str
    def __init__(self, uid: _Optional[str] = ...) -> None: ...

class DeleteIdentityRequest(_message.Message):
    __slots__ = ("uid",)
    UID_FIELD_NUMBER: _ClassVar[int]
    uid: str
    def __init__(self, uid: _Optional[str] = ...) -> None: ...

class UpdateIdentityRequest(_message.Message):
    __slots__ = ("identity", "update_mask")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    identity: Identity
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, identity: _Optional[_Union[Identity, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class ListIdentitiesRequest(_message.Message):
    __slots__ = ("uidp", "name", "relationship_type", "page_size", "page_token", "order_by", "skip")
    UIDP_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    RELATIONSHIP_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    SKIP_FIELD_NUMBER: _ClassVar[int]
    uidp: _uidp_pb2.UIDPFilter
    name: str
    relationship_type: RelationshipType
    page_size: int
    page_token: str
    order_by: str
    skip: int
    def __init__(self, uidp: _Optional[_Union[_uidp_pb2.UIDPFilter, _Mapping]] = ..., name: _Optional[str] = ..., relationship_type: _Optional[_Union[RelationshipType, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., order_by: _Optional[str] = ..., skip: _Optional[int] = ...) -> None: ...

class ListIdentitiesResponse(_message.Message):
    __slots__ = ("identities", "next_page_token", "total_count", "skipped")
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    identities: _containers.RepeatedCompositeFieldContainer[Identity]
    next_page_token: str
    total_count: int
    skipped: int
    def __init__(self, identities: _Optional[_Iterable[_Union[Identity, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_count: _Optional[int] = ..., skipped: _Optional[int] = ...) -> None: ...

class LookupIdentityRequest(_message.Message):
    __slots__ = ("issuer", "subject")
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    issuer: str
    subject: str
    def __init__(self, issuer: _Optional[str] = ..., subject: _Optional[str] = ...) -> None: ...

class LookupIdentityResponse(_message.Message):
    __slots__ = ("uid",)
    UID_FIELD_NUMBER: _ClassVar[int]
    uid: str
    def __init__(self, uid: _Optional[str] = ...) -> None: ...

class IdentityMetadata(_message.Message):
    __slots__ = ("uid", "name", "given_name", "family_name", "company", "updates_opt_in", "product", "job_title", "utm_campaign", "utm_content", "utm_medium", "utm_source", "utm_term", "latest_form_submit_url", "latest_internal_referring_url", "hubspot_utk", "self_serve")
    UID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    GIVEN_NAME_FIELD_NUMBER: _ClassVar[int]
    FAMILY_NAME_FIELD_NUMBER: _ClassVar[int]
    COMPANY_FIELD_NUMBER: _ClassVar[int]
    UPDATES_OPT_IN_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    JOB_TITLE_FIELD_NUMBER: _ClassVar[int]
    UTM_CAMPAIGN_FIELD_NUMBER: _ClassVar[int]
    UTM_CONTENT_FIELD_NUMBER: _ClassVar[int]
    UTM_MEDIUM_FIELD_NUMBER: _ClassVar[int]
    UTM_SOURCE_FIELD_NUMBER: _ClassVar[int]
    UTM_TERM_FIELD_NUMBER: _ClassVar[int]
    LATEST_FORM_SUBMIT_URL_FIELD_NUMBER: _ClassVar[int]
    LATEST_INTERNAL_REFERRING_URL_FIELD_NUMBER: _ClassVar[int]
    HUBSPOT_UTK_FIELD_NUMBER: _ClassVar[int]
    SELF_SERVE_FIELD_NUMBER: _ClassVar[int]
    uid: str
    name: str
    given_name: str
    family_name: str
    company: str
    updates_opt_in: bool
    product: str
    job_title: str
    utm_campaign: str
    utm_content: str
    utm_medium: str
    utm_source: str
    utm_term: str
    latest_form_submit_url: str
    latest_internal_referring_url: str
    hubspot_utk: str
    self_serve: bool
    def __init__(self, uid: _Optional[str] = ..., name: _Optional[str] = ..., given_name: _Optional[str] = ..., family_name: _Optional[str] = ..., company: _Optional[str] = ..., updates_opt_in: _Optional[bool] = ..., product: _Optional[str] = ..., job_title: _Optional[str] = ..., utm_campaign: _Optional[str] = ..., utm_content: _Optional[str] = ..., utm_medium: _Optional[str] = ..., utm_source: _Optional[str] = ..., utm_term: _Optional[str] = ..., latest_form_submit_url: _Optional[str] = ..., latest_internal_referring_url: _Optional[str] = ..., hubspot_utk: _Optional[str] = ..., self_serve: _Optional[bool] = ...) -> None: ...

class UpdateIdentityMetadataRequest(_message.Message):
    __slots__ = ("identity_metadata", "update_mask")
    IDENTITY_METADATA_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    identity_metadata: IdentityMetadata
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, identity_metadata: _Optional[_Union[IdentityMetadata, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...
