"""A token from AWS credentials, as workloads make it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from botocore.session import Session

from broker.errors import Invalid, Precondition
from broker.sdk.aws import aws_token

ISSUER = "https://broker.example.com"
IDENTITY = "43b49a5ad747c66d9820fc8de64784b2329ff490/1e02e4de78b663ca"


def session(token: str | None = None) -> Session:
    """With credentials of its own, made up."""
    made = Session()
    made.set_credentials("AKIDEXAMPLE", "secret", token)
    return made


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Session:
    """A session that finds no credentials anywhere."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return Session()


def lines(token: str) -> list[str]:
    return base64.urlsafe_b64decode(token).decode("ascii").split("\r\n")


def test_it_is_a_request_to_the_global_endpoint() -> None:
    """The token spells a bodiless POST to STS that names broker and identity in signed headers."""
    target, *headers, blank, end = lines(aws_token(ISSUER, IDENTITY, session=session("token")))
    assert target == "POST /?Action=GetCallerIdentity&Version=2011-06-15 HTTP/1.1"
    assert (blank, end) == ("", "")
    named = dict(header.split(": ", 1) for header in headers)
    assert named["Host"] == "sts.amazonaws.com"
    assert named["Accept"] == "application/json"
    assert named["Chainguard-Audience"] == ISSUER
    assert named["Chainguard-Identity"] == IDENTITY
    assert named["X-Amz-Security-Token"] == "token"
    assert "/us-east-1/sts/aws4_request" in named["Authorization"]
    assert (
        "SignedHeaders=accept;chainguard-audience;chainguard-identity;host;x-amz-date;"
        "x-amz-security-token," in named["Authorization"]
    )


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "sts.eu-central-1.amazonaws.com"),
        ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
    ],
)
def test_a_region_has_an_endpoint_of_its_own(region: str, host: str) -> None:
    """A region's STS is addressed by its host and signed for by its name."""
    request = lines(aws_token(ISSUER, IDENTITY, session=session(), region=region))
    assert f"Host: {host}" in request
    assert any(f"/{region}/sts/aws4_request" in line for line in request)


def test_another_prefix() -> None:
    """Installations that name the headers otherwise get them so."""
    request = lines(aws_token(ISSUER, IDENTITY, session=session(), prefix="Acme"))
    assert f"Acme-Audience: {ISSUER}" in request
    assert f"Acme-Identity: {IDENTITY}" in request


def test_a_slash_after_the_issuer_is_left_out() -> None:
    """The broker compares to the letter, and its issuer has no slash at its end."""
    token = aws_token(f"{ISSUER}/", IDENTITY, session=session())
    assert f"Chainguard-Audience: {ISSUER}" in lines(token)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"region": "mars"}, "aws_region_unknown"),
        ({"identity": "ci"}, "uidp_malformed"),
        ({"issuer": ""}, "audience_invalid"),
        ({"issuer": "https://broker.example.com\r\nHost: x"}, "audience_invalid"),
    ],
)
def test_what_cannot_be_signed_for(arguments: dict[str, str], code: str) -> None:
    """A request for no region, identity or broker is not signed."""
    with pytest.raises(Invalid) as refused:
        aws_token(**({"issuer": ISSUER, "identity": IDENTITY} | arguments), session=session())
    assert refused.value.code == code


def test_no_credentials(bare: Session) -> None:
    """Without credentials it says where they were looked for."""
    with pytest.raises(Precondition) as refused:
        aws_token(ISSUER, IDENTITY, session=bare)
    assert refused.value.code == "aws_credentials_missing"


def test_an_unknown_profile(bare: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """What botocore says of credentials that cannot be read is passed on."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(Precondition) as refused:
        aws_token(ISSUER, IDENTITY, session=Session())
    assert refused.value.code == "aws_credentials_missing"
    assert "nobody" in refused.value.message
