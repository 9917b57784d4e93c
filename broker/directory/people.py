"""People as records: the identity of somebody who logs in."""

from __future__ import annotations

from datetime import datetime

from broker.iam.model import Identity, Person
from broker.iam.uidp import Uidp
from broker.iam.validation import MAX_NAME


def person_identity(person: Person, *, now: datetime, name: str = "") -> Identity:
    """The identity of a person who may never have logged in yet.

    Its UIDP follows from issuer and subject, so that the first login finds what was bound to it.
    `name` is for reading only; what can be printed of the subject stands in for it.
    """
    printable = "".join(filter(str.isprintable, person.subject))
    return Identity(
        id=Uidp.of_person(person.issuer, person.subject),
        name=name or printable[:MAX_NAME].strip() or "person",
        relationship=person,
        created_at=now,
        updated_at=now,
    )
