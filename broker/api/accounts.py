"""Accounts of an association: the same messages in both versions of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message

PROVIDERS: Final = ("amazon", "azure", "chainguard", "github", "google")


def accounts_of(message: Message) -> Mapping[str, Any]:
    """The accounts that are set, as JSON by provider."""
    return {
        name: MessageToDict(getattr(message, name), preserving_proto_field_name=True)
        for name in PROVIDERS
        if message.HasField(name)
    }


def set_accounts(message: Message, accounts: Mapping[str, Any]) -> None:
    """The reverse; what a later version knew and this one does not is passed over."""
    for name in PROVIDERS:
        if name in accounts:
            account = getattr(message, name)
            account.SetInParent()
            ParseDict(accounts[name], account, ignore_unknown_fields=True)
