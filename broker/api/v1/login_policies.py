"""broker.v1.LoginPolicies: what organizations ask of people."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from broker.api.masks import patched
from broker.contract.proto.login.v1 import login_policies_pb2 as pb
from broker.directory.login_policies import LoginPolicies
from broker.directory.work import Work
from broker.iam.model import LoginPolicy
from broker.iam.uidp import Uidp

_SETTABLE: Final = ("require_identity_provider", "break_glass", "email_domains")


class LoginPoliciesV1:
    """One an organization."""

    service = "broker.v1.LoginPolicies"

    def __init__(self, policies: LoginPolicies) -> None:
        self._policies = policies

    async def get_login_policy(
        self, work: Work, request: pb.GetLoginPolicyRequest
    ) -> pb.LoginPolicy:
        """The organization's."""
        return _message(await self._policies.get(work, Uidp(request.group)))

    async def update_login_policy(
        self, work: Work, request: pb.UpdateLoginPolicyRequest
    ) -> pb.LoginPolicy:
        """What the mask names."""
        before = await self._policies.get(work, Uidp(request.policy.group))
        message = patched(_message(before), request.policy, request.update_mask, _SETTABLE)
        after = replace(
            before,
            require_identity_provider=message.require_identity_provider,
            break_glass=tuple(
                Uidp.parse(each, field="policy.break_glass") for each in message.break_glass
            ),
            email_domains=tuple(message.email_domains),
        )
        return _message(await self._policies.update(work, before, after))


def _message(policy: LoginPolicy) -> pb.LoginPolicy:
    return pb.LoginPolicy(
        group=policy.group,
        require_identity_provider=policy.require_identity_provider,
        break_glass=policy.break_glass,
        email_domains=policy.email_domains,
    )
