"""`/oauth/callback`: where every provider sends people back to."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from broker.errors import BrokerError, Invalid, Stage
from broker.grants.login.logins import Logins
from broker.grants.login.outcomes import CallbackParameters, Finished, Unregistered
from broker.grants.request import Call
from broker.web.login.arrivals import Arrivals, Arrived, Failed, call_of, see_other
from broker.web.login.visitors import Visitor, Visitors
from broker.web.parameters import read_query, single

_OURS: Final = ("state", "code", "error", "iss")


class Callback:
    """`base`: the path of the issuer, without a slash at its end."""

    def __init__(
        self, logins: Logins, visitors: Visitors, arrivals: Arrivals, *, base: str
    ) -> None:
        self._logins = logins
        self._visitors = visitors
        self._arrivals = arrivals
        self._base = base

    async def __call__(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """GET: who it is, and on to why they came."""
        came = _parse(request)
        visitor = await self._visitors.of(request)
        call = call_of(request, request_id)
        pending = await self._logins.returned(came.state, visitor.browser, call)
        try:
            outcome = await self._logins.finish(
                pending, came, visitor.browser, call, old=visitor.session
            )
        except BrokerError as error:
            failed = Failed(
                intent=pending.intent, visitor=visitor, error=error, call=call, after_form=False
            )
            return self._arrivals.turn_away(failed)
        if isinstance(outcome, Unregistered):
            return self._unregistered(outcome, visitor, call)
        return await welcome(outcome, visitor, call, self._arrivals, self._visitors)

    def _unregistered(self, who: Unregistered, visitor: Visitor, call: Call) -> web.Response:
        if who.refusal is None:
            return see_other(f"{self._base}/register?{urlencode({'id': who.id})}")
        return self._arrivals.turn_away(
            Failed(
                intent=who.intent,
                visitor=visitor,
                error=who.refusal,
                call=call,
                after_form=False,
                login=who.login,
            )
        )


async def welcome(
    finished: Finished,
    visitor: Visitor,
    call: Call,
    arrivals: Arrivals,
    visitors: Visitors,
    *,
    after_form: bool = False,
) -> web.Response:
    """What they came for, and the cookie of their session."""
    response = await arrivals.welcome(
        Arrived(
            intent=finished.intent,
            visitor=visitor,
            session=finished.session,
            login=finished.login,
            call=call,
            after_form=after_form,
            joined=finished.joined,
        )
    )
    return visitors.sign_in(response, finished.cookie) if finished.cookie else response


def _parse(request: web.BaseRequest) -> CallbackParameters:
    # RFC 6749 §4.1.2: what else a provider sends is ignored
    query = read_query(request)
    for name in _OURS:
        if len(query.get(name, ())) > 1:
            raise Invalid(
                "parameter_repeated",
                f"{name}: given {len(query[name])} times, expected once",
                stage=Stage.REQUEST,
                field=name,
            )
    return CallbackParameters(
        state=single(query, "state"),
        code=single(query, "code"),
        error=single(query, "error"),
        iss=single(query, "iss") or None,
    )
