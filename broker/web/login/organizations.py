"""`/orgcheck`: whether an organization can be named to log in."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from broker.errors import Invalid, Stage
from broker.web.parameters import check_names, read_query, single
from broker.web.rendering import json_response


class Organizations(Protocol):
    """`broker.directory.login_providers` has it."""

    async def has_provider(self, name: str) -> bool:
        """Whether a verified organization of this name has an identity provider."""
        ...


class OrganizationCheck:
    """GET: JSON `true` or `false`."""

    def __init__(self, organizations: Organizations) -> None:
        self._organizations = organizations

    async def __call__(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """As the organization is now."""
        del request_id
        query = read_query(request)
        check_names(query, frozenset({"name"}), repeatable=())
        name = single(query, "name")
        if not name:
            raise Invalid("field_invalid", "name: is required", stage=Stage.REQUEST, field="name")
        return json_response(await self._organizations.has_provider(name))
