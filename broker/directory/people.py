"""People as records: the identity of somebody who logs in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from broker.iam.model import Identity, Person, Profile
from broker.iam.people import Login
from broker.iam.uidp import Uidp
from broker.iam.validation import MAX_DESCRIPTION, MAX_NAME

MAX_EMAIL = 254
"""RFC 5321 §4.5.3.1.3, less the angle brackets."""


def person_identity(person: Person, *, now: datetime, name: str = "") -> Identity:
    """The identity of a person who may never have logged in yet.

    Its UIDP follows from issuer and subject, so that the first login finds what was bound to it.
    `name` is for reading only; what can be printed of the subject stands in for it.
    """
    return Identity(
        id=Uidp.of_person(person.issuer, person.subject),
        name=name or _readable(person.subject, MAX_NAME) or "person",
        relationship=person,
        created_at=now,
        updated_at=now,
    )


def registered(login: Login, *, now: datetime) -> Identity:
    """Whom somebody becomes by their first login."""
    return refreshed(person_identity(login.person, now=now), login)


def refreshed(identity: Identity, login: Login) -> Identity:
    """The person with what their provider says of them now.

    What a provider says nothing of stays. What they have said of themself stays too: a provider
    only fills what is empty.
    """
    details = {**_details(login), **identity.profile.details}
    return replace(
        identity,
        name=_readable(login.name, MAX_NAME) or identity.name,
        profile=replace(_with_address(identity.profile, login), details=details),
    )


def _with_address(profile: Profile, login: Login) -> Profile:
    """An address is verified or not by what was said of it last; one that nobody vouches for any
    more is not.
    """
    email = login.email
    if not email or len(email) > MAX_EMAIL or not email.isprintable():
        return profile
    if login.email_verified:
        return replace(profile, email=email, email_unverified="")
    return replace(profile, email="", email_unverified=email)


def _details(login: Login) -> Mapping[str, str]:
    said = {
        "given_name": login.given_name,
        "family_name": login.family_name,
        "picture": login.picture,
    }
    return {name: text for name, value in said.items() if (text := _readable(value))}


def _readable(text: str, limit: int = MAX_DESCRIPTION) -> str:
    return "".join(filter(str.isprintable, text))[:limit].strip()
