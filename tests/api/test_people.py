"""People over the API: registration by an ID token, logins through a provider, what organizations
ask of them, and how they ask to be let in."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from google.rpc import code_pb2

from broker.iam.model import GroupRoleMapping, IdentityProvider
from broker.iam.uidp import Uidp
from tests.api.world import OPERATOR, OWNER, VIEWER, Acme, World
from tests.kit.api import Caller, Json, Refused, Wire, refused
from tests.kit.people import claims_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

POLICIES = "broker.v1.LoginPolicies"
REQUIRE = "requireIdentityProvider"
REQUESTS = "broker.v1.AccessRequests"


@dataclass(frozen=True, slots=True)
class Sso:
    """An organization with an identity provider of its own, which is the world's issuer."""

    acme: Acme
    wire: Wire
    provider: IdentityProvider
    domain: str

    @classmethod
    async def of(cls, world: World, wire: Wire, **more: Any) -> Sso:
        """Another one."""
        acme = await world.organization()
        now = datetime.now(UTC)
        provider = IdentityProvider(
            id=acme.id.child(secrets.token_bytes),
            name="SSO",
            issuer=world.issuer.url,
            client_id=f"client-{acme.number}",
            pkce_enabled=True,
            groups_claim="groups",
            created_at=now,
            updated_at=now,
            **more,
        )
        async with world.broker.store.write() as records:
            await records.identity_providers.add(provider)
        return cls(acme, wire, provider, f"acme-{acme.number}.example")

    def token(self, subject: str = "", **claims: Any) -> str:
        """An ID token for the client that the broker is at the provider."""
        subject = subject or f"new-{self.acme.world.number()}"
        mail = {"email": f"ann@{self.domain}", "email_verified": True}
        return self.acme.world.issuer.token(
            {"sub": subject, "aud": self.provider.client_id, **mail, **claims}
        )

    async def exchange(self, token: str, **parameters: Any) -> Json:
        """As somebody who logged in through the provider."""
        caller = Caller(self.wire, token)
        named = {"identity_provider": self.provider.id} | parameters
        return await caller("SecurityTokenService/Exchange", **named)

    async def login(self, subject: str, **claims: Any) -> Caller:
        """A token of a login through the provider."""
        return Caller(self.wire, (await self.exchange(self.token(subject, **claims)))["token"])

    async def ann(self) -> Caller:
        """The owner, in a login through the provider."""
        return await self.login(f"ann-{self.acme.number}")

    async def direct(self, name: str = "ann") -> Caller:
        """With a token for which no provider was named."""
        return (await self.acme.world.login(f"{name}-{self.acme.number}")).on(self.wire)

    async def newcomer(self) -> tuple[Caller, str]:
        """Somebody who is registered and holds nothing, in a login through the provider."""
        stranger = await self.acme.stranger()
        subject = f"stranger-{self.acme.world.number() - 1}"
        del stranger
        return await self.login(subject), subject

    async def mapping(self, group: str, role: str) -> GroupRoleMapping:
        """Members of a group at the provider hold a role at the folder."""
        mapping = GroupRoleMapping(
            id=self.acme.id.child(secrets.token_bytes),
            identity_provider=self.provider.id,
            external_group=group,
            role=Uidp(role),
            scope=self.acme.shop,
            created_at=datetime.now(UTC),
        )
        async with self.acme.world.broker.store.write() as records:
            await records.group_role_mappings.add(mapping)
        return mapping

    async def operator(self) -> Caller:
        """Who runs the installation, with the rights of an owner here."""
        world = self.acme.world
        person = world.person_uidp(OPERATOR)
        try:
            await self.acme.bind(person, OWNER, self.acme.id)
        except Refused as refusal:
            if refusal.reason != "binding_exists":
                raise
        return await world.login(OPERATOR, scopes=self.acme.id)

    async def domains(self, *domains: str) -> None:
        """The organization's, as the operator says."""
        await update(
            await self.operator(), self.acme.id, "emailDomains", email_domains=list(domains)
        )


@pytest_asyncio.fixture(loop_scope="module")
async def sso(everything: World, wire: Wire) -> Sso:
    return await Sso.of(everything, wire)


async def update(caller: Caller, group: Uidp, mask: str, **policy: Any) -> Json:
    """Change an organization's login policy."""
    said = {"group": group, **policy}
    return await caller(f"{POLICIES}/UpdateLoginPolicy", policy=said, update_mask=mask)


async def holds(caller: Caller, sso: Sso) -> bool:
    """Whether the API lets them read the organization now."""
    try:
        await caller("v2.GroupsService/GetGroup", uid=sso.acme.id)
    except Refused as refusal:
        if refusal.reason != "capability_missing":
            raise
        return False
    return True


# registration


async def test_registration_by_an_id_token(everything: World, wire: Wire) -> None:
    """Who logged in through an organization's provider is registered, and holds its default role;
    again, nothing changes."""
    sso = await Sso.of(everything, wire, default_role=Uidp(VIEWER))
    subject = f"new-{everything.number()}"
    token, person = sso.token(subject), everything.person_uidp(subject)
    for _ in range(2):
        answer = await Caller(wire, token)("Auth/Register")
        assert answer == {"identity": person, "group": ""}
    caller = await sso.login(subject)
    assert await holds(caller, sso)


async def test_registration_with_an_invite(sso: Sso) -> None:
    """The invite is accepted on the way, and the group of it is answered; who is refused is not
    registered."""
    made = await sso.acme.ann(
        "GroupInvites/Create", group=sso.acme.shop, role=VIEWER, ttl="3600s", single_use=True
    )
    subject = f"new-{sso.acme.number}"
    ann, bob = sso.token(subject), sso.token()
    answer = await Caller(sso.wire, ann)("Auth/Register", code=made["code"])
    assert answer == {"identity": sso.acme.world.person_uidp(subject), "group": sso.acme.shop}
    with refused(code_pb2.INVALID_ARGUMENT, "invite_invalid"):
        await Caller(sso.wire, bob)("Auth/Register", code=made["code"])
    with refused(code_pb2.PERMISSION_DENIED, "person_gone"):
        await sso.exchange(bob)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another client"},
        {"aud": ["another client"]},
        {"azp": "another client"},
        {"iss": "https://elsewhere.example"},
        {"sub": "x" * 256},
    ],
    ids=lambda claims: next(iter(claims)),
)
async def test_a_token_that_registers_nobody(sso: Sso, claims: Mapping[str, Any]) -> None:
    """One that was issued to another client of the provider, or by somebody else."""
    token = sso.token(**claims)
    with refused(code_pb2.UNAUTHENTICATED, "login_not_verified"):
        await Caller(sso.wire, token)("Auth/Register")
    with refused(code_pb2.UNAUTHENTICATED, "login_not_verified"):
        await sso.exchange(token)


async def test_a_token_for_the_broker_registers_nobody(sso: Sso) -> None:
    """Anybody with an account at the issuer can get one, which is not to come through an
    organization's provider."""
    token = sso.token(aud=sso.acme.world.broker.url)
    for answer in (Caller(sso.wire, token)("Auth/Register"), sso.exchange(token)):
        with refused(code_pb2.UNAUTHENTICATED, "login_not_verified"):
            await answer


async def test_registration_without_or_for_another(sso: Sso) -> None:
    """No token, one of ours, and a person whom the token is not about are refused."""
    with refused(code_pb2.UNAUTHENTICATED, "token_missing"):
        await Caller(sso.wire, None)("Auth/Register")
    with refused(code_pb2.UNAUTHENTICATED, "login_not_verified"):
        await sso.acme.ann.on(sso.wire)("Auth/Register")
    caller = Caller(sso.wire, sso.token())
    with refused(code_pb2.INVALID_ARGUMENT, "field_invalid") as expected:
        await caller("Auth/Register", identity_id=sso.acme.ann.identity)
    assert expected.error.field == "identity_id"


# a login through a provider, exchanged


async def test_groups_count_in_a_login_through_the_provider(sso: Sso) -> None:
    """The token names provider and mappings; what they bring counts at the API until the mapping
    is gone, and is no binding."""
    mapping = await sso.mapping("admins", VIEWER)
    _, subject = await sso.newcomer()
    caller = await sso.login(subject, groups=["admins", "staff"])
    assert caller.token is not None
    claims = claims_of(caller.token)
    assert (claims["idp"], claims["group_mappings"]) == (sso.provider.id, [mapping.id])
    assert claims["exp"] - claims["iat"] <= 3600
    await caller("v2.GroupsService/GetGroup", uid=sso.acme.shop)
    await sso.acme.ann("ExternalGroupRoleMappings/Delete", id=mapping.id)
    with refused(code_pb2.PERMISSION_DENIED, "capability_missing"):
        await caller("v2.GroupsService/GetGroup", uid=sso.acme.shop)


async def test_a_login_through_a_provider_is_of_its_people(sso: Sso) -> None:
    """No other identity is assumed by it, and an unknown provider is not found."""
    robot = await sso.acme.identity()
    with refused(code_pb2.INVALID_ARGUMENT, "field_invalid") as expected:
        await sso.exchange(sso.token(f"ann-{sso.acme.number}"), identity=robot)
    assert expected.error.field == "identity"
    with refused(code_pb2.NOT_FOUND, "login_provider_unknown"):
        await sso.exchange(sso.token(), identity_provider=sso.acme.id.child(secrets.token_bytes))
    with refused(code_pb2.INVALID_ARGUMENT, "uidp_malformed"):
        await sso.exchange(sso.token(), identity_provider="acme")


# login policies


async def test_an_organization_that_requires_its_provider(sso: Sso) -> None:
    """Roles there count in logins through it, at the exchange and at the API, and in no others;
    for who is exempt they do; an assumable identity is none of it."""
    direct, vic = await sso.direct(), await sso.direct("vic")
    robot = await sso.acme.identity(subject="robot-of-it")
    await sso.acme.bind(robot, VIEWER, sso.acme.id)
    assert await holds(direct, sso)
    ann = await sso.ann()
    said = await update(ann, sso.acme.id, REQUIRE, require_identity_provider=True)
    assert said["requireIdentityProvider"] is True
    assert not await holds(direct, sso)
    assert not await holds(await sso.direct(), sso)
    assert not await holds(vic, sso)
    assert await holds(ann, sso)
    assert await holds(await sso.acme.world.assumed(robot, "robot-of-it"), sso)
    await update(ann, sso.acme.id, "breakGlass", break_glass=[sso.acme.vic.identity])
    assert await holds(vic, sso)
    assert not await holds(direct, sso)
    await update(ann, sso.acme.id, "requireIdentityProvider")
    assert await holds(direct, sso)


async def test_another_organizations_provider_is_not_its_own(everything: World, wire: Wire) -> None:
    """Whoever makes a provider with the same issuer gets nobody in."""
    sso, evil = await Sso.of(everything, wire), await Sso.of(everything, wire)
    ann = await sso.ann()
    await update(ann, sso.acme.id, REQUIRE, require_identity_provider=True)
    through = await evil.login(f"ann-{sso.acme.number}")
    assert not await holds(through, sso)


async def test_nobody_locks_themselves_out(everything: World, wire: Wire) -> None:
    """A provider is required when there is one, and the caller came through it or an owner is
    exempt."""
    acme = await everything.organization()
    ann = acme.ann.on(wire)
    with refused(code_pb2.FAILED_PRECONDITION, "login_policy_without_provider"):
        await update(ann, acme.id, REQUIRE, require_identity_provider=True)
    sso = await Sso.of(everything, wire)
    ann = sso.acme.ann.on(wire)
    with refused(code_pb2.FAILED_PRECONDITION, "login_policy_locks_out"):
        await update(ann, sso.acme.id, REQUIRE, require_identity_provider=True)
    await update(ann, sso.acme.id, "breakGlass", break_glass=[sso.acme.vic.identity])
    with refused(code_pb2.FAILED_PRECONDITION, "login_policy_locks_out"):
        await update(ann, sso.acme.id, REQUIRE, require_identity_provider=True)
    await update(ann, sso.acme.id, "breakGlass", break_glass=[sso.acme.ann.identity])
    await update(ann, sso.acme.id, REQUIRE, require_identity_provider=True)
    with refused(code_pb2.FAILED_PRECONDITION, "login_policy_locks_out"):
        await update(ann, sso.acme.id, "breakGlass")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("break_glass", ["a" * 40], "field_invalid"),
        ("break_glass", ["ann"], "uidp_malformed"),
        ("break_glass", [f"{n:040x}" for n in range(21)], "field_invalid"),
        ("email_domains", ["acme.example"], "field_reserved"),
    ],
)
async def test_what_a_policy_may_say(sso: Sso, field: str, value: list[str], code: str) -> None:
    """Registered people, and no more than twenty; domains are the operator's to give."""
    answer = code_pb2.PERMISSION_DENIED if code == "field_reserved" else code_pb2.INVALID_ARGUMENT
    with refused(answer, code) as expected:
        mask = {"break_glass": "breakGlass", "email_domains": "emailDomains"}[field]
        await update(sso.acme.ann.on(sso.wire), sso.acme.id, mask, **{field: value})
    assert expected.error.field.endswith(field)


async def test_a_folder_has_no_policy(sso: Sso) -> None:
    """It is asked of the organization."""
    ann = sso.acme.ann.on(sso.wire)
    with refused(code_pb2.INVALID_ARGUMENT, "field_invalid"):
        await ann(f"{POLICIES}/GetLoginPolicy", group=sso.acme.shop)
    with refused(code_pb2.INVALID_ARGUMENT, "field_invalid"):
        await ann(f"{REQUESTS}/ListAccessRequests", group=sso.acme.shop)


async def test_a_domain_is_of_one_organization(everything: World, wire: Wire) -> None:
    """A second one cannot have it, until the first has it no more; and it is one in lower case."""
    sso, other = await Sso.of(everything, wire), await Sso.of(everything, wire)
    await sso.domains(sso.domain)
    with refused(code_pb2.ALREADY_EXISTS, "email_domain_taken"):
        await other.domains(sso.domain)
    with refused(code_pb2.INVALID_ARGUMENT, "field_invalid"):
        await other.domains("ACME.example")
    await sso.domains()
    said = await update(
        await other.operator(), other.acme.id, "emailDomains", email_domains=[sso.domain]
    )
    assert said["emailDomains"] == [sso.domain]


# access requests


async def ask(caller: Caller, group: Uidp) -> None:
    """For access, in one version or the other."""
    await caller("Groups/RequestGroupAccess", group_id=group)
    await caller("v2.GroupsService/RequestGroupAccess", group_uid=group)


async def listed(sso: Sso) -> list[Json]:
    """The requests to the organization."""
    answer = await sso.acme.ann(f"{REQUESTS}/ListAccessRequests", group=sso.acme.id)
    found: list[Json] = answer.get("items", [])
    return found


async def test_access_is_asked_for_and_given(sso: Sso) -> None:
    """Once, however often it is asked; the owner gives a role, and the request is gone."""
    await sso.domains(sso.domain)
    caller, subject = await sso.newcomer()
    found = await caller("Groups/LookupGroup")
    assert found["group"]["id"] == sso.acme.id
    await ask(caller, sso.acme.id)
    (request,) = await listed(sso)
    assert request["email"] == f"ann@{sso.domain}"
    assert request["identity"] == sso.acme.world.person_uidp(subject)
    assert not await holds(caller, sso)
    approved = await sso.acme.ann.on(sso.wire)(
        f"{REQUESTS}/ApproveAccessRequest", uid=request["uid"], role=VIEWER
    )
    assert approved == request
    again = await sso.login(subject)
    assert await holds(again, sso)
    await ask(again, sso.acme.id)
    assert await listed(sso) == []
    with refused(code_pb2.NOT_FOUND, "access_request_not_found"):
        await sso.acme.ann(f"{REQUESTS}/DenyAccessRequest", uid=request["uid"])


async def test_access_is_denied(sso: Sso) -> None:
    """Nothing is given, and they may ask again."""
    await sso.domains(sso.domain)
    caller, subject = await sso.newcomer()
    for _ in range(2):
        await ask(caller, sso.acme.id)
        (request,) = await listed(sso)
        await sso.acme.ann.on(sso.wire)(f"{REQUESTS}/DenyAccessRequest", uid=request["uid"])
    assert await listed(sso) == []
    assert not await holds(await sso.login(subject), sso)


async def test_nobody_lets_in_with_more_than_they_hold(sso: Sso) -> None:
    """Who may bind roles gives those that are within their own."""
    await sso.domains(sso.domain)
    await ask((await sso.newcomer())[0], sso.acme.id)
    (request,) = await listed(sso)
    binder = await sso.acme.holder("role_bindings.create", at=sso.acme.id)
    with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own"):
        await binder(f"{REQUESTS}/ApproveAccessRequest", uid=request["uid"], role=OWNER)
    assert await listed(sso) == [request]


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email": "ann@elsewhere.example"},
        {"email": ""},
        {"email_verified": "yes"},
    ],
)
async def test_who_may_not_ask(sso: Sso, claims: Mapping[str, Any]) -> None:
    """An address that is not verified, or of another domain, is told of no organization."""
    await sso.domains(sso.domain)
    _, subject = await sso.newcomer()
    caller = await sso.login(subject, **claims)
    assert (await caller("Groups/CheckEligibility"))["eligible"] is False
    with refused(code_pb2.NOT_FOUND, "group_not_found"):
        await caller("Groups/RequestGroupAccess", group_id=sso.acme.id)
    assert await listed(sso) == []


async def test_the_name_of_a_verified_organization_is_a_domain(sso: Sso) -> None:
    """Who has a verified address there is told of it, in every version; a domain below is
    another."""
    caller, subject = await sso.newcomer()
    below = await sso.login(subject, email=f"ann@mail.{sso.domain}")
    upper = await sso.login(subject, email=f"ann@{sso.domain.upper()}")
    for verified in (False, True):
        group = {"uid": sso.acme.id, "name": sso.domain, "verified": verified}
        operator = await sso.operator()
        await operator("v2.GroupsService/UpdateGroup", group=group, update_mask="name,verified")
        for version in ("Groups", "v2.GroupsService", "v2beta1.GroupsService"):
            for each, expected in ((caller, verified), (upper, verified), (below, False)):
                assert ("group" in await each(f"{version}/LookupGroup")) is expected
                eligible = await each(f"{version}/CheckEligibility")
                assert eligible["eligible"] is expected


async def test_a_provider_speaks_for_its_own_domains(everything: World, wire: Wire) -> None:
    """That of another organization can say what it likes of addresses, and it counts for nothing;
    nor does a token for which no provider was named."""
    sso, evil = await Sso.of(everything, wire), await Sso.of(everything, wire)
    await sso.domains(sso.domain)
    _, subject = await evil.newcomer()
    liar = await evil.login(subject, email=f"ceo@{sso.domain}")
    direct = everything.issuer.token(
        {"sub": subject, "email": f"ceo@{sso.domain}", "email_verified": True}
    )
    answer = await Caller(wire, direct)("SecurityTokenService/Exchange")
    for caller in (liar, Caller(wire, answer["token"])):
        assert "group" not in await caller("Groups/LookupGroup")
        with refused(code_pb2.NOT_FOUND, "group_not_found"):
            await caller("Groups/RequestGroupAccess", group_id=sso.acme.id)


async def test_a_suspended_organization(everything: World, wire: Wire) -> None:
    """Nobody holds anything there, over the API or in a new token, until it is lifted; nobody is
    told of it or can ask."""
    sso = await Sso.of(everything, wire)
    await sso.domains(sso.domain)
    robot = await sso.acme.identity(subject="its-robot")
    await sso.acme.bind(robot, VIEWER, sso.acme.id)
    ann, newcomer = await sso.ann(), (await sso.newcomer())[0]
    machine = await everything.assumed(robot, "its-robot")
    operator = await sso.operator()

    async def be(status: str) -> None:
        await operator(
            "v2.GroupsService/UpdateGroup",
            group={"uid": sso.acme.id, "status": status},
            update_mask="status",
        )

    await be("ORG_STATUS_SUSPENDED")
    assert not await holds(ann, sso)
    assert not await holds(machine, sso)
    again = await everything.assumed(robot, "its-robot")
    assert again.token is not None
    assert claims_of(again.token)["cap"] == {}
    assert "group" not in await newcomer("Groups/LookupGroup")
    await be("ORG_STATUS_READY")
    assert await holds(ann, sso)
    assert await holds(machine, sso)
