"""broker.v1.Sessions: where the caller is logged in."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.empty_pb2 import Empty

from broker.api.dispatch import Asked
from broker.api.scopes import expect_text
from broker.api.values import timestamp
from broker.contract.proto.login.v1 import sessions_pb2 as pb
from broker.grants.login.own_logins import OwnLogins
from broker.grants.login.sessions import Session
from broker.grants.request import Call
from broker.iam.model import RefreshGrant


class SessionsV1:
    """One's own."""

    service = "broker.v1.Sessions"
    outside = frozenset({"ListSessions", "RevokeSession"})
    """Browser sessions are not in the store."""

    def __init__(self, logins: OwnLogins) -> None:
        self._logins = logins

    async def list_sessions(
        self, asked: Asked, request: pb.ListSessionsRequest
    ) -> pb.ListSessionsResponse:
        """Browsers, then applications."""
        del request
        caller = asked.caller
        browsers = await self._logins.sessions(caller.identity)
        applications = await self._logins.applications(caller.identity)
        items = [_browser(each) for each in browsers] + [
            _application(each) for each in applications
        ]
        for item in items:
            item.current = item.uid == caller.token.session
        return pb.ListSessionsResponse(items=items)

    async def revoke_session(self, asked: Asked, request: pb.RevokeSessionRequest) -> Empty:
        """Of either kind."""
        name = expect_text(request.uid, "uid")
        call = Call(request_id=asked.call.request_id, dialect="api", address=asked.call.address)
        await self._logins.end(asked.caller.identity, name, call)
        return Empty()


def _browser(session: Session) -> pb.LoginSession:
    return pb.LoginSession(
        uid=session.id,
        kind=pb.BROWSER,
        client=session.agent,
        address=session.address,
        provider=session.provider,
        authenticated_at=timestamp(_at(session.authenticated_at)),
        used_at=timestamp(_at(session.used_at)),
        ends_at=timestamp(_at(session.ends_at)),
    )


def _application(grant: RefreshGrant) -> pb.LoginSession:
    return pb.LoginSession(
        uid=grant.id,
        kind=pb.APPLICATION,
        client=grant.client_id,
        provider=grant.provider,
        authenticated_at=timestamp(grant.authenticated_at),
        used_at=timestamp(grant.used_at),
        ends_at=timestamp(grant.ends_at),
    )


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
