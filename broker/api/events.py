"""What a call leaves in the audit log: a record a change, and the CloudEvent of the method."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from broker.audit.record import AuditRecord
from broker.contract.methods import Method
from broker.contract.options import Audience, Event
from broker.contract.proto_json import to_json
from broker.directory.recording import Record, change_record, readers
from broker.directory.work import Work


def audit_records(
    method: Method, request: Message, response: Message, work: Work, api_url: str
) -> Iterator[AuditRecord]:
    """The records of the changes that `work` made. The first one carries the method's event."""
    event = _event(method, request, response, work, api_url)
    for change in work.changes:
        yield change_record(
            change.record,
            change.verb,
            fields=change.fields,
            actor=work.caller.identity,
            now=work.now,
            random=work.random,
            request_id=work.caller.request_id,
            event=event,
            findings=change.findings,
        )
        event = None


def _event(
    method: Method, request: Message, response: Message, work: Work, api_url: str
) -> dict[str, Any] | None:
    """The CloudEvents attributes (CloudEvents 1.0 §3) without the id, which is the record's, and
    the data: who acted, and the message that tells what became of it.
    """
    if method.event is None or not work.changes:
        return None
    record = work.changes[0].record
    # of what was removed there is no message; what was asked for tells which it was
    body = request if isinstance(response, Empty) else response
    return {
        "type": method.event.type,
        "source": api_url + _service_path(method),
        "subject": record.group if not hasattr(record, "id") else record.id,
        "time": _rfc3339(work.now),
        **_extensions(method.event, record),
        "audience": "customer" if method.event.audience is Audience.CUSTOMER else "internal",
        "bodytype": body.DESCRIPTOR.full_name,
        "data": {
            "actor": {"subject": work.caller.identity, "act": dict(work.caller.actor)},
            "body": to_json(without_secrets(body)),
        },
    }


def without_secrets(message: Message) -> Message:
    """A copy in which every field that the contract marks `debug_redact` is empty."""
    copy = type(message)()
    copy.CopyFrom(message)
    _redact(copy)
    return copy


def _redact(message: Message) -> None:
    for field, value in message.ListFields():
        if field.GetOptions().debug_redact:
            message.ClearField(field.name)
        elif field.type == FieldDescriptor.TYPE_MESSAGE and not _is_map(field):
            for inner in value if field.is_repeated else (value,):
                _redact(inner)


def _is_map(field: Any) -> bool:
    return bool(field.message_type.GetOptions().map_entry)


def _extensions(event: Event, record: Record) -> dict[str, str]:
    known = {
        "group": readers(record),
        "identityprovider": getattr(record, "identity_provider", None),
    }
    return {name: str(value) for name in event.extensions if (value := known.get(name))}


def _service_path(method: Method) -> str:
    template = method.http[0].template if method.http else ""
    return template.partition("{")[0].partition(":")[0].rstrip("/")


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
