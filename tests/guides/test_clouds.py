"""The guides for Google, Entra ID, Kubernetes, AWS outbound federation and any OpenID provider."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.sdk.testing.issuer import LocalIssuer
from tests.cli.management import Organization
from tests.cli.processes import in_background
from tests.guides.following import BROKER, COMMAND, Workload, follow

STRANGER = "ffffffff-ffff-4fff-bfff-ffffffffffff"


class TestGoogle:
    """docs/guides/google.md."""

    def account(self, **more: Any) -> dict[str, Any]:
        """As the metadata server writes it (Google Cloud, "Get an ID token")."""
        return {
            "sub": "104232000000000000001",
            "azp": "104232000000000000001",
            "email": "ci@acme.iam.gserviceaccount.com",
            "email_verified": True,
            "google": {"compute_engine": {"project_id": "acme", "zone": "europe-west3-a"}},
        } | more

    def test_the_account(self, acme: Organization, platform: LocalIssuer) -> None:
        """By its number, whatever its address."""
        deploy = follow(acme, "google", platform)
        deploy.becomes_it(self.account())
        deploy.becomes_it({"sub": "104232000000000000001"})
        deploy.does_not(self.account(sub="104232000000000000002"))
        deploy.does_not(self.account(), aud="https://elsewhere.example")

    def test_the_address_besides(self, acme: Organization, platform: LocalIssuer) -> None:
        """Has to be there, and verified."""
        words = ("--service-account-id", "104232000000000000001", "--role", "viewer",
                 "--service-account-email", "ci@acme.iam.gserviceaccount.com")  # fmt: skip
        made = acme.owner.json(*COMMAND[1:], "google", "x", "--parent", acme.name, *words)
        update = ("iam", "identities", "update", made["uid"], "--identity-issuer", platform.url)
        workload = Workload(acme.owner.json(*update), platform, acme.owner)
        workload.becomes_it(self.account())
        workload.does_not(self.account(email_verified=False))
        workload.does_not(self.account(email="ci@evil.iam.gserviceaccount.com"))
        workload.does_not({"sub": "104232000000000000001"})


class TestEntra:
    """docs/guides/entra.md."""

    TENANT = "8f2f4d52-3c0a-4f19-9d43-0a5a1b6c7d8e"
    OBJECT = "1c9e6679-7425-40de-944b-e07fc1f90ae7"

    @pytest.fixture
    def deploy(self, acme: Organization, platform: LocalIssuer) -> Workload:
        """One managed identity."""
        return follow(acme, "entra", platform)

    def token(self, **more: str) -> dict[str, str]:
        """Of version 2.0, without a person (Microsoft, "Access token claims reference")."""
        return {
            "sub": self.OBJECT,
            "oid": self.OBJECT,
            "tid": self.TENANT,
            "azp": "0e3f3c2a-9a1b-4d7c-8c5d-6b7a8f9e0d1c",
            "azpacr": "2",
            "rh": "0.AXoA",
            "uti": "hLQsdhPwtkuLvz0WNWAvAA",
            "ver": "2.0",
        } | more

    def test_a_managed_identity(self, deploy: Workload) -> None:
        """By its object id, in its tenant, with a token for the broker's application."""
        assert deploy.audience == "5b8c1b0a-6d1f-4a6e-8f0d-2c3b4a596877"
        deploy.becomes_it(self.token())
        deploy.does_not(self.token(sub=STRANGER, oid=STRANGER))
        deploy.does_not(self.token(oid=STRANGER))
        deploy.does_not(self.token(tid=STRANGER))
        deploy.does_not(self.token(), aud="https://management.azure.com/")

    def test_tokens_of_more_than_a_day(self, deploy: Workload) -> None:
        """Are those of managed identities, and refused until the operator lets them be longer."""
        answer = deploy.exchange(self.token(), lifetime=86_700)
        assert answer.body["details"][0]["metadata"]["stage"] == "times"

    def test_both_issuers(self, acme: Organization) -> None:
        """Are made of the tenant's id; the first version's ends with a slash."""
        words = ("--tenant-id", self.TENANT, "--object-id", self.OBJECT, "--parent", acme.name,
                 "--audience", "api://x")  # fmt: skip
        made = acme.owner.json(*COMMAND[1:], "entra", "a", *words)
        tenant = f"https://login.microsoftonline.com/{self.TENANT}/v2.0"
        assert made["claimMatch"]["issuer"] == tenant
        made = acme.owner.json(*COMMAND[1:], "entra", "b", *words, "--token-version", "1.0")
        assert made["claimMatch"]["issuer"] == f"https://sts.windows.net/{self.TENANT}/"


class TestKubernetes:
    """docs/guides/kubernetes.md."""

    UID = "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798"

    def pod(self, account: str = "web", namespace: str = "prod", uid: str = UID) -> dict[str, Any]:
        """Of a projected token (Kubernetes, "Managing Service Accounts")."""
        return {
            "sub": f"system:serviceaccount:{namespace}:{account}",
            "kubernetes.io": {
                "namespace": namespace,
                "node": {"name": "n1", "uid": "646e7c5e-32d6-4d42-9dbd-e504e6cbe6b1"},
                "pod": {"name": "web-0", "uid": "5e0bd49b-f040-43b0-99b7-22765a53f7f3"},
                "serviceaccount": {"name": account, "uid": uid},
            },
        }

    def test_a_pod(self, acme: Organization, platform: LocalIssuer) -> None:
        """Of the service account, whose audience is a list."""
        web = follow(acme, "kubernetes", platform)
        web.becomes_it(self.pod(), aud=[web.audience])
        web.does_not(self.pod("default"))
        web.does_not(self.pod(namespace="staging"))
        web.does_not(self.pod(), aud=["https://kubernetes.default.svc"])
        web.does_not(self.pod(), aud=[web.audience, "https://kubernetes.default.svc"])

    def test_an_account_that_was_made_anew(self, acme: Organization, platform: LocalIssuer) -> None:
        """Has another UID, and is refused where that is pinned."""
        words = ("--cluster-issuer", platform.url, "--namespace", "prod", "--role", "viewer",
                 "--service-account", "web", "--service-account-uid", self.UID)  # fmt: skip
        made = acme.owner.json(*COMMAND[1:], "kubernetes", "x", "--parent", acme.name, *words)
        web = Workload(made, platform, acme.owner)
        web.becomes_it(self.pod())
        web.does_not(self.pod(uid=STRANGER))

    @pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
    def test_a_cluster_that_cannot_be_reached(
        self, acme: Organization, tmp_path: Path, algorithm: str
    ) -> None:
        """Its keys are in the record; of all the clusters with that issuer only those count."""
        name = "https://kubernetes.default.svc.cluster.local"
        cluster = LocalIssuer(algorithm=algorithm, issuer=name)
        web = follow(acme, "kubernetes", cluster, number=1, folder=tmp_path)
        assert web.audience == BROKER
        web.becomes_it(self.pod(), aud=[BROKER])
        web.does_not(self.pod("default"), aud=[BROKER])
        other = LocalIssuer(algorithm=algorithm, issuer=name)
        answer = Workload(web.identity, other, acme.owner).exchange(self.pod(), aud=[BROKER])
        assert answer.body["details"][0]["metadata"]["stage"] == "signature"

    def test_keys_that_the_cluster_replaced(self, acme: Organization, tmp_path: Path) -> None:
        """Are replaced in the record as the guide says."""
        cluster = LocalIssuer(issuer="https://kubernetes.default.svc.cluster.local")
        web = follow(acme, "kubernetes", cluster, number=1, folder=tmp_path)
        cluster.rotate(keep=False)
        assert web.exchange(self.pod(), aud=[BROKER]).status != 200
        keys = tmp_path / "jwks.json"
        keys.write_text(json.dumps(cluster.jwks()))
        acme.owner.ok("iam", "ids", "update", web.identity["uid"], "--issuer-keys", str(keys))
        web.becomes_it(self.pod(), aud=[BROKER])


class TestAwsFederation:
    """docs/guides/aws-outbound-federation.md."""

    ROLE = "arn:aws:iam::123456789012:role/ci/deploy"

    @pytest.fixture(params=["ES384", "RS256"])
    def account(self, request: pytest.FixtureRequest) -> Iterator[LocalIssuer]:
        """An account's issuer, with the algorithm that the caller chose."""
        with in_background(LocalIssuer(algorithm=request.param)) as running:
            yield running

    def details(self, **more: Any) -> dict[str, Any]:
        """AWS nests what it says (AWS IAM User Guide, "Understanding token claims")."""
        return {
            "aws_account": "123456789012",
            "source_region": "eu-central-1",
            "org_id": "o-a1b2c3d4e5",
            "ou_path": ["o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/"],
            "principal_id": self.ROLE,
            "principal_tags": {"team": "shop"},
            "lambda_source_function_arn": "arn:aws:lambda:eu-central-1:123456789012:function:f",
        } | more

    def test_a_role(self, acme: Organization, account: LocalIssuer) -> None:
        """Of the account, by its ARN with its path."""
        deploy = follow(acme, "aws-outbound-federation", account)
        nested = "https://sts.amazonaws.com/"
        deploy.becomes_it({"sub": self.ROLE, nested: self.details()})
        deploy.becomes_it({"sub": self.ROLE, nested: self.details()}, aud=[deploy.audience])
        deploy.does_not({"sub": f"{self.ROLE}2", nested: self.details()})
        user = "arn:aws:iam::123456789012:user/ci/deploy"
        deploy.does_not({"sub": user, nested: self.details()})
        stranger = self.details(aws_account="210987654321")
        deploy.does_not({"sub": self.ROLE, nested: stranger})
        deploy.does_not({"sub": self.ROLE, "aws_account": "123456789012"})

    def test_several_audiences(self, acme: Organization, account: LocalIssuer) -> None:
        """A token that is also meant for somebody else is refused."""
        deploy = follow(acme, "aws-outbound-federation", account)
        claims = {"sub": self.ROLE, "https://sts.amazonaws.com/": self.details()}
        deploy.does_not(claims, aud=[deploy.audience, "https://elsewhere.example"])


class TestOidc:
    """docs/guides/oidc.md."""

    @pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
    def test_any_provider(self, acme: Organization, algorithm: str) -> None:
        """With any of the algorithms, by subject and claims."""
        with in_background(LocalIssuer(algorithm=algorithm)) as issuer:
            nightly = follow(acme, "oidc", issuer)
            job = {"sub": "job:nightly", "team": "shop", "branch": "release-7"}
            nightly.becomes_it(job)
            nightly.does_not(job | {"sub": "job:weekly"})
            nightly.does_not(job | {"branch": "feature"})
            nightly.does_not(job | {"team": "other"})

    def test_one_that_cannot_be_reached(self, acme: Organization, tmp_path: Path) -> None:
        """By its keys."""
        issuer = LocalIssuer(issuer="https://ci.acme.internal")
        nightly = follow(acme, "oidc", issuer, number=1, folder=tmp_path)
        nightly.becomes_it({"sub": "job:nightly"})
        nightly.does_not({"sub": "job:weekly"})
