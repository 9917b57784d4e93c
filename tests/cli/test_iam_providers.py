"""`broker iam identity-providers`, their group mappings and SCIM."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.management import Caller, Organization, rows
from tests.cli.processes import in_background, refused
from tests.kit.login_provider import DrivenProvider
from tests.kit.organizations import ROLES

IDP = ("iam", "identity-providers")
OIDC = ("--oidc-issuer", "https://idp.example", "--oidc-client-id", "broker")
VIEWER = str(next(role.id for role in ROLES if role.name == "viewer"))


@pytest.fixture
def okta(acme: Organization, owner: Caller) -> str:
    """A provider of the organization; its UIDP."""
    return owner.id(*IDP, "create", "--name", "okta", *OIDC, "--oidc-client-secret", "geheim",
                    "--parent", acme.name)  # fmt: skip


def test_a_provider(acme: Organization, owner: Caller, tmp_path: Path) -> None:
    """With everything that it can have; the secret is told by nobody again."""
    (tmp_path / "secret").write_text("geheim\n")
    done = owner.run(
        *IDP, "create", "--name", "okta", "--description", "Ours", "--configuration-type", "OIDC",
        "--oidc-issuer", owner.issuer.url, "--oidc-client-id", "broker",
        "--oidc-client-secret-file", str(tmp_path / "secret"),
        "--oidc-additional-scopes", "groups,offline_access", "--oidc-groups-claim", "groups",
        "--oidc-pkce-enabled", "--oidc-correlation-rule", "oid", "--default-role", "viewer",
        "--parent", acme.name, "-o", "json",
    )  # fmt: skip
    assert "geheim" not in done.out + done.err
    made = done.json
    assert (made["name"], made["description"], made["defaultRole"]) == ("okta", "Ours", VIEWER)
    assert made["oidc"]["issuer"] == owner.issuer.url
    assert made["oidc"]["additionalScopes"] == ["groups", "offline_access"]
    assert made["oidc"]["groupsClaim"] == "groups"
    assert made["oidc"]["pkceEnabled"] is True
    assert made["oidc"]["correlationRule"] == "CORRELATION_RULE_OID_EQUALS_EXTERNAL_ID"
    assert owner.json("iam", "idp", "describe", f"{acme.name}/okta") == made


def test_an_update_keeps_the_rest(okta: str, owner: Caller) -> None:
    """Members within `oidc` are changed one by one, and the secret stays."""
    changed = owner.json(*IDP, "update", "okta", "--oidc-groups-claim", "roles", "--name", "o")
    assert (changed["uid"], changed["name"]) == (okta, "o")
    assert changed["oidc"]["groupsClaim"] == "roles"
    assert changed["oidc"]["clientId"] == "broker"
    changed = owner.json(
        *IDP, "update", okta, "--oidc-pkce-enabled", "--default-role", "viewer",
        "--oidc-issuer", owner.issuer.url,
    )  # fmt: skip
    assert changed["oidc"]["pkceEnabled"] is True
    changed = owner.json(*IDP, "update", okta, "--no-oidc-pkce-enabled")
    assert changed["oidc"]["pkceEnabled"] is False
    assert changed["defaultRole"] == VIEWER
    refused(owner.run(*IDP, "update", okta), "Nothing to change", code=2)


def test_listing_and_deleting(acme: Organization, owner: Caller, okta: str) -> None:
    """By place; by name or UIDP."""
    assert rows(owner.ok(*IDP, "list")) == [[okta, "okta", "https://idp.example", "broker"]]
    acme.folder("shop")
    assert owner.ids(*IDP, "list", "--parent", "shop") == []
    assert owner.ids(*IDP, "delete", "okta", "--parent", acme.name, "--yes") == [okta]
    assert owner.ids(*IDP, "ls") == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "--name"),
        (("--name", "x"), "--oidc-issuer"),
        (("--name", "x", *OIDC, "--oidc-client-secret", "a", "--oidc-client-secret-file", "-"),
         "Give the client secret once"),
        (("--name", "x", "--configuration-type", "SAML"), "'SAML' is not"),
    ],
)  # fmt: skip
def test_wrong_options(
    acme: Organization, owner: Caller, words: tuple[str, ...], says: str
) -> None:
    """Are refused with what is expected."""
    refused(owner.run(*IDP, "create", "--parent", acme.name, *words), says, code=2)


MAPPINGS = ("iam", "external-group-role-mappings")


def test_mappings_by_provider_option(acme: Organization, owner: Caller, okta: str) -> None:
    """Of a group at the provider to a role, at the provider's group unless told otherwise."""
    shop = acme.folder("shop")
    words = ("--idp", "okta", "--external-group-id", "devs", "--role", "viewer")
    made = owner.json(*MAPPINGS, "create", *words)
    assert made["identityProviderUid"] == okta
    assert (made["roleUid"], made["scope"]) == (VIEWER, acme.id)
    below = owner.json(*MAPPINGS, "create", *words, "--scope", "shop")
    assert below["scope"] == shop
    both = {made["uid"], below["uid"]}
    assert set(owner.ids(*MAPPINGS, "list", "--idp", f"{acme.name}/okta")) == both
    assert set(owner.ids(*MAPPINGS, "list", "--parent", acme.name)) == both
    assert owner.ids(*MAPPINGS, "delete", made["uid"], "-y") == [made["uid"]]
    assert owner.ids(*MAPPINGS, "delete", "--all", "--idp", "okta", "-y") == [below["uid"]]
    refused(owner.run(*MAPPINGS, "delete", "-y"), "or --all", code=2)
    refused(owner.run(*MAPPINGS, "create", "--role", "viewer"), "--idp", code=2)


def test_mappings_by_provider_argument(acme: Organization, owner: Caller, okta: str) -> None:
    """The same noun below its provider, where a mapping is known by its external group too."""
    mappings = (*IDP, "group-mappings")
    words = ("okta", "--external-group-id")
    devs = owner.id(*mappings, "create", *words, "devs", "--role", "viewer")
    ops = owner.id(*mappings, "create", *words, "ops", "--role", "owner")
    assert set(owner.ids(*mappings, "list", "okta")) == {devs, ops}
    assert owner.ids(*mappings, "delete", okta, "devs", "--yes") == [devs]
    refused(owner.run(*mappings, "delete", okta, "devs", "-y"), "No such mapping", code=2)
    assert owner.ids(*mappings, "delete", okta, "--all", "--yes") == [ops]
    refused(owner.run(*mappings, "delete", okta, "-y"), "or --all", code=2)
    refused(owner.run(*mappings, "create", okta, "--role", "viewer"), "--external-group", code=2)


def test_scim_from_the_first_token_to_the_last(
    acme: Organization, okta: str, owner: Caller
) -> None:
    """Turned on, with a token that a directory can use; another one; none; off."""
    scim = (*IDP, "scim")
    refused(owner.run(*scim, "enable", "okta"), "scim_correlation_rule_missing")
    owner.ok(*IDP, "update", "okta", "--oidc-correlation-rule", "sub")
    refused(owner.run(*scim, "enable", "okta"), "scim_owners_missing")
    bound = ("--identity", "ab" * 20, "--role", "owner", "--parent", acme.name)
    owner.ok("iam", "role-bindings", "create", *bound)
    assert owner.json(*scim, "enable", "okta")["enabled"] is True
    first = owner.json(*scim, "token", "generate", "okta", "--expires-in", "720h")
    assert first["identityProviderUid"] == okta
    assert first["endpointUrl"] == f"{owner.served.url}/scim/v2/{okta}"
    assert first["token"].startswith("cgscim_")
    assert asked(first["endpointUrl"], first["token"]) == 200
    words = ("okta", "--never-expires", "--overlap", "1h")
    done = owner.run(*scim, "token", "regenerate", *words)
    assert "cgscim_" in done.out, "a person sees it as well"
    assert asked(first["endpointUrl"], first["token"]) == 200
    assert owner.json("iam", "idp", "describe", "okta")["scim"]["credentialState"] == (
        "CREDENTIAL_STATE_ROTATING"
    )
    assert owner.json(*scim, "token", "revoke", "okta", "-y")["enabled"] is False
    assert asked(first["endpointUrl"], first["token"]) == 401
    assert owner.json(*scim, "disable", "okta", "-y")["enabled"] is False


def asked(endpoint: str, token: str) -> int:
    """What a directory is answered."""
    request = urllib.request.Request(
        f"{endpoint}/Users", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_scim_that_needs_a_yes(okta: str, owner: Caller) -> None:
    """What cuts a provider off is confirmed."""
    refused(owner.run(*IDP, "scim", "disable", "okta"), "give --yes", code=2)
    refused(owner.run(*IDP, "scim", "token", "revoke", "okta"), "give --yes", code=2)
    words = ("--expires-in", "1h", "--never-expires")
    done = owner.run(*IDP, "scim", "token", "generate", "okta", *words)
    refused(done, "exclude each other", code=2)


def test_a_provider_is_tried_before_anybody_logs_in(acme: Organization, owner: Caller) -> None:
    """Each check with what was expected and what came; exit code 1 when one fails."""
    with in_background(DrivenProvider()) as provider:
        words = ("--oidc-issuer", provider.url, "--oidc-client-id", "broker", "--parent", acme.name)
        secret = ("--oidc-client-secret-file", "-")
        owner.id(*IDP, "create", "--name", "good", *words, *secret, given="a secret")
        checks = {check["name"]: check for check in owner.json(*IDP, "test", "good")}
        assert checks["discovery"]["ok"]
        assert rows(owner.ok(*IDP, "test", "good"))[0][:2] == ["discovery", "ok"]
        provider.metadata["issuer"] = "https://elsewhere.example"
        failed = owner.run(*IDP, "test", "good")
    assert failed.code == 1
    assert "FAIL" in failed.out
    assert "https://elsewhere.example" in failed.out
