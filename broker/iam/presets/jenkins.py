"""Builds of Jenkins with its plugin oidc-provider.

The issuer is `URL/oidc` unless the credentials are a folder's or name another; the subject is the
job's URL unless the administrator changed the claim templates (Jenkins, "OpenID Connect Provider").
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from broker.iam.model import ClaimMatch, StaticKeys
from broker.iam.presets.forms import expect, refuse
from broker.iam.presets.preset import Keys, Preset, Question, audience_question, with_keys

_URL: Final = re.compile(r"https?://[^\s?#]+[^\s?#/]", re.ASCII)
_JOB: Final = re.compile(r"[^/?*\\%!@#$^&|<>\[\]:;]+(/[^/?*\\%!@#$^&|<>\[\]:;]+)*")


def jenkins_rules(
    *,
    url: str,
    job: str,
    branch: str = "",
    audience: str = "",
    issuer: str = "",
    keys: Keys | None = None,
) -> ClaimMatch | StaticKeys:
    """Rules for the builds of a job. Raises `Invalid`."""
    root = expect("url", url.rstrip("/"), _URL, "https://HOST, as in the settings of Jenkins")
    expect("job", job, _JOB, "NAME, or FOLDER/NAME")
    for name, text in (("job", job), ("branch", branch)):
        if not text.isprintable():
            refuse(name, "expected printable characters")
    names = [quote(name) for name in job.split("/")]
    if branch:
        # the job of a branch has the branch's name with %2F for its slashes, and URLs encode that
        names.append(quote(quote(branch, safe="")))
    rules = ClaimMatch(
        issuer=issuer or f"{root}/oidc",
        subject=f"{root}/" + "".join(f"job/{name}/" for name in names),
        audience=audience,
    )
    return with_keys(keys, rules)


JENKINS: Final = Preset(
    name="jenkins",
    workload="builds of a Jenkins job",
    guide="jenkins",
    rules=jenkins_rules,
    takes_keys=True,
    questions=(
        Question(
            name="url",
            flag="--jenkins-url",
            label="URL of Jenkins",
            help="URL of Jenkins, https://HOST.",
            required=True,
            find='"Jenkins URL" in Manage Jenkins > System',
        ),
        Question(
            name="job",
            flag="--job",
            label="Job (FOLDER/NAME)",
            help="Job, with the folders that it is in: FOLDER/NAME.",
            required=True,
        ),
        Question(
            name="branch",
            flag="--branch",
            label="Branch",
            help="Branch of a multibranch pipeline, which needs one.",
        ),
        audience_question(),
        Question(
            name="issuer",
            flag="--identity-issuer",
            label="Issuer",
            help="Issuer, where the credentials are a folder's or name another. Default: URL/oidc.",
        ),
    ),
)
