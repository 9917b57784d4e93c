"""The management API over HTTP: records as JSON objects, with the wire's member names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import aiohttp

from broker.errors import Unavailable
from broker.sdk.refusal import refusal

TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
PAGE_SIZE: Final = 1000
"""The most that the API puts on a page."""

Record: TypeAlias = dict[str, Any]
Parameters: TypeAlias = Mapping[str, str | bool | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Collection:
    """Where the records of a noun are in version 2 of the API."""

    noun: str
    path: str
    member: str
    """Of a list's answer: the member that holds the records."""


GROUPS: Final = Collection("group", "/iam/v2/groups", "groups")
IDENTITIES: Final = Collection("identity", "/iam/v2/identities", "identities")
ROLES: Final = Collection("role", "/iam/v2/roles", "roles")
ROLE_BINDINGS: Final = Collection("role binding", "/iam/v2/roleBindings", "roleBindings")
GROUP_INVITES: Final = Collection("invite", "/iam/v2/groupInvites", "groupInvites")
IDENTITY_PROVIDERS: Final = Collection(
    "identity provider", "/iam/v2/identityProviders", "identityProviders"
)
ACCOUNT_ASSOCIATIONS: Final = Collection(
    "account association", "/iam/v2/accountAssociations", "accountAssociations"
)
GROUP_ROLE_MAPPINGS: Final = Collection(
    "mapping", "/iam/v2/externalGroupRoleMappings", "externalGroupRoleMappings"
)
SUBSCRIPTIONS: Final = Collection("subscription", "/events/v2/subscriptions", "subscriptions")


class ApiClient:
    """Calls on behalf of the bearer of an access token.

    Every method raises `Refused` for the broker's own no, and `Unavailable` when it cannot be
    reached or somebody else answers. Parents and UIDPs go into paths as they are: they have to
    be UIDPs, or the names of verified organizations.
    """

    def __init__(
        self,
        url: str,
        token: str,
        session: aiohttp.ClientSession,
        *,
        page_size: int = PAGE_SIZE,
    ) -> None:
        self._page_size = page_size
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._session = session
        self.lint: list[str] = []
        """What the broker's lint said of what was saved, an item a finding:
        `unescaped-dot;level=warning;field="subject_pattern"`."""

    async def call(
        self, method: str, path: str, *, parameters: Parameters | None = None, body: Any = None
    ) -> Record:
        """One request. `parameters` that are empty strings or lists are left out."""
        url = self._url + path
        try:
            async with self._session.request(
                method,
                url,
                params=list(_pairs(parameters or {})),
                json=body,
                headers=self._headers,
                allow_redirects=False,
            ) as response:
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable("broker_unreachable", f"no answer from {url}") from error
        except ValueError:  # the body; what it holds is nobody's to print
            raise Unavailable("broker_unreachable", f"no broker's answer from {url}") from None
        if response.status != 200:
            raise refusal(answer, response.headers.get("X-Request-Id", ""))
        if not isinstance(answer, dict):
            raise Unavailable("broker_unreachable", f"no broker's answer from {url}")
        if found := response.headers.get("X-Broker-Lint", ""):
            self.lint += found.split(", ")
        return answer

    async def records(
        self, collection: Collection, filters: Parameters | None = None
    ) -> list[Record]:
        """Every record that the filters select, page by page.

        Filters are the request's members, in lowerCamelCase: `name`, `uidp.childrenOf`.
        """
        parameters: dict[str, Any] = {**(filters or {}), "pageSize": str(self._page_size)}
        found: list[Record] = []
        while True:
            page = await self.call("GET", collection.path, parameters=parameters)
            found += page.get(collection.member, ())
            parameters["pageToken"] = page.get("nextPageToken", "")
            if not parameters["pageToken"]:
                return found

    async def get(self, collection: Collection, uid: str) -> Record:
        """One record."""
        return await self.call("GET", f"{collection.path}/{uid}")

    async def explain(self, identity: str, upstream: str) -> Record:
        """Why an upstream token is accepted for an identity, or not: `accepted`, `summary`,
        `steps`, `candidates`. Nothing is exchanged.
        """
        path = f"/broker/v1/identities/{identity}:explain"
        return await self.call("POST", path, body={"token": upstream})

    async def create(self, collection: Collection, parent: str, record: Record) -> Record:
        """The new record, below `parent`; for an organization that is empty."""
        path = f"{collection.path}/{parent}" if parent else collection.path
        return await self.call("POST", path, body=record)

    async def update(
        self, collection: Collection, uid: str, record: Record, mask: Sequence[str]
    ) -> Record:
        """Change the members that `mask` names (lowerCamelCase, a dot between levels); one that
        `record` has not is cleared. Everything else stays.
        """
        return await self.call(
            "PATCH",
            f"{collection.path}/{uid}",
            parameters={"updateMask": ",".join(mask)},
            body=record,
        )

    async def delete(self, collection: Collection, uid: str) -> None:
        """One record, and what belongs to it."""
        await self.call("DELETE", f"{collection.path}/{uid}")


@asynccontextmanager
async def connected(url: str, token: str) -> AsyncIterator[ApiClient]:
    """A client of the API at `url`, such as `https://broker.example.com`."""
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        yield ApiClient(url, token, session)


def _pairs(parameters: Parameters) -> list[tuple[str, str]]:
    pairs = []
    for name, value in parameters.items():
        if isinstance(value, bool):
            pairs += [(name, "true")] if value else []
        elif isinstance(value, str):
            pairs += [(name, value)] if value else []
        else:
            pairs += [(name, one) for one in value]
    return pairs
