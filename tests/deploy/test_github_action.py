"""deploy/github-action, run by Node against a runner's token endpoint and a broker."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import aiohttp
import jwt
import pytest
import yaml
from aiohttp import web

from broker.iam.uidp import Uidp
from tests.docs.documents import Block, blocks
from tests.kit.actions import ACTION, assignments, step
from tests.kit.brokers import RunningBroker
from tests.kit.organizations import Organization, github
from tests.kit.platforms import GithubRunner

NOBODY: Final = "0" * 40
EXCHANGE: Final = "/sts/exchange"


@pytest.fixture
async def runner() -> AsyncIterator[GithubRunner]:
    """A job's runner."""
    async with GithubRunner() as running:
        yield running


@pytest.fixture
async def deploy(acme: Organization, runner: GithubRunner) -> Uidp:
    """An identity for the job, viewer at the folder."""
    identity = await acme.identity(github(runner.url))
    await acme.bind(identity, "viewer")
    return identity


class Between:
    """Somebody between the action and the broker: answers first what a test wants, then forwards."""

    def __init__(self, broker: str) -> None:
        self._broker = broker
        self.answers: list[web.Response | None] = []
        """Given one a request; None breaks the connection."""
        self.requests: list[tuple[str, str]] = []
        """Bearer and body of each."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        bearer = request.headers["Authorization"].removeprefix("Bearer ")
        body = await request.read()
        self.requests.append((bearer, body.decode()))
        if self.answers:
            if (answer := self.answers.pop(0)) is not None:
                return answer
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type")}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self._broker + EXCHANGE, data=body, headers=headers) as answered,
        ):
            return web.Response(
                status=answered.status,
                body=await answered.read(),
                headers={"X-Request-Id": answered.headers["X-Request-Id"]},
            )


@pytest.fixture
async def between(broker: RunningBroker) -> AsyncIterator[tuple[Between, str]]:
    """It, and its URL."""
    proxy = Between(broker.url)
    app = web.Application()
    app.router.add_post(EXCHANGE, proxy.answer)
    serving = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await serving.setup()
    await web.TCPSite(serving, "127.0.0.1", 0).start()
    try:
        yield proxy, f"http://127.0.0.1:{serving.addresses[0][1]}"
    finally:
        await serving.cleanup()


def _claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


async def test_a_token_as_output(
    broker: RunningBroker, runner: GithubRunner, deploy: Uidp, tmp_path: Path
) -> None:
    """Issuer and identity are all that has to be said; the token goes nowhere else."""
    done = await step(tmp_path, runner.variables, issuer=f"{broker.url}/", identity=deploy)
    assert done.code == 0, done.out + done.err
    assert _claims(done.outputs["token"])["sub"] == deploy
    assert done.outputs["expiry"].endswith("Z")
    assert set(done.outputs) == {"token", "expiry"}
    assert done.variables == {}
    assert _claims(runner.given[0])["aud"] == broker.url


async def test_what_the_token_is_narrowed_to(
    broker: RunningBroker,
    acme: Organization,
    runner: GithubRunner,
    deploy: Uidp,
    tmp_path: Path,
) -> None:
    """Lists are on lines of their own, or with commas between."""
    done = await step(
        tmp_path,
        runner.variables,
        issuer=broker.url,
        identity=deploy,
        audience="https://a.example\n  https://b.example\n",
        scopes=acme.folder,
        capabilities="groups.list, roles.list",
    )
    claims = _claims(done.outputs["token"])
    assert claims["aud"] == ["https://a.example", "https://b.example"]
    assert claims["cap"] == {acme.folder: "CAQ"}  # docs/tokens.md


async def test_another_audience_of_the_id_token(
    broker: RunningBroker, acme: Organization, runner: GithubRunner, tmp_path: Path
) -> None:
    """For an identity that wants one."""
    identity = await acme.identity(github(runner.url, audience="sts.example"))
    done = await step(
        tmp_path,
        runner.variables,
        issuer=broker.url,
        identity=identity,
        id_token_audience="sts.example",
    )
    assert _claims(done.outputs["token"])["sub"] == identity


async def test_tokens_are_masked_before_anything_else(
    broker: RunningBroker, runner: GithubRunner, deploy: Uidp, tmp_path: Path
) -> None:
    """GitHub's and the broker's; no line besides that one has either."""
    done = await step(
        tmp_path, runner.variables, issuer=broker.url, identity=deploy, env="DEPLOY_TOKEN"
    )
    tokens = [*runner.given, done.outputs["token"]]
    assert done.masked == tokens
    first, second, *lines = done.out.splitlines()
    assert [first, second] == [f"::add-mask::{token}" for token in tokens]
    for token in [*tokens, runner.bearer]:
        for part in token.split(".")[1:] or [token]:  # headers are alike in all
            assert part not in "\n".join(lines) + done.err


async def test_a_variable_for_later_steps(
    broker: RunningBroker, runner: GithubRunner, deploy: Uidp, tmp_path: Path
) -> None:
    """The one that the user names, and no other."""
    done = await step(
        tmp_path, runner.variables, issuer=broker.url, identity=deploy, env="DEPLOY_TOKEN"
    )
    assert done.variables == {"DEPLOY_TOKEN": done.outputs["token"]}


@pytest.mark.parametrize(
    "name",
    ["1X", "A B", "A=B", "A\nB", "A<<B", "GITHUB_TOKEN", "runner_temp", "NODE_OPTIONS", "PATH"],
)
async def test_a_variable_that_cannot_be_set(
    runner: GithubRunner, tmp_path: Path, name: str
) -> None:
    """Is refused before any token is asked for; it writes nothing into the runner's files."""
    done = await step(
        tmp_path, runner.variables, issuer="https://broker.example", identity=NOBODY, env=name
    )
    assert done.error.startswith("env: ")
    assert runner.given == []
    assert (done.outputs, done.variables) == ({}, {})


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "broker.example.com",
        "http://broker.example.com",
        "https://user:secret@broker.example.com",
        "https://broker.example.com/?a=b",
        "https://broker.example.com/#a",
        "javascript:alert(1)",
        "$(touch injected)",
        "`touch injected`",
    ],
)
async def test_an_issuer_that_no_token_is_sent_to(
    runner: GithubRunner, tmp_path: Path, issuer: str
) -> None:
    """Plain HTTP, no URL, or more than one."""
    done = await step(tmp_path, runner.variables, issuer=issuer, identity=NOBODY)
    assert done.error.startswith("issuer: ")
    assert runner.given == []
    assert not (tmp_path / "injected").exists()


@pytest.mark.parametrize("identity", ["", "acme/shop/deploy", "0" * 39, f"{NOBODY}\n::error::x"])
async def test_an_identity_that_is_none(
    runner: GithubRunner, tmp_path: Path, identity: str
) -> None:
    """A name, for example; nothing in it becomes a command of its own."""
    done = await step(
        tmp_path, runner.variables, issuer="https://broker.example", identity=identity
    )
    assert done.error.startswith("identity: ")


async def test_a_job_without_the_permission(tmp_path: Path) -> None:
    """The message says which."""
    variables = {"GITHUB_ACTIONS": "true"}
    done = await step(tmp_path, variables, issuer="https://broker.example", identity=NOBODY)
    assert "`permissions: id-token: write`" in done.error


async def test_a_refusal(
    broker: RunningBroker, acme: Organization, runner: GithubRunner, tmp_path: Path
) -> None:
    """Stage, reason and request id, and what the ID token says; nothing is tried again."""
    identity = await acme.identity(
        github(runner.url, subject="repo:acme/other:ref:refs/heads/main")
    )
    done = await step(tmp_path, runner.variables, issuer=broker.url, identity=identity, env="T")
    assert "stage identity, reason identity_refused, request id " in done.error
    assert '"sub":"repo:acme/shop:ref:refs/heads/main"' in done.error
    assert (done.outputs, done.variables) == ({}, {})
    assert len(runner.given) == 1
    assert re.search(r"request id [0-9a-f]{32}\)", done.error)


@pytest.mark.parametrize(
    ("status", "after"), [(429, "0"), (503, "0"), (500, "Wed, 01 Jan 2020 00:00:00 GMT")]
)
async def test_a_busy_broker_is_asked_again(
    broker: RunningBroker,
    runner: GithubRunner,
    deploy: Uidp,
    between: tuple[Between, str],
    tmp_path: Path,
    status: int,
    after: str,
) -> None:
    """When it says, and each time with an ID token of its own: some are taken once only."""
    proxy, url = between
    proxy.answers = [web.Response(status=status, headers={"Retry-After": after}) for _ in range(2)]
    done = await step(
        tmp_path, runner.variables, issuer=url, identity=deploy, id_token_audience=broker.url
    )
    assert done.code == 0, done.out
    assert [bearer for bearer, _ in proxy.requests] == runner.given
    assert len(set(runner.given)) == 3


async def test_a_busy_runner_is_asked_again(
    broker: RunningBroker, runner: GithubRunner, deploy: Uidp, tmp_path: Path
) -> None:
    """The same for GitHub's endpoint."""
    runner.failures = [web.Response(status=503, headers={"Retry-After": "0"})]
    done = await step(tmp_path, runner.variables, issuer=broker.url, identity=deploy)
    assert done.code == 0, done.out
    assert "GitHub gave no ID token: status 503" in done.out


async def test_a_connection_that_breaks(
    broker: RunningBroker,
    runner: GithubRunner,
    deploy: Uidp,
    between: tuple[Between, str],
    tmp_path: Path,
) -> None:
    """Is made again, after a second or more."""
    proxy, url = between
    proxy.answers = [None]
    done = await step(
        tmp_path, runner.variables, issuer=url, identity=deploy, id_token_audience=broker.url
    )
    assert done.code == 0, done.out
    assert len(proxy.requests) == 2


async def test_patience_ends(
    runner: GithubRunner, between: tuple[Between, str], tmp_path: Path
) -> None:
    """After five attempts the last answer is told."""
    proxy, url = between
    proxy.answers = [web.Response(status=503, headers={"Retry-After": "0"}) for _ in range(9)]
    done = await step(tmp_path, runner.variables, issuer=url, identity=NOBODY)
    assert done.error.startswith("no broker's answer: status 503")
    assert len(proxy.requests) == 5


async def test_who_asks_for_too_much_patience_gets_none(
    runner: GithubRunner, between: tuple[Between, str], tmp_path: Path
) -> None:
    """A job that waits for an hour is paid for."""
    proxy, url = between
    proxy.answers = [web.Response(status=429, headers={"Retry-After": "3600"})]
    done = await step(tmp_path, runner.variables, issuer=url, identity=NOBODY)
    assert "status 429" in done.error
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404])
async def test_other_answers_are_final(
    runner: GithubRunner, between: tuple[Between, str], tmp_path: Path, status: int
) -> None:
    """A redirect is not followed with the token, and no page of others is printed."""
    proxy, url = between
    answer = web.Response(
        status=status, text="<html>", headers={"Location": url, "Retry-After": "0"}
    )
    proxy.answers = [answer]
    done = await step(tmp_path, runner.variables, issuer=url, identity=NOBODY)
    assert f"no broker's answer: status {status}" in done.error
    assert "<html>" not in done.out
    assert len(proxy.requests) == 1


EVIL: Final = "::set-output name=x::y\r\n::add-mask::a\n\u2028::error::b\x1b[2J%0A::error::c ##[stop-commands]d"


async def test_an_answer_cannot_give_commands(
    runner: GithubRunner, between: tuple[Between, str], tmp_path: Path
) -> None:
    """A broker that is somebody else writes one line into the log, whatever it answers."""
    proxy, url = between
    info = {"reason": EVIL, "metadata": {"stage": EVIL}}
    body = {"code": 7, "message": EVIL, "details": [info]}
    proxy.answers = [web.json_response(body, status=403)]
    done = await step(tmp_path, runner.variables, issuer=url, identity=NOBODY)
    assert done.error.startswith("refused: ::set-output")
    assert [name for name, _ in done.commands] == ["add-mask", "error"]
    assert "\x1b" not in done.out
    assert "%0A" not in done.out
    assert "##[" not in done.out


@pytest.mark.parametrize(
    "token", ["", 7, None, "a.b", "a.b.c\nd", "a.b.c\nbroker_\nPATH=/evil", "a b.c.d"]
)
async def test_an_answer_cannot_write_into_the_runners_files(
    runner: GithubRunner, between: tuple[Between, str], tmp_path: Path, token: object
) -> None:
    """What is no token is not handed on."""
    proxy, url = between
    proxy.answers = [web.json_response({"token": token, "expiry": "x"})]
    done = await step(tmp_path, runner.variables, issuer=url, identity=NOBODY, env="T")
    assert "gave no token" in done.error
    assert (done.outputs, done.variables) == ({}, {})


async def test_a_value_cannot_end_itself(
    runner: GithubRunner, between: tuple[Between, str], tmp_path: Path
) -> None:
    """The delimiters in the runner's files are made anew each time."""
    proxy, url = between
    delimiters = set()
    for _ in range(2):
        proxy.answers = [web.json_response({"token": "a.b.c", "expiry": "e\nbroker\nx=y"})]
        done = await step(tmp_path, runner.variables, issuer=url, identity=NOBODY)
        assert done.outputs == {"token": "a.b.c", "expiry": "e broker x=y"}
        text = (tmp_path / "output").read_text()
        delimiters |= {line for line in text.splitlines() if line.startswith("broker_")}
    assert len(delimiters) == 4


@pytest.mark.parametrize("value", [None, 7, "", "a.b.c\n::error::x"])
async def test_a_runner_that_gives_something_else(
    runner: GithubRunner, tmp_path: Path, value: object
) -> None:
    """Is not sent on."""
    runner.value = {"x": 1} if value is None else value
    done = await step(tmp_path, runner.variables, issuer="https://broker.example", identity=NOBODY)
    assert done.error == "GitHub gave no ID token: its answer has none"


async def test_a_runner_that_does_not_know_the_job(runner: GithubRunner, tmp_path: Path) -> None:
    """The status is told; nothing is tried again."""
    variables = {**runner.variables, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "other"}
    done = await step(tmp_path, variables, issuer="https://broker.example", identity=NOBODY)
    assert done.error == "GitHub gave no ID token: status 401"


def test_the_declaration_and_the_program_agree() -> None:
    """Every input is read and in the README; the file that runs is there."""
    declared = yaml.safe_load((ACTION / "action.yml").read_text())
    program = (ACTION / declared["runs"]["main"]).read_text()
    readme = (ACTION / "README.md").read_text()
    for name in declared["inputs"]:
        assert f"('{name}')" in program, name
        assert f"| `{name}` |" in readme, name
    for name in declared["outputs"]:
        assert f"'GITHUB_OUTPUT', '{name}'" in program, name
        assert f"`{name}`" in readme, name
    assert declared["runs"]["using"] == "node24"
    assert "import(" not in program
    imported = {
        line.rpartition(" ")[2] for line in program.splitlines() if line.startswith("import")
    }
    assert all(name.startswith("'node:") for name in imported), imported


def _workflows() -> list[Block]:
    return [block for block in blocks("yaml") if "deploy/github-action@" in block.text]


@pytest.mark.parametrize("block", _workflows(), ids=str)
def test_workflows_of_documents(block: Block) -> None:
    """They give the inputs that there are, and the permission; and name a commit."""
    declared = yaml.safe_load((ACTION / "action.yml").read_text())["inputs"]
    required = {name for name, about in declared.items() if about["required"]}
    workflow = yaml.safe_load(block.text)
    (job,) = workflow["jobs"].values()
    permissions = job.get("permissions") or workflow["permissions"]
    assert permissions["id-token"] == "write"
    (given,) = [one for one in job["steps"] if "deploy/github-action@" in one.get("uses", "")]
    assert required <= given["with"].keys() <= declared.keys()
    assert given["uses"].endswith("@COMMIT")


def test_there_are_workflows_in_documents() -> None:
    """The action's own page and the guide."""
    assert len(_workflows()) >= 2


def test_the_reader_of_the_runners_files() -> None:
    """Knows both forms."""
    assert assignments("a<<X\n1\n2\nX\nb=c=d\n") == {"a": "1\n2", "b": "c=d"}
    assert assignments("") == {}
