"""Which kind of platform an issuer is, in a few words that do not grow with the installation."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from broker.iam.aws_endpoints import signing_region

OTHER: Final = "other"

_HOSTS: Final = {
    "accounts.google.com": "google",
    "agent.buildkite.com": "buildkite",
    "api.bitbucket.org": "bitbucket",
    "app.terraform.io": "terraform_cloud",
    "gitlab.com": "gitlab",
    "login.microsoftonline.com": "entra",
    "oidc.circleci.com": "circleci",
    "token.actions.githubusercontent.com": "github_actions",
}
_SUFFIXES: Final = {
    ".tokens.sts.global.api.aws": "aws_federation",
    ".eks.amazonaws.com": "kubernetes",
    ".okta.com": "okta",
    ".auth0.com": "auth0",
}


@lru_cache(maxsize=4096)  # a pure function of its text, which few tokens differ in
def issuer_class(issuer: str) -> str:
    """`github_actions`, `google`, `aws_request` (a signed request) and others; else `other`."""
    try:
        host = urlsplit(issuer).hostname or issuer
    except ValueError:
        return OTHER
    if host in _HOSTS:
        return _HOSTS[host]
    if signing_region(host) is not None:
        return "aws_request"
    return next((name for suffix, name in _SUFFIXES.items() if host.endswith(suffix)), OTHER)
