"""A guide followed to its end: its command makes the identity, a token of the platform's shape is
exchanged."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jwt

from broker.sdk.api import Record
from broker.sdk.testing.issuer import LocalIssuer
from tests.cli.management import Caller, Organization
from tests.cli.processes import HttpAnswer, http_call
from tests.docs.documents import ROOT, blocks

GUIDES: Final = ROOT / "docs" / "guides"
COMMAND: Final = ("broker", "iam", "identities", "create")
BROKER: Final = "https://broker.example.com"
"""What the guides call the broker."""

ISSUER_FLAGS: Final = ("--identity-issuer", "--cluster-issuer")


def commands(guide: str) -> list[list[str]]:
    """Every command of a guide that makes an identity, as words behind `create`."""
    found = []
    for block in blocks("console", among=[GUIDES / f"{guide}.md"]):
        for line in block.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ ")) if line.startswith("$ broker ") else []
            if tuple(words[:4]) == COMMAND:
                found.append(words[4:])
    return found


@dataclass(frozen=True)
class Workload:
    """Whoever the identity was made for."""

    identity: Record
    issuer: LocalIssuer
    owner: Caller

    @property
    def rules(self) -> Record:
        """The identity's, whatever kind they are."""
        rules: Record = self.identity.get("claimMatch") or self.identity["staticKeys"]
        return rules

    @property
    def audience(self) -> str:
        """What the rules ask for, else the broker."""
        named = self.rules.get("audience") or next(iter(self.rules.get("audiences", [])), "")
        return str(named or self.owner.served.url)

    def exchange(self, claims: Record, **more: Any) -> HttpAnswer:
        """With a token of the platform; `more` goes to `LocalIssuer.token`."""
        token = self.issuer.token(claims, **{"aud": self.audience} | more)
        form = {"identity": self.identity["uid"]}
        return http_call("POST", f"{self.owner.served.url}/sts/exchange", token=token, form=form)

    def becomes_it(self, claims: Record, **more: Any) -> None:
        """The token is taken, and what is minted is the identity's."""
        answer = self.exchange(claims, **more)
        assert answer.status == 200, answer.body
        minted = jwt.decode(answer.body["token"], options={"verify_signature": False})
        assert minted["sub"] == self.identity["uid"]
        assert minted["act"]["sub"] == claims["sub"]
        assert [binding["role"] for binding in minted["role_bindings"]]

    def does_not(self, claims: Record, **more: Any) -> None:
        """The token is good, and the rules refuse it."""
        answer = self.exchange(claims, **more)
        assert answer.status == 403, f"accepted or broken: {answer.body}"
        assert answer.body["details"][0]["reason"] == "identity_refused"


def follow(
    acme: Organization,
    guide: str,
    issuer: LocalIssuer,
    *,
    number: int = 0,
    folder: Path | None = None,
) -> Workload:
    """Run a guide's command, the first unless `number` says another, in the organization.

    Then the identity's issuer becomes the one on this machine: by the option that the platform's
    preset has for instances of one's own, else by `update`. A command with static keys keeps the
    guide's issuer, which nobody can reach; the keys go into `folder`.
    """
    words = commands(guide)[number]
    words[words.index("--parent") + 1] = acme.folder("shop")
    if "--issuer-keys" in words:
        assert folder is not None, "static keys are a file of the guide's"
        keys = folder / words[words.index("--issuer-keys") + 1]
        keys.write_text(json.dumps(issuer.jwks()))
        words[words.index("--issuer-keys") + 1] = str(keys)
        return Workload(acme.owner.json(*COMMAND[1:], *words), issuer, acme.owner)
    for flag in ISSUER_FLAGS:
        if flag in words:
            words[words.index(flag) + 1] = issuer.url
    made = acme.owner.json(*COMMAND[1:], *words)
    if made["claimMatch"]["issuer"] != issuer.url:
        update = ("iam", "identities", "update", made["uid"], "--identity-issuer", issuer.url)
        made = acme.owner.json(*update)
    return Workload(made, issuer, acme.owner)
