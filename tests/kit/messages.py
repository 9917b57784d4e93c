"""Messages of the contract with anything in them (hypothesis)."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

_Message = TypeVar("_Message", bound=Message)

TEXT: Final = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
_LATEST: Final = 253_402_300_799
_LONGEST: Final = 315_576_000_000
_PATHS: Final = ["name", "description", "claim_match.issuer_pattern", "oidc", "x_y.z"]

_SCALARS: Final[dict[int, st.SearchStrategy[Any]]] = {
    FieldDescriptor.TYPE_STRING: TEXT,
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=8),
}


@st.composite
def messages(draw: st.DrawFn, kind: type[_Message]) -> _Message:
    """Of this type; any of its fields may be unset."""
    message = kind()
    if kind.DESCRIPTOR.full_name.startswith("google.protobuf."):
        _well_known(draw, message)
        return message
    taken: set[str] = set()
    for field in kind.DESCRIPTOR.fields:
        group = field.containing_oneof
        if (group is not None and group.name in taken) or draw(st.booleans()):
            continue
        if group is not None:
            taken.add(group.name)
        _fill(draw, message, field)
    return message


def _fill(draw: st.DrawFn, message: Any, field: Any) -> None:
    holder, entry = getattr(message, field.name), field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        keys = st.lists(_SCALARS[entry.fields_by_name["key"].type], max_size=2)
        value = entry.fields_by_name["value"]
        for key in draw(keys):
            if value.message_type is not None:
                holder[key].MergeFrom(draw(messages(GetMessageClass(value.message_type))))
            else:
                holder[key] = draw(_scalar(value))
    elif entry is None and field.is_repeated:
        holder.extend(draw(st.lists(_scalar(field), max_size=3)))
    elif entry is None:
        setattr(message, field.name, draw(_scalar(field)))
    elif field.is_repeated:
        holder.extend(draw(st.lists(messages(GetMessageClass(entry)), max_size=2)))
    else:
        holder.SetInParent()
        holder.MergeFrom(draw(messages(GetMessageClass(entry))))


def _scalar(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.enum_type is None:
        return _SCALARS[field.type]
    known = st.sampled_from(sorted(value.number for value in field.enum_type.values))
    return st.one_of(known, st.integers(0, 2**31 - 1))  # of a proto3 enum, others travel as well


def _well_known(draw: st.DrawFn, message: Any) -> None:
    nanos = st.one_of(
        st.just(0), st.sampled_from([1, 999_999_999]), st.integers(1, 999).map(lambda n: n * 10**6),
        st.integers(1, 999_999).map(lambda n: n * 1000),
    )  # fmt: skip
    match message.DESCRIPTOR.name:
        case "Timestamp":
            message.seconds = draw(st.integers(-62_135_596_800, _LATEST))
            message.nanos = draw(nanos)
        case "Duration":
            sign = draw(st.sampled_from([-1, 1]))
            message.seconds = sign * draw(st.integers(0, _LONGEST - 1))
            message.nanos = sign * draw(nanos)
        case "FieldMask":
            message.paths.extend(draw(st.lists(st.sampled_from(_PATHS), max_size=3)))
