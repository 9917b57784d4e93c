"""broker.v1.Explain: why a token is accepted for an identity, or not."""

from __future__ import annotations

from typing import Final

from broker.api.dispatch import Asked
from broker.api.scopes import expect_text
from broker.contract.proto.explain.v1 import explain_pb2 as pb
from broker.grants.explain import Explain, Question
from broker.grants.request import Call
from broker.iam.trace import Step
from broker.iam.uidp import Uidp

_OUTCOMES: Final = {True: pb.PASSED, False: pb.FAILED, None: pb.NOT_REACHED}


class ExplainV1:
    """The dry run of the exchange."""

    service = "broker.v1.Explain"
    outside = frozenset({"ExplainIdentity"})
    """It may wait for an issuer."""

    def __init__(self, explain: Explain) -> None:
        self._explain = explain

    async def explain_identity(
        self, asked: Asked, request: pb.ExplainIdentityRequest
    ) -> pb.ExplainIdentityResponse:
        """Every check."""
        question = Question(
            call=Call(
                request_id=asked.call.request_id, dialect="explain", address=asked.call.address
            ),
            caller=asked.caller.identity,
            within=asked.caller.reach(["identity.list"]),
            identity=Uidp.parse(request.uid, field="uid"),
            token=expect_text(request.token, "token"),
        )
        explanation = await self._explain.run(question)
        return pb.ExplainIdentityResponse(
            accepted=explanation.accepted,
            summary=explanation.summary,
            steps=[_step(step) for step in explanation.steps],
            candidates=[pb.Candidate(uid=c.id, name=c.name) for c in explanation.candidates],
        )


def _step(step: Step) -> pb.Step:
    return pb.Step(
        stage=step.stage.value,
        name=step.name,
        expected=step.expected,
        got=step.got or "",
        absent=step.got is None,
        outcome=_OUTCOMES[step.passed],
        hint=step.hint,
        unverified=step.unverified,
    )
