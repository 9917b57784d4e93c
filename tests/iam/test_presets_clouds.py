"""The presets for clouds, clusters and any OpenID provider."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from broker.errors import Invalid
from broker.iam.matching import compile_pattern
from broker.iam.model import ClaimMatch, StaticKeys
from broker.iam.presets import Keys
from broker.iam.presets.aws import federation_rules, role_rules, user_rules
from broker.iam.presets.entra import entra_rules
from broker.iam.presets.google import google_rules
from broker.iam.presets.kubernetes import kubernetes_rules
from broker.iam.presets.oidc import oidc_rules
from tests.kit.presets import NOW, accepts

ACCOUNT = "123456789012"
A, B, C = (f"0f3a1c52-7d1e-4b60-9a53-2c1f0e9b7d4{digit}" for digit in "123")
KEYS = Keys(jwks="{}", expiration=NOW + timedelta(days=1))


class TestAws:
    """Roles and users of an account, by a signed request."""

    def test_a_role(self) -> None:
        """The ARN that a session has, without the role's path; the id before the session's name."""
        rules = role_rules(account=ACCOUNT, role="ci+deploy", role_id="AROA1234")
        arn = compile_pattern(rules.arn_pattern)
        assert arn.fullmatch(f"arn:aws:sts::{ACCOUNT}:assumed-role/ci+deploy/i-0abc")
        assert not arn.fullmatch(f"arn:aws:sts::{ACCOUNT}:assumed-role/cii+deploy/i-0abc")
        assert not arn.fullmatch(f"arn:aws:sts::{ACCOUNT}:assumed-role/ci+deploy/a/b")
        user_id = compile_pattern(rules.user_id_pattern)
        assert user_id.fullmatch("AROA1234:i-0abc")
        assert not user_id.fullmatch("AROA12345:i-0abc")

    def test_a_role_by_its_name_or_by_its_id(self) -> None:
        """One is enough."""
        named = role_rules(account=ACCOUNT, partition="aws-cn", role="ci")
        assert named.arn_pattern.startswith(f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/ci/")
        assert compile_pattern(named.user_id_pattern).fullmatch("AROA99:s")
        assert not compile_pattern(named.user_id_pattern).fullmatch("AIDA99")
        by_id = role_rules(account=ACCOUNT, role_id="AROA1")
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/any/s"
        assert compile_pattern(by_id.arn_pattern).fullmatch(arn)

    def test_a_user(self) -> None:
        """Literal where name and id are known."""
        rules = user_rules(account=ACCOUNT, user="path/bob", user_id="AIDA1")
        assert rules.arn == f"arn:aws:iam::{ACCOUNT}:user/path/bob"
        assert rules.user_id == "AIDA1"
        named = user_rules(account=ACCOUNT, user="bob")
        assert compile_pattern(named.user_id_pattern).fullmatch("AIDA77")
        by_id = user_rules(account=ACCOUNT, user_id="AIDA1")
        assert compile_pattern(by_id.arn_pattern).fullmatch(f"arn:aws:iam::{ACCOUNT}:user/a/b")

    @pytest.mark.parametrize(
        ("field", "answers"),
        [
            ("account", {"account": "123", "role": "a"}),
            ("partition", {"account": ACCOUNT, "role": "a", "partition": "AWS"}),
            ("role", {"account": ACCOUNT}),
            ("role", {"account": ACCOUNT, "role": "path/name"}),
            ("role_id", {"account": ACCOUNT, "role_id": "AIDA1"}),
        ],
    )
    def test_wrong_answers(self, field: str, answers: dict[str, str]) -> None:
        """Are refused by name."""
        with pytest.raises(Invalid, match=rf"^{field}: "):
            role_rules(**answers)


class TestAwsFederation:
    """The same by outbound federation."""

    ISSUER = f"https://{A}.tokens.sts.global.api.aws"

    def rules(self, **more: str) -> ClaimMatch:
        given = {"issuer": self.ISSUER, "account": ACCOUNT, "role": "ci/deploy"}
        return federation_rules(**given | more)

    def details(self, **more: str) -> dict[str, Any]:
        return {"https://sts.amazonaws.com/": {"aws_account": ACCOUNT, "org_id": "o-1"} | more}

    def test_a_role(self) -> None:
        """By its ARN with its path, and by the account that the token tells."""
        arn = f"arn:aws:iam::{ACCOUNT}:role/ci/deploy"
        assert accepts(self.rules(), arn, **self.details())
        assert not accepts(self.rules(), f"{arn}2", **self.details())
        assert not accepts(self.rules(), arn, **self.details(aws_account="210987654321"))
        assert not accepts(self.rules(), arn)

    def test_a_user_and_an_organization(self) -> None:
        """Where they are given."""
        rules = self.rules(role="", user="bob", organization="o-a1b2c3d4e5")
        arn = f"arn:aws:iam::{ACCOUNT}:user/bob"
        assert accepts(rules, arn, **self.details(org_id="o-a1b2c3d4e5"))
        assert not accepts(rules, arn, **self.details())

    @pytest.mark.parametrize(
        ("field", "more"),
        [
            ("issuer", {"issuer": "https://sts.amazonaws.com"}),
            ("role", {"role": ""}),
            ("role", {"user": "bob"}),
            ("role", {"role": "a b"}),
            ("organization", {"organization": "acme"}),
        ],
    )
    def test_wrong_answers(self, field: str, more: dict[str, str]) -> None:
        """Are refused by name."""
        with pytest.raises(Invalid, match=rf"^{field}: "):
            self.rules(**more)


class TestGoogle:
    """Service accounts."""

    def test_the_number_is_the_subject(self) -> None:
        """The address is asked for besides where it is given, and has to be verified."""
        assert accepts(google_rules(account_id="104232"), "104232")
        rules = google_rules(account_id="104232", email="ci@acme.iam.gserviceaccount.com")
        claims: dict[str, Any] = {
            "email": "ci@acme.iam.gserviceaccount.com",
            "email_verified": True,
        }
        assert accepts(rules, "104232", **claims)
        assert not accepts(rules, "104232", **claims | {"email_verified": False})
        assert not accepts(rules, "104232")
        with pytest.raises(Invalid, match=r"^account_id: .*a number"):
            google_rules(account_id="ci@acme.iam.gserviceaccount.com")


class TestEntra:
    """Managed identities and applications."""

    def test_both_versions(self) -> None:
        """Have an issuer each, and another claim for the client."""
        given = {"tenant_id": A, "object_id": B, "audience": "aud", "client_id": C}
        second = entra_rules(**given)
        assert second.issuer == f"https://login.microsoftonline.com/{A}/v2.0"
        assert accepts(second, B, aud="aud", tid=A, oid=B, azp=C)
        assert not accepts(second, B, aud="aud", tid=C, oid=B, azp=C)
        assert not accepts(second, B, aud="aud", tid=A, oid=B, azp=A)
        first = entra_rules(**given, version="1.0")
        assert first.issuer == f"https://sts.windows.net/{A}/"
        assert accepts(first, B, aud="aud", tid=A, oid=B, appid=C)


class TestKubernetes:
    """Service accounts."""

    def test_the_uid(self) -> None:
        """Lies within the claim `kubernetes.io`."""
        given: dict[str, Any] = {
            "issuer": "https://k.example",
            "namespace": "prod",
            "service_account": "web",
        }
        rules = kubernetes_rules(**given, service_account_uid=A)
        claims: dict[str, Any] = {"kubernetes.io": {"serviceaccount": {"name": "web", "uid": A}}}
        assert accepts(rules, "system:serviceaccount:prod:web", **claims)
        claims["kubernetes.io"]["serviceaccount"]["uid"] = B
        assert not accepts(rules, "system:serviceaccount:prod:web", **claims)
        with pytest.raises(Invalid, match=r"^issuer_keys: "):
            kubernetes_rules(**given, service_account_uid=A, keys=KEYS)
        assert isinstance(kubernetes_rules(**given, keys=KEYS), StaticKeys)

    @pytest.mark.parametrize("field", ["namespace", "service_account"])
    def test_wrong_answers(self, field: str) -> None:
        """Are refused by name."""
        given: dict[str, Any] = {
            "issuer": "https://k.example",
            "namespace": "n",
            "service_account": "s",
        }
        with pytest.raises(Invalid, match=rf"^{field}: .*a Kubernetes name"):
            kubernetes_rules(**given | {field: "a:b"})


def test_any_openid_provider() -> None:
    """By a subject or a pattern for it, not both and not neither."""
    assert accepts(oidc_rules(issuer="https://a.example", subject="ci"), "ci")
    assert accepts(oidc_rules(issuer="https://a.example", subject_pattern="ci-.*"), "ci-1")
    wrong: list[dict[str, Any]] = [{}, {"subject": "a", "subject_pattern": "b"}]
    for more in wrong:
        with pytest.raises(Invalid, match=r"^subject: "):
            oidc_rules(issuer="https://a.example", **more)
    with pytest.raises(Invalid, match=r"^subject_pattern: not an RE2 pattern"):
        oidc_rules(issuer="https://a.example", subject_pattern="(")
