"""Service accounts of Kubernetes.

Subject `system:serviceaccount:NAMESPACE:NAME`; more is within the claim `kubernetes.io`
(Kubernetes, "Managing Service Accounts").
"""

from __future__ import annotations

import re
from typing import Final

from broker.iam.model import ClaimMatch, StaticKeys
from broker.iam.presets.forms import expect, uuid
from broker.iam.presets.preset import Keys, Preset, Question, audience_question, with_keys

UID: Final = "/kubernetes.io/serviceaccount/uid"
"""JSON pointer (RFC 6901) to the UID of the service account."""

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", re.ASCII)
"""A DNS subdomain (RFC 1123), as Kubernetes has it."""


def kubernetes_rules(
    *,
    issuer: str,
    namespace: str,
    service_account: str,
    service_account_uid: str = "",
    audience: str = "",
    keys: Keys | None = None,
) -> ClaimMatch | StaticKeys:
    """Rules for one service account. Raises `Invalid`."""
    for name, text in (("namespace", namespace), ("service_account", service_account)):
        expect(name, text, _NAME, "a Kubernetes name")
    claims = {}
    if service_account_uid:
        claims[UID] = uuid("service_account_uid", service_account_uid)
    rules = ClaimMatch(
        issuer=issuer,
        subject=f"system:serviceaccount:{namespace}:{service_account}",
        audience=audience,
        claims=claims,
    )
    return with_keys(keys, rules)


KUBERNETES: Final = Preset(
    name="kubernetes",
    workload="a Kubernetes service account",
    guide="kubernetes",
    rules=kubernetes_rules,
    takes_keys=True,
    questions=(
        Question(
            name="issuer",
            flag="--cluster-issuer",
            label="Issuer of the cluster",
            help="Issuer URL of the cluster's service account tokens.",
            required=True,
            find="kubectl get --raw /.well-known/openid-configuration",
        ),
        Question(
            name="namespace",
            flag="--namespace",
            label="Namespace",
            help="Namespace.",
            required=True,
        ),
        Question(
            name="service_account",
            flag="--service-account",
            label="Service account",
            help="Service account.",
            required=True,
        ),
        Question(
            name="service_account_uid",
            flag="--service-account-uid",
            label="UID of the service account",
            help="UID of the service account, which one made anew under the name does not have.",
            find="kubectl get serviceaccount NAME -o 'jsonpath={.metadata.uid}'",
        ),
        audience_question(),
    ),
)
