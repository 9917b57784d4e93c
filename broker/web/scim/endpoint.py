"""The handlers of a provider's endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import hdrs, web

from broker.directory.scim_users import ScimUsers
from broker.errors import NotFound, Unimplemented
from broker.iam.model import ScimUser
from broker.iam.scim.patch import operations_of, patched
from broker.iam.scim.resource import etag, projected, resource
from broker.iam.scim.values import user_of
from broker.iam.uidp import Uidp
from broker.web.rendering import NO_STORE, document_response
from broker.web.scim import documents
from broker.web.scim.rendering import list_response, scim_response
from broker.web.scim.requests import (
    Shown,
    body_of,
    call_of,
    page_of,
    query_of,
    shown_of,
    versions_of,
)


class ScimEndpoint:
    """`api_url` is where the API is told to be. Each handler takes the request, its id, the
    provider, and what stands in the path after the resource's name.
    """

    def __init__(self, users: ScimUsers, api_url: str) -> None:
        self._users = users
        self._api_url = api_url

    async def create(
        self, request: web.BaseRequest, request_id: str, provider: Uidp, name: str
    ) -> web.Response:
        """RFC 7644 §3.3."""
        del name
        call = call_of(request, provider, request_id)
        await self._users.expect(call)
        shown = shown_of(query_of(request))
        user = await self._users.create(call, user_of(await body_of(request)))
        return self._answer(user, shown, status=201)

    async def find(
        self, request: web.BaseRequest, request_id: str, provider: Uidp, name: str
    ) -> web.Response:
        """RFC 7644 §3.4.2."""
        del name
        call = call_of(request, provider, request_id)
        await self._users.expect(call)
        query = query_of(request)
        shown, page = shown_of(query), page_of(query)
        found = await self._users.find(call, page.wanted, start=page.start - 1, count=page.count)
        resources = [self._resource(user, shown) for user in found.users]
        return list_response(resources, total=found.total, start=page.start)

    async def get(
        self, request: web.BaseRequest, request_id: str, provider: Uidp, name: str
    ) -> web.Response:
        """RFC 7644 §3.4.1."""
        call = call_of(request, provider, request_id)
        user = await self._users.get(call, name)
        known = versions_of(request, hdrs.IF_NONE_MATCH)
        if "*" in known or etag(user) in known:
            return document_response(b"", status=304, headers={**NO_STORE, "ETag": etag(user)})
        return self._answer(user, shown_of(query_of(request)))

    async def replace(
        self, request: web.BaseRequest, request_id: str, provider: Uidp, name: str
    ) -> web.Response:
        """RFC 7644 §3.5.1."""
        call = call_of(request, provider, request_id)
        await self._users.expect(call)
        shown = shown_of(query_of(request))
        said = user_of(await body_of(request))
        user = await self._users.change(call, name, lambda _: said, versions_of(request))
        return self._answer(user, shown)

    async def patch(
        self, request: web.BaseRequest, request_id: str, provider: Uidp, name: str
    ) -> web.Response:
        """RFC 7644 §3.5.2."""
        call = call_of(request, provider, request_id)
        await self._users.expect(call)
        shown = shown_of(query_of(request))
        operations = operations_of(await body_of(request))
        user = await self._users.change(
            call, name, lambda before: patched(before, operations), versions_of(request)
        )
        return self._answer(user, shown)

    async def delete(
        self, request: web.BaseRequest, request_id: str, provider: Uidp, name: str
    ) -> web.Response:
        """RFC 7644 §3.6."""
        call = call_of(request, provider, request_id)
        await self._users.delete(call, name, versions_of(request))
        return document_response(b"", status=204, headers=NO_STORE)

    async def config(
        self, request: web.BaseRequest, request_id: str, provider: Uidp, name: str
    ) -> web.Response:
        """RFC 7644 §4."""
        del name
        await self._users.expect(call_of(request, provider, request_id))
        return scim_response(documents.service_provider_config(self._base(provider)))

    async def resource_types(
        self, request: web.BaseRequest, request_id: str, provider: Uidp, name: str
    ) -> web.Response:
        """RFC 7644 §4: all, or the one named."""
        return await self._described(request, request_id, provider, name, documents.resource_types)

    async def schemas(
        self, request: web.BaseRequest, request_id: str, provider: Uidp, name: str
    ) -> web.Response:
        """RFC 7644 §4: all, or the one named."""
        return await self._described(request, request_id, provider, name, documents.schemas)

    async def unsupported(
        self, request: web.BaseRequest, request_id: str, provider: Uidp, name: str
    ) -> web.Response:
        """RFC 7644 §3.12, 501."""
        del name
        await self._users.expect(call_of(request, provider, request_id))
        raise Unimplemented(
            "scim_unsupported", "users alone are provisioned here, one by one and without /Me"
        )

    async def nothing(
        self, request: web.BaseRequest, request_id: str, provider: Uidp, name: str
    ) -> web.Response:
        """No such path."""
        del name
        await self._users.expect(call_of(request, provider, request_id))
        raise NotFound("path_unknown", "no such path")

    async def _described(
        self,
        request: web.BaseRequest,
        request_id: str,
        provider: Uidp,
        name: str,
        described: Callable[[str], dict[str, documents.Document]],
    ) -> web.Response:
        await self._users.expect(call_of(request, provider, request_id))
        there = described(self._base(provider))
        if not name:
            return list_response(list(there.values()), total=len(there), start=1)
        if name not in there:
            raise NotFound("path_unknown", "no such resource")
        return scim_response(there[name])

    def _answer(self, user: ScimUser, shown: Shown, *, status: int = 200) -> web.Response:
        location = f"{self._base(user.identity_provider)}/Users/{user.id}"
        return scim_response(
            self._resource(user, shown),
            status=status,
            headers={"Location": location, "ETag": etag(user)},
        )

    def _resource(self, user: ScimUser, shown: Shown) -> dict[str, Any]:
        whole = resource(user, f"{self._base(user.identity_provider)}/Users")
        return projected(whole, shown.wanted, shown.unwanted)

    def _base(self, provider: Uidp) -> str:
        return f"{self._api_url}/scim/v2/{provider}"
