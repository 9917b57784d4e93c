"""The token of a command, the broker that it talks to, and what is said when either fails."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import click
import pytest

from broker.cli import cli
from broker.config import CLIENT_VARIABLES, Settings, load
from broker.errors import Denied
from broker.sdk.api import GROUPS, ApiClient, Record, connected
from broker.sdk.refusal import Refused
from tests.cli.management import Caller, Organization
from tests.cli.processes import Result, broker, ok, refused
from tests.kit.brokers import free_port

WHO = ("iam", "whoami")


def as_process(
    caller: Caller, folder: Path, *words: str, given: str = "", **environ: str
) -> Result:
    """A command with no other variables than these."""
    return broker(*words, folder=folder, environ=environ, given=given)


def test_who_one_is(acme: Organization, owner: Caller) -> None:
    """The identity of the token, and what it allows where."""
    told = owner.json(*WHO)
    assert told["issuer"] == owner.served.url
    (held,) = told["capabilities"]
    assert (held["group"]["id"], held["role"]["name"]) == (acme.id, "owner")
    shown = owner.ok(*WHO)
    assert told["subject"] in shown
    assert f"{acme.name} {acme.id}" in shown
    assert "groups.list" in owner.ok(*WHO, "-o", "wide")
    assert owner.ids(*WHO) == [told["subject"]]
    assert f"TOKEN_SUBJECT={told['subject']}\n" in owner.ok(*WHO, "-o", "env")


def test_the_token_of_an_option(alice: Caller, tmp_path: Path) -> None:
    """A file or standard input; it wins over the variables, and --api over its own."""
    (tmp_path / "token").write_text(alice.token + "\n")
    api = ("--api", f"{alice.served.url}/")
    ok(as_process(alice, tmp_path, *WHO, *api, "--token", "token", BROKER_TOKEN="a.b.c"))
    ok(as_process(alice, tmp_path, *WHO, *api, "--token", "-", given=alice.token))


def test_the_token_of_a_variable(alice: Caller, tmp_path: Path) -> None:
    """Itself, or the file that has it; not both."""
    (tmp_path / "token").write_text(alice.token + "\n")
    url = alice.served.url
    ok(as_process(alice, tmp_path, *WHO, BROKER_API=url, BROKER_TOKEN=alice.token))
    ok(as_process(alice, tmp_path, *WHO, BROKER_API=url, BROKER_TOKEN_FILE="token"))
    both = {"BROKER_TOKEN": alice.token, "BROKER_TOKEN_FILE": "token"}
    result = as_process(alice, tmp_path, *WHO, BROKER_API=url, **both)
    refused(result, "BROKER_TOKEN_FILE is set as well as BROKER_TOKEN", code=2)
    assert alice.token not in result.err


@pytest.mark.parametrize(
    ("environ", "says", "code"),
    [
        ({}, "No access token: run 'broker auth login'", 2),
        ({"BROKER_TOKEN": ""}, "No access token", 2),
        ({"BROKER_TOKEN": "geheim heim"}, "BROKER_TOKEN: not a token", 1),
        ({"BROKER_TOKEN_FILE": "nofile"}, "cannot read nofile: No such file", 2),
        ({"BROKER_TOKEN": "geheim", "BROKER_API": "broker.example"}, "expected https://HOST", 2),
        ({"BROKER_TOKEN": "geheim", "BROKER_API": "http://[::1"}, "http://[::1", 1),
    ],
    ids=str,
)
def test_no_token_or_no_url(
    tmp_path: Path, environ: Mapping[str, str], says: str, code: int
) -> None:
    """Is told before anything is sent, and nothing of the token is."""
    result = broker(*WHO, folder=tmp_path, environ=environ)
    refused(result, says, code=code)
    assert "geheim" not in result.err


def test_a_token_that_the_broker_does_not_take(alice: Caller, tmp_path: Path) -> None:
    """Is a refusal with its reason and the id of the request."""
    url = alice.served.url
    words = (*WHO, "-o", "table")
    result = as_process(alice, tmp_path, *words, BROKER_API=url, BROKER_TOKEN="a.b.c")
    refused(result, "refused: ", "reason      token_malformed", "request id  0")
    words = (*WHO, "-o", "json")
    result = as_process(alice, tmp_path, *words, BROKER_API=url, BROKER_TOKEN="a.b.c")
    told = json.loads(refused(result).err)
    assert told["error"] == "token_malformed"
    assert told["request_id"]


def test_a_broker_that_is_away(tmp_path: Path) -> None:
    """The message names the address and the system's reason."""
    environ = {"BROKER_API": f"http://127.0.0.1:{free_port()}", "BROKER_TOKEN": "a.b.c"}
    result = broker(*WHO, folder=tmp_path, environ=environ)
    refused(result, f"no answer from {environ['BROKER_API']}/auth/v1/ok", "broker_unreachable")


def test_another_server(alice: Caller, tmp_path: Path) -> None:
    """An address that answers something else is no broker."""
    result = as_process(
        alice, tmp_path, *WHO, BROKER_API=alice.issuer.address, BROKER_TOKEN="a.b.c"
    )
    refused(result, "broker_unreachable")


def test_every_variable_of_an_option_is_known_to_the_settings() -> None:
    """A server in the same shell does not take it for a misspelt setting."""
    environ = dict.fromkeys(CLIENT_VARIABLES, "x")
    assert load(environ) == load({})
    names = {parameter.envvar for command in _leaves(cli) for parameter in command.params}
    settings = {f"BROKER_{name.upper()}" for name in Settings.model_fields}
    assert names - {None} <= CLIENT_VARIABLES.keys() | settings
    assert "BROKER_API" in names


def _leaves(command: click.Command) -> list[click.Command]:
    if not isinstance(command, click.Group):
        return [command]
    context = click.Context(command)
    inner = (command.get_command(context, name) for name in command.list_commands(context))
    return [leaf for each in inner if each is not None for leaf in _leaves(each)]


def test_commands_over_the_api_start_without_the_server() -> None:
    """None imports protobuf, gRPC, the store or the settings, which take longer than the call."""
    program = (
        "import sys, click\n"
        "from broker.cli import cli\n"
        "def load(command):\n"
        "    if isinstance(command, click.Group):\n"
        "        context = click.Context(command)\n"
        "        for name in command.list_commands(context):\n"
        "            load(command.get_command(context, name))\n"
        "for name in ('iam', 'events', 'completion'):\n"
        "    load(cli.get_command(click.Context(cli), name))\n"
        "heavy = {'google.protobuf', 'grpc', 'sqlalchemy', 'pydantic', 'rich', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_lists_are_read_to_their_end(alice: Caller, acme: Organization) -> None:
    """Page by page, in order, each record once."""
    wanted = [acme.folder(name) for name in "abcde"]

    async def listed() -> list[Record]:
        async with aiohttp.ClientSession() as session:
            api = ApiClient(alice.served.url, acme.owner.token, session, page_size=2)
            filters = {"uidp.childrenOf": acme.id, "orderBy": "name"}
            return await api.records(GROUPS, filters)

    assert [group["uid"] for group in asyncio.run(listed())] == wanted


def test_a_refusal_is_raised_with_its_reason(alice: Caller) -> None:
    """As the kind of error that the broker's code is."""

    async def asked() -> Record:
        async with connected(alice.served.url, alice.token) as api:
            return await api.get(GROUPS, "0" * 40)

    with pytest.raises(Refused) as refusal:
        asyncio.run(asked())
    assert refusal.value.error.code == "capability_missing"
    assert isinstance(refusal.value.error, Denied)
    assert refusal.value.request_id
