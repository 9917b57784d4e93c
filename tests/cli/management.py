"""The management commands against a running broker, as an owner of an organization."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from broker.cli import cli
from broker.errors import BrokerError
from broker.iam.model import GroupInvite, StaticKeys
from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from broker.store import Store
from tests.cli.processes import Result, Served, http_call, in_background, ok, serving
from tests.kit.organizations import ROLES
from tests.kit.organizations import Organization as InStore

OWNER = "alice"
NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Caller:
    """Somebody with a token, and the commands that they run."""

    served: Served
    issuer: LocalIssuer
    token: str = field(repr=False)
    subject: str = OWNER

    @property
    def environ(self) -> dict[str, str]:
        """What a shell of theirs has set."""
        home = str(self.served.folder / "home")  # not that of who runs the tests
        folders = {"XDG_CACHE_HOME": home, "XDG_CONFIG_HOME": home}
        return {"BROKER_API": self.served.url, "BROKER_TOKEN": self.token, **folders}

    def run(self, *words: str, given: str = "") -> Result:
        """A command within this process, which is not a terminal. `given` is its input."""
        done = CliRunner().invoke(cli, words, input=given, env=self.environ)
        if isinstance(done.exception, BrokerError):  # what `main` prints
            error = done.exception
            return Result(1, done.stdout, f"error: {error.message}\n  ({error.code})\n")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Result(done.exit_code, done.stdout, done.stderr)

    def ok(self, *words: str, given: str = "") -> str:
        """What a command prints that has to work."""
        return ok(self.run(*words, given=given)).out

    def json(self, *words: str, given: str = "") -> Any:
        """What it prints as JSON."""
        return json.loads(self.ok(*words, "-o", "json", given=given))

    def id(self, *words: str, given: str = "") -> str:
        """The one UIDP that it prints."""
        (uid,) = self.ids(*words, given=given)
        return uid

    def ids(self, *words: str, given: str = "") -> list[str]:
        """The UIDPs that it prints."""
        return self.ok(*words, "-o", "id", given=given).split()

    def refreshed(self, *scopes: str) -> Caller:
        """With a new token, which knows what was bound since; narrowed to groups when named."""
        return replace(self, token=login(self.served, self.issuer, self.subject, *scopes))


@dataclass(frozen=True)
class Organization:
    """An organization of its own, and its owner with a token that is good there alone."""

    name: str
    id: str
    owner: Caller

    def folder(self, path: str) -> str:
        """A folder below, by its path from the organization; its UIDP."""
        parent, _, name = f"{self.name}/{path}".rpartition("/")
        return self.owner.id("iam", "folders", "create", name, "--parent", parent)

    def identity(self, name: str, *words: str, parent: str | None = None) -> str:
        """An identity; its UIDP."""
        rules = ("--identity-issuer", "https://ci.example", "--subject", name)
        place = ("--parent", parent or self.name)
        return self.owner.id("iam", "ids", "create", name, *rules, *place, *words)

    def with_expired_keys(self, name: str, keys: str) -> str:
        """An identity whose static keys are over, which nobody can make; its UIDP."""
        past = datetime.now(UTC) - timedelta(days=1)
        rules = StaticKeys(
            issuer="https://a.example", subject="s", issuer_keys=keys, expiration=past
        )

        async def add(store: Store) -> Uidp:
            return await InStore(store, Uidp(self.id), Uidp(self.id)).identity(rules, name=name)

        return self._in_store(add)

    def with_expired_invite(self) -> str:
        """An invite that nobody can accept any more; its UIDP."""
        past = datetime.now(UTC) - timedelta(days=1)
        invite = GroupInvite(
            id=Uidp(self.id).child(secrets.token_bytes),
            role=ROLES.owner.id,
            expires_at=past,
            key_id=secrets.token_hex(8),
            secret_sha256="0" * 64,
            created_at=past,
            created_by=Uidp(self.id),
        )

        async def add(store: Store) -> Uidp:
            async with store.write() as records:
                await records.invites.add(invite)
            return invite.id

        return self._in_store(add)

    def _in_store(self, work: Callable[[Store], Awaitable[Uidp]]) -> Uidp:
        async def opened() -> Uidp:
            store = Store.open(f"sqlite:///{self.owner.served.folder}/var/broker.sqlite3")
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(opened())


def login(served: Served, issuer: LocalIssuer, subject: str, *scopes: str) -> str:
    """A token for a person, by an exchange."""
    answer = http_call(
        "POST",
        f"{served.url}/sts/exchange",
        token=issuer.token({"sub": subject}),
        form=[("scopes", scope) for scope in scopes] or None,
    )
    assert answer.status == 200, answer.body
    token: str = answer.body["token"]
    return token


@contextmanager
def management(folder: Path) -> Iterator[Caller]:
    """A broker, and the owner of an organization there that no test uses."""
    own = {"BROKER_CAPABILITIES": json.dumps({"deploy.create": 1024})}
    with (
        serving(folder, **own) as served,
        in_background(LocalIssuer(audience=served.url)) as issuer,
    ):
        owner = ("--owner-issuer", issuer.url, "--owner-subject", OWNER)
        ok(served.run("bootstrap", "first", *owner))
        yield Caller(served, issuer, login(served, issuer, OWNER))


def new_organization(caller: Caller) -> Organization:
    """One that no other test sees."""
    name = f"org-{next(NUMBERS)}"
    uid = caller.id("iam", "organizations", "create", name)
    return Organization(name, uid, caller.refreshed(uid))


def rows(table: str) -> list[Sequence[str]]:
    """The cells of an aligned table, its heading left out."""
    return [line.split() for line in table.splitlines()[1:]]
