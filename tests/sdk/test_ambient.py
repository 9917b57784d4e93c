"""Ambient credentials: each platform's way to a token, from its sign to a token of the broker's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import jwt
import pytest
from aiohttp import web

from broker.errors import BrokerError, Kind
from broker.sdk import ambient
from broker.sdk.ambient import Platform
from broker.sdk.exchange import exchange
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.brokers import RunningBroker
from tests.kit.organizations import Organization, github
from tests.kit.platforms import METADATA, GithubRunner, GoogleMetadata

AUDIENCE: Final = "https://broker.example.com"


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sign of any platform, wherever the tests run."""
    for name in list(os.environ):
        if name.startswith(("GITHUB_", "ACTIONS_", "GITLAB_", "BUILDKITE", "AWS_", "GOOGLE_")):
            monkeypatch.delenv(name)
    # the kernel of a machine in Google Cloud would say so
    monkeypatch.setattr("id._internal.oidc.ambient._GCP_PRODUCT_NAME_FILE", "/nonexistent")


def _put(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


async def _becomes(
    broker: RunningBroker,
    identity: str,
    *,
    platform: Platform | None = None,
    root: Path = Path("/nonexistent"),
) -> None:
    """The surroundings' credential is exchanged, and the token is the identity's."""
    exchanged = await exchange(
        broker.url,
        lambda: ambient.token(broker.url, platform=platform, root=root),
        identity=identity,
    )
    claims = jwt.decode(exchanged.token, options={"verify_signature": False})
    assert claims["sub"] == identity


def _fails(kind: Kind, code: str, *texts: str, root: Path, platform: Platform | None) -> None:
    with pytest.raises(BrokerError) as caught:
        ambient.token(AUDIENCE, platform=platform, root=root)
    assert (caught.value.kind, caught.value.code) == (kind, code)
    for text in texts:
        assert text in caught.value.message


async def test_github(
    broker: RunningBroker, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job gets a token for the broker from its runner, though the address has a query."""
    async with GithubRunner() as runner:
        identity = await acme.identity(github(runner.url))
        _put(monkeypatch, **runner.variables)
        await _becomes(broker, identity)
    assert len(runner.given) == 1


async def test_github_before_what_the_runner_runs_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A self-hosted runner in a cluster of a cloud has a credential of its own: not the job's."""
    pod = tmp_path / ambient.PROJECTED
    pod.parent.mkdir(parents=True)
    pod.write_text("a.b.c")
    _put(monkeypatch, GITHUB_ACTIONS="true", AWS_WEB_IDENTITY_TOKEN_FILE="/x")
    _fails(
        Kind.PRECONDITION, "credential_unusable", "id-token: write", root=tmp_path, platform=None
    )


@pytest.mark.parametrize("missing", ["URL", "TOKEN"])
def test_github_without_the_permission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """The message says which permission the job needs."""
    present = {"URL": "TOKEN", "TOKEN": "URL"}[missing]
    _put(monkeypatch, GITHUB_ACTIONS="true", **{f"ACTIONS_ID_TOKEN_REQUEST_{present}": "x"})
    _fails(
        Kind.PRECONDITION,
        "credential_unusable",
        "`permissions: id-token: write`",
        "fork",
        root=tmp_path,
        platform=None,
    )


async def test_github_that_fails(broker: RunningBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its refusal is the cause; the broker is not asked."""
    async with GithubRunner() as runner:
        runner.failures = [web.Response(status=403, text="no")]
        _put(monkeypatch, **runner.variables)
        with pytest.raises(BrokerError, match=r"GitHub Actions .* gave no token") as caught:
            await exchange(broker.url, lambda: ambient.token(broker.url))
    assert caught.value.code == "credential_unavailable"
    assert "403" in str(caught.value.__cause__)


@pytest.mark.parametrize("value", [7, "", "two\nlines", "not ascii ä"])
async def test_github_that_gives_something_else(
    monkeypatch: pytest.MonkeyPatch, value: object
) -> None:
    """What is no token is not sent on, and not quoted."""
    async with GithubRunner() as runner:
        runner.value = value
        _put(monkeypatch, **runner.variables)
        with pytest.raises(BrokerError) as caught:
            await exchange("http://127.0.0.1:1", lambda: ambient.token(AUDIENCE))
    assert caught.value.code in {"credential_unavailable", "credential_unusable"}
    assert str(value) not in caught.value.message or value == ""


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://127.0.0.1:port/", "http://[::1/"])
def test_github_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """An address that nobody answers at, or that is none."""
    _put(
        monkeypatch,
        GITHUB_ACTIONS="true",
        ACTIONS_ID_TOKEN_REQUEST_URL=url,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN="x",
    )
    _fails(Kind.UNAVAILABLE, "credential_unavailable", AUDIENCE, root=tmp_path, platform=None)


async def test_gitlab(
    broker: RunningBroker,
    acme: Organization,
    issuer: LocalIssuer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A job finds its token in a variable that is named after the audience."""
    identity = await acme.identity(github(issuer.url))
    name = broker.url.upper().replace(":", "_").replace("/", "_").replace(".", "_")
    token = issuer.token(issuer.github_claims())
    _put(monkeypatch, GITLAB_CI="true", **{f"{name}_ID_TOKEN": token})
    await _becomes(broker, identity)


def test_gitlab_without_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cause has the name of the variable that the job would need."""
    _put(monkeypatch, GITLAB_CI="true", OTHER_ID_TOKEN="a.b.c")
    with pytest.raises(BrokerError, match="`id_tokens`") as caught:
        ambient.token(AUDIENCE, root=tmp_path)
    assert caught.value.code == "credential_unusable"
    assert "HTTPS___BROKER_EXAMPLE_COM_ID_TOKEN" in str(caught.value.__cause__)


AGENT: Final = """\
#!/bin/sh
test "$*" = "oidc request-token --audience {audience}" || exit 2
cat "$(dirname "$0")/token"
"""


async def test_buildkite(
    broker: RunningBroker,
    acme: Organization,
    issuer: LocalIssuer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A step asks the agent."""
    identity = await acme.identity(github(issuer.url))
    _agent(tmp_path, AGENT.format(audience=broker.url), monkeypatch)
    (tmp_path / "token").write_text(f"{issuer.token(issuer.github_claims())}\n")
    await _becomes(broker, identity)


def test_buildkite_whose_agent_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the agent says is the cause."""
    _agent(tmp_path, "#!/bin/sh\necho no such job\nexit 1\n", monkeypatch)
    with pytest.raises(BrokerError, match=r"Buildkite .* gave no token") as caught:
        ambient.token(AUDIENCE, root=tmp_path)
    assert caught.value.code == "credential_unavailable"
    assert "no such job" in str(caught.value.__cause__)


def test_buildkite_without_an_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container of a step, for example, that has none."""
    _put(monkeypatch, BUILDKITE="true", PATH=str(tmp_path))
    with pytest.raises(BrokerError) as caught:
        ambient.token(AUDIENCE, root=tmp_path)
    assert "agent" in str(caught.value.__cause__)


def _agent(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = folder / "buildkite-agent"
    agent.write_text(script)
    agent.chmod(0o755)
    _put(monkeypatch, BUILDKITE="true", PATH=f"{folder}:{os.environ['PATH']}")


async def test_google(
    broker: RunningBroker, acme: Organization, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An instance asks its metadata server, found by the product name of the machine."""
    async with GoogleMetadata({"sub": "113774264463038321964"}) as metadata:
        identity = await acme.identity(github(metadata.url, subject="113774264463038321964"))
        product = tmp_path / "product_name"
        product.write_text("Google Compute Engine\n")
        # for what DNS and the kernel say there
        monkeypatch.setattr("id._internal.oidc.ambient._GCP_PRODUCT_NAME_FILE", str(product))
        monkeypatch.setattr(
            "id._internal.oidc.ambient._GCP_IDENTITY_REQUEST_URL",
            f"{metadata.address}{METADATA}",
        )
        await _becomes(broker, identity)
        await _becomes(broker, identity, platform=Platform.GOOGLE)


async def test_kubernetes(
    broker: RunningBroker, acme: Organization, issuer: LocalIssuer, tmp_path: Path
) -> None:
    """A pod finds its token where its volume is mounted."""
    subject = "system:serviceaccount:shop:deploy"
    identity = await acme.identity(github(issuer.url, subject=subject))
    file = tmp_path / "var/run/secrets/broker/token"
    file.parent.mkdir(parents=True)
    file.write_text(issuer.token({"sub": subject}))
    await _becomes(broker, identity, root=tmp_path)


def test_kubernetes_without_a_volume(tmp_path: Path) -> None:
    """The message says what to mount where."""
    _fails(
        Kind.PRECONDITION,
        "credential_unusable",
        "/var/run/secrets/broker/token",
        f"audience {AUDIENCE}",
        root=tmp_path,
        platform=Platform.KUBERNETES,
    )


def test_a_file_comes_before_all_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody said explicitly where the credential is; white space around it does not matter."""
    file = tmp_path / "token"
    file.write_text("\n a.b.c \n")
    _put(monkeypatch, BROKER_CREDENTIAL_FILE=str(file), GITHUB_ACTIONS="true")
    assert ambient.token(AUDIENCE, root=tmp_path) == "a.b.c"


@pytest.mark.parametrize("content", [b"", b"two\nlines", b"\xff\x00", "schlüssel".encode()])
def test_a_file_that_holds_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """It may hold anything, and stays where it is."""
    file = tmp_path / "token"
    file.write_bytes(content)
    _put(monkeypatch, BROKER_CREDENTIAL_FILE=str(file))
    _fails(Kind.PRECONDITION, "credential_unusable", "no token", root=tmp_path, platform=None)


def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names it, and the variable."""
    _put(monkeypatch, BROKER_CREDENTIAL_FILE=str(tmp_path / "gone"))
    _fails(
        Kind.PRECONDITION,
        "credential_unusable",
        str(tmp_path / "gone"),
        "BROKER_CREDENTIAL_FILE",
        root=tmp_path,
        platform=None,
    )


@pytest.mark.parametrize(
    "name",
    [
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ],
)
def test_aws_is_known_by_what_its_workloads_have(tmp_path: Path, name: str) -> None:
    """Lambda, ECS, EKS; not by access keys, which people have too."""
    assert ambient.detected({name: "x"}, tmp_path) is Platform.AWS
    assert ambient.detected({"AWS_ACCESS_KEY_ID": "x", "AWS_PROFILE": "x"}, tmp_path) is None


@pytest.mark.parametrize(("vendor", "found"), [("Amazon EC2", Platform.AWS), ("QEMU", None)])
def test_an_instance_of_ec2_is_known_by_its_vendor(
    tmp_path: Path, vendor: str, found: Platform | None
) -> None:
    """It has nothing in the environment."""
    file = tmp_path / "sys/class/dmi/id/sys_vendor"
    file.parent.mkdir(parents=True)
    file.write_text(f"{vendor}\n")
    assert ambient.detected({}, tmp_path) is found


def test_aws_needs_to_know_the_identity(tmp_path: Path) -> None:
    """The request is signed for one."""
    _fails(
        Kind.PRECONDITION, "credential_unusable", "identity", root=tmp_path, platform=Platform.AWS
    )


def test_nowhere(tmp_path: Path) -> None:
    """The message has every place that was looked at."""
    _fails(
        Kind.PRECONDITION,
        "credential_not_found",
        "BROKER_CREDENTIAL_FILE",
        "GitHub Actions",
        "GitLab CI",
        "Buildkite",
        "/var/run/secrets/broker/token",
        "AWS",
        "Google Cloud",
        root=tmp_path,
        platform=None,
    )


@pytest.mark.parametrize("platform", [p for p in Platform if p is not Platform.AWS])
def test_a_platform_that_was_named_and_is_not_there(tmp_path: Path, platform: Platform) -> None:
    """Is told apart from one that does not answer."""
    _fails(Kind.PRECONDITION, "credential_unusable", root=tmp_path, platform=platform)
