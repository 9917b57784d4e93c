"""Capabilities between people and the wire: `groups.list` is CAP_IAM_GROUPS_LIST there."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib.resources import files
from typing import Final

import click

from broker.sdk.api import ApiClient, Record

FIRST_CUSTOM_NUMBER: Final = 1_000_000
"""An operator's own capability has no name on the wire: it is this number plus its bit."""

WireName = str | int


class CapabilityNames:
    """Both directions. Asks the broker for the operator's own when one of them turns up."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self._builtin = builtin_capabilities()
        self._custom: dict[str, int] | None = None

    async def to_wire(self, names: Iterable[str], *, flag: str) -> list[WireName]:
        """Raises `click.BadParameter` for a name that does not exist."""
        found: list[WireName] = []
        for name in names:
            wire = self._builtin.get(name) or (await self._own()).get(name)
            if wire is None:
                near = get_close_matches(name, [*self._builtin, *await self._own()], n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise click.BadParameter(f"no capability {name!r}.{hint}", param_hint=flag)
            found.append(wire)
        return found

    async def readable(self, role: Record) -> Record:
        """A role of the API's with its capabilities by name, sorted."""
        names = {wire: name for name, wire in self._builtin.items()}
        wires = role.get("capabilities", ())
        if any(wire not in names for wire in wires):
            names |= {wire: name for name, wire in (await self._own()).items()}
        return {**role, "capabilities": sorted(str(names.get(wire, wire)) for wire in wires)}

    async def _own(self) -> Mapping[str, int]:
        if self._custom is None:
            published = await self._api.call("GET", "/.well-known/capabilities")
            self._custom = {
                name: FIRST_CUSTOM_NUMBER + bit
                for name, bit in published["capabilities"].items()
                if name not in self._builtin
            }
        return self._custom


def builtin_capabilities() -> dict[str, WireName]:
    """Name → name on the wire."""
    text = files("broker.iam").joinpath("data/capabilities.tsv").read_text()
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    return {row["name"]: row["enum_name"] for row in rows}


def complete_capabilities(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """For the shell: the last of several with commas between."""
    del ctx, param
    before, comma, last = incomplete.rpartition(",")
    names = sorted(builtin_capabilities())
    return [f"{before}{comma}{name}" for name in names if name.startswith(last)]
