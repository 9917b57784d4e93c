"""Whom a refused token may have been meant for: other identities whose rules hold for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from broker.grants.credentials import Credential
from broker.iam.authority import topmost
from broker.iam.claims import UnverifiedClaims
from broker.iam.listing import Selection
from broker.iam.matching import CompiledRules
from broker.iam.model import Identity
from broker.iam.uidp import Uidp
from broker.store import Store

MOST: Final = 3
_LOOKED_AT: Final = 1000
"""Identities of an organization that are compared, by UIDP; those behind are not thought of."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An identity, as far as it is told of."""

    id: Uidp
    name: str


class Candidates:
    """Looks through an organization. `own_audiences`: as for `CompiledRules`."""

    def __init__(self, store: Store, *, own_audiences: Sequence[str]) -> None:
        self._store = store
        self._own_audiences = tuple(own_audiences)

    async def find(
        self, credential: Credential, *, beside: Uidp, within: Sequence[Uidp]
    ) -> tuple[Candidate, ...]:
        """At most three of the organization of `beside`, not itself, at or below `within`.

        Their rules are compared with what the token says, which nobody has to have verified:
        it is a guess at what was meant, and says nothing of whether the token is genuine.
        """
        said = credential.unverified_claims
        places = topmost(_of_organization(beside.root, within))
        if said is None or not places:
            return ()
        async with self._store.read() as records:
            page = await records.identities.page(Selection(within=places, limit=_LOOKED_AT))
        fitting = (i for i in page.records if i.id != beside and self._fits(i, said))
        return tuple(Candidate(each.id, each.name) for each in islice(fitting, MOST))

    def _fits(self, identity: Identity, said: UnverifiedClaims) -> bool:
        rules = CompiledRules(identity, self._own_audiences)
        if not rules.allows_issuer(said.issuer):
            return False
        return all(step.passed for step in rules.steps(said))


def _of_organization(root: Uidp, within: Sequence[Uidp]) -> Iterator[Uidp]:
    for group in within:
        if root.covers(group):
            yield group
