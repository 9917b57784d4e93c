"""A token for workloads on AWS: a request to AWS STS, signed and not sent.

Who holds AWS credentials signs `sts:GetCallerIdentity` for one broker and one identity; the broker
asks STS with that signature who signed. No secret leaves the workload. botocore finds the
credentials (environment, profiles, web identity, ECS, EKS, EC2; Lambda's are in the environment)
and signs. It comes with the extra `aws`.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final

from broker.errors import Invalid, Precondition
from broker.iam.aws_endpoints import GLOBAL_HOST, HEADER_PREFIX
from broker.iam.uidp import Uidp

if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import ReadOnlyCredentials
    from botocore.session import Session

GLOBAL_REGION: Final = "us-east-1"
"""The region by which requests to the global endpoint are signed, wherever they come from."""
TARGET: Final = "/?Action=GetCallerIdentity&Version=2011-06-15"

_AUDIENCE: Final = re.compile(r"[!-~]{1,512}")
_DOMAINS: Final = {
    "aws": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-us-gov": "amazonaws.com",
}
"""By partition. The others lie in networks of their own."""


def aws_token(
    issuer: str,
    identity: str,
    *,
    region: str = "",
    session: Session | None = None,
    prefix: str = HEADER_PREFIX,
) -> str:
    """A signed request as base64url, to be sent to the broker as the upstream token.

    `issuer` is the broker's issuer URL or its bare host, `identity` the UIDP to assume. `region`
    names the regional endpoint of STS, which the broker has to allow; the global one otherwise.
    `prefix` is that of the two headers which bind the request to both. Good for 15 minutes.
    Looks for credentials where botocore does, which may block for some seconds. Raises
    `Precondition` (`aws_credentials_missing`, `extra_missing`) and `Invalid`.
    """
    issuer = issuer.rstrip("/")
    if not _AUDIENCE.fullmatch(issuer):
        raise Invalid("audience_invalid", "issuer: expected the broker's issuer URL")
    Uidp.parse(identity, field="identity")
    try:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.session import get_session
    except ModuleNotFoundError as error:
        raise Precondition(
            "extra_missing", "botocore is not installed: pip install 'oidc-broker[aws]'"
        ) from error
    session = session or get_session()
    host = _regional_host(session, region) if region else GLOBAL_HOST
    headers = {
        "Host": host,
        "Accept": "application/json",
        f"{prefix}-Audience": issuer,
        f"{prefix}-Identity": identity,
    }
    request = AWSRequest(method="POST", url=f"https://{host}{TARGET}", headers=headers)
    SigV4Auth(_credentials(session), "sts", region or GLOBAL_REGION).add_auth(request)
    lines = [f"POST {TARGET} HTTP/1.1", *(f"{name}: {value}" for name, value in _sent(request))]
    return base64.urlsafe_b64encode("\r\n".join([*lines, "", ""]).encode("ascii")).decode("ascii")


def _regional_host(session: Session, region: str) -> str:
    from botocore.exceptions import UnknownRegionError

    try:
        domain = _DOMAINS[session.get_partition_for_region(region)]
    except (UnknownRegionError, KeyError):
        raise Invalid("aws_region_unknown", f"region: {region[:64]!r} is no AWS region") from None
    return f"sts.{region}.{domain}"


def _credentials(session: Session) -> ReadOnlyCredentials:
    from botocore.exceptions import BotoCoreError

    try:
        found = session.get_credentials()
        credentials = found.get_frozen_credentials() if found else None
    except BotoCoreError as error:
        raise Precondition("aws_credentials_missing", f"no AWS credentials: {error}") from error
    if credentials is None:
        raise Precondition(
            "aws_credentials_missing",
            "no AWS credentials in the environment, in profiles, or from the platform",
        )
    return credentials


def _sent(request: AWSRequest) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in request.headers.items()]
