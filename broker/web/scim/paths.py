"""The paths of SCIM: `/scim/v2/{identity provider's UIDP, slashes and all}/Users/{id}`."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final
from urllib.parse import unquote

from aiohttp import web

from broker.iam.uidp import Uidp
from broker.web.front_door import Find, Place
from broker.web.scim.endpoint import ScimEndpoint
from broker.web.scim.rendering import scim_error

_Handler = Callable[[web.BaseRequest, str, Uidp, str], Awaitable[web.Response]]
_Handlers = Mapping[str, _Handler]
"""By method."""

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_UIDP: Final = r"[0-9a-f]{40}(?:/[0-9a-f]{16}){1,57}"
_PATH: Final = re.compile(
    rf"/scim/v2/(?P<provider>{_UIDP})(?:/(?P<resource>[A-Za-z.]+))?(?:/(?P<name>[^/]+))?/?"
)


class ScimPaths:
    """Those of every provider."""

    def __init__(self, endpoint: ScimEndpoint) -> None:
        read = "GET"
        unsupported = dict.fromkeys(_METHODS, endpoint.unsupported)
        config = {read: endpoint.config}
        types, schemas = {read: endpoint.resource_types}, {read: endpoint.schemas}
        self._nothing = dict.fromkeys(_METHODS, endpoint.nothing)
        self._collections: Mapping[str, _Handlers] = {
            "Users": {read: endpoint.find, "POST": endpoint.create},
            "ServiceProviderConfig": config,
            "ResourceTypes": types,
            "Schemas": schemas,
            **dict.fromkeys(("Groups", "Bulk", "Me", ".search"), unsupported),
        }
        self._members: Mapping[str, _Handlers] = {
            "Users": {
                read: endpoint.get,
                "PUT": endpoint.replace,
                "PATCH": endpoint.patch,
                "DELETE": endpoint.delete,
            },
            "ResourceTypes": types,
            "Schemas": schemas,
            "Groups": unsupported,
        }
        self._unsupported = unsupported

    def find(self, request: web.BaseRequest) -> Place | None:
        """What the path leads to; None for one that is not SCIM's."""
        raw = request.rel_url.raw_path
        if not raw.startswith("/scim/v2/"):
            return None
        found = _PATH.fullmatch(raw)
        if found is None:
            return None
        resource, name = found["resource"] or "", unquote(found["name"] or "")
        handlers = self._handlers(resource, name)
        is_known = handlers is not self._nothing
        template = f"/{resource}" + ("/{id}" if name else "") if is_known else "/(unknown)"
        handler = handlers.get(request.method)
        return Place(
            f"/scim/v2/{{identity_provider}}{template}",
            partial(_call, handler, Uidp(found["provider"]), name) if handler else None,
            handlers,
            scim_error,
        )

    def _handlers(self, resource: str, name: str) -> _Handlers:
        if name == ".search":
            return self._unsupported
        return (self._members if name else self._collections).get(resource, self._nothing)


def either(first: Find, second: Find) -> Find:
    """What the first one knows, or else the second."""
    return lambda request: first(request) or second(request)


async def _call(
    handler: _Handler, provider: Uidp, name: str, request: web.BaseRequest, request_id: str
) -> web.Response:
    return await handler(request, request_id, provider, name)
