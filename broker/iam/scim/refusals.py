"""What can be wrong with what a directory sends; each has a `scimType` of RFC 7644 §3.12."""

from __future__ import annotations

from broker.errors import Invalid


def syntax_invalid(fault: str) -> Invalid:
    """`invalidSyntax`: the request is not of the form that SCIM has."""
    return Invalid("scim_syntax_invalid", fault)


def value_invalid(attribute: str, fault: str) -> Invalid:
    """`invalidValue`."""
    return Invalid("scim_value_invalid", f"{attribute}: {fault}", field=attribute)


def filter_invalid(fault: str) -> Invalid:
    """`invalidFilter`."""
    return Invalid("scim_filter_invalid", f"filter: {fault}", field="filter")


def path_invalid(path: str, fault: str) -> Invalid:
    """`invalidPath`."""
    return Invalid("scim_path_invalid", f"path: {path[:128]!r} {fault}", field="path")


def no_target(fault: str) -> Invalid:
    """`noTarget`."""
    return Invalid("scim_no_target", f"path: {fault}", field="path")


def read_only(attribute: str) -> Invalid:
    """`mutability`."""
    return Invalid(
        "scim_attribute_read_only", f"{attribute}: a client cannot change it", field=attribute
    )
