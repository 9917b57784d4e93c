"""The credential that a workload's surroundings give it: on CI, in a cluster, in a cloud.

How a platform wants to be asked is known by `id` (GitHub Actions, GitLab, Buildkite, Google) and
by botocore (AWS, with the extra `aws`). Files are read here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Final

from broker.errors import Precondition, Unavailable

FILE_VARIABLE: Final = "BROKER_CREDENTIAL_FILE"
"""Names a file that holds an upstream token."""
PROJECTED: Final = "var/run/secrets/broker/token"
"""Where a pod is expected to mount a service account token, below the root of the file system."""
MAX_FILE: Final = 65_536
"""Bytes that are read of a file."""

_AWS_VARIABLES: Final = (
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
"""Set on Lambda, ECS and EKS. Access keys in the environment are no sign: people have them too."""
_VENDOR: Final = "sys/class/dmi/id/sys_vendor"
_EC2: Final = "Amazon EC2"
_LINE: Final = re.compile(r"[!-~]+", re.ASCII)


class Platform(Enum):
    """Where a credential can come from, in the order in which signs of it are looked for.

    CI comes before what its runners happen to run on.
    """

    FILE = "file"
    GITHUB = "github"
    GITLAB = "gitlab"
    BUILDKITE = "buildkite"
    KUBERNETES = "kubernetes"
    AWS = "aws"
    GOOGLE = "google"


_NAMES: Final = {
    Platform.FILE: f"a file ({FILE_VARIABLE})",
    Platform.GITHUB: "GitHub Actions (GITHUB_ACTIONS)",
    Platform.GITLAB: "GitLab CI (GITLAB_CI)",
    Platform.BUILDKITE: "Buildkite (BUILDKITE)",
    Platform.KUBERNETES: f"Kubernetes (/{PROJECTED})",
    Platform.AWS: "AWS (Lambda, ECS, EKS, EC2)",
    Platform.GOOGLE: "Google Cloud (its product name, GOOGLE_SERVICE_ACCOUNT_NAME)",
}


def token(
    audience: str,
    *,
    identity: str = "",
    platform: Platform | None = None,
    root: Path = Path("/"),
) -> str:
    """An upstream token for the broker whose issuer URL is `audience`.

    From `platform`, else from the first that there is a sign of. One that is there and gives no
    token is an error; none after it is tried. `identity` is the UIDP to assume, which a request
    to AWS names. `root`: where the file system begins.

    Blocks while the platform is asked. Raises `Precondition`: `credential_not_found` where there
    is no sign of any, `credential_unusable` for a platform that is not there or not set up for
    this, and what `broker.sdk.aws.aws_token` raises. Raises `Unavailable`
    (`credential_unavailable`) for one that did not answer as it should.
    """
    chosen = platform or detected(os.environ, root) or Platform.GOOGLE
    match chosen:
        case Platform.FILE:
            given: str | None = _of_variable(os.environ)
        case Platform.KUBERNETES:
            given = _of_pod(root / PROJECTED, audience)
        case Platform.AWS:
            given = _of_aws(audience, identity)
        case _:
            given = _by_id(chosen, audience)
    if given is not None:
        return _checked(given, chosen)
    if platform is not None:
        raise Precondition("credential_unusable", f"no sign of {_NAMES[platform]}")
    places = ", ".join(_NAMES.values())
    raise Precondition("credential_not_found", f"no sign of a credential; looked for {places}")


def detected(environ: Mapping[str, str], root: Path) -> Platform | None:
    """The first platform that there is a sign of. Google's is left to `id`, and comes last."""
    signs = {
        Platform.FILE: environ.get(FILE_VARIABLE),
        Platform.GITHUB: environ.get("GITHUB_ACTIONS"),
        Platform.GITLAB: environ.get("GITLAB_CI"),
        Platform.BUILDKITE: environ.get("BUILDKITE"),
        Platform.KUBERNETES: (root / PROJECTED).exists(),
        Platform.AWS: any(map(environ.get, _AWS_VARIABLES)) or _is_ec2(root / _VENDOR),
    }
    return next((platform for platform, is_there in signs.items() if is_there), None)


def _of_variable(environ: Mapping[str, str]) -> str | None:
    path = environ.get(FILE_VARIABLE)
    return _read(Path(path), cure=f"{FILE_VARIABLE} names it") if path else None


def _of_pod(path: Path, audience: str) -> str:
    return _read(path, cure=f"project a service account token with audience {audience} there")


def _read(path: Path, *, cure: str) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE).decode("ascii", "replace")
    except OSError as error:
        raise Precondition("credential_unusable", f"{path}: cannot be read; {cure}") from error


def _of_aws(audience: str, identity: str) -> str:
    # botocore is large, and an extra
    from broker.sdk.aws import aws_token

    if not identity:
        raise Precondition(
            "credential_unusable", "a request to AWS is signed for one identity; name it"
        )
    return aws_token(audience, identity)


def _by_id(platform: Platform, audience: str) -> str | None:
    # Its public function asks all of its platforms, Google before GitLab and Buildkite: on their
    # runners in Google Cloud that is the runner's identity, not the job's.
    from id import AmbientCredentialError, GitHubOidcPermissionCredentialError
    from id._internal.oidc import ambient
    from urllib3.exceptions import HTTPError

    ask = {
        Platform.GITHUB: ambient.detect_github,
        Platform.GITLAB: ambient.detect_gitlab,
        Platform.BUILDKITE: ambient.detect_buildkite,
        Platform.GOOGLE: ambient.detect_gcp,
    }[platform]
    try:
        return ask(audience)
    except GitHubOidcPermissionCredentialError as error:
        raise Precondition(
            "credential_unusable",
            "GitHub Actions gives this job no ID token: it needs `permissions: id-token: write`, "
            "and a pull request from a fork never has that",
        ) from error
    except (AmbientCredentialError, HTTPError, ValueError) as error:
        if platform is Platform.GITLAB:  # nobody was asked, a variable is not there
            raise Precondition(
                "credential_unusable",
                f"GitLab CI gives this job no ID token for the audience {audience}: it needs one "
                "under `id_tokens`, in the variable whose name is made of that audience",
            ) from error
        raise Unavailable(
            "credential_unavailable",
            f"{_NAMES[platform]} gave no token for the audience {audience}",
        ) from error


def _is_ec2(vendor: Path) -> bool:
    try:
        return vendor.read_text() == f"{_EC2}\n"
    except OSError:  # another system, or a container that hides it
        return False


def _checked(given: str, platform: Platform) -> str:
    text = given.strip()
    if not _LINE.fullmatch(text):
        raise Precondition(
            "credential_unusable", f"what {_NAMES[platform]} gave is no token, which is one line"
        )
    return text
