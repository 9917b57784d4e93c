"""`broker auth`: logging in and out, and what is kept in between."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest

from broker.sdk.login.renewal import Renewal
from broker.sdk.token_cache import Kind, TokenCache, claims_of
from tests.cli.management import Caller
from tests.cli.processes import BROKER, Result, broker, in_background, ok, refused
from tests.kit.login_server import LoginServer

REGISTRY: Final = "https://registry.example"
BROWSER: Final = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()"


@dataclass(frozen=True)
class Machine:
    """Somebody's home, and the authorization server that they log in at."""

    home: Path
    server: LoginServer

    @property
    def environ(self) -> dict[str, str]:
        """With a browser that does what it is told."""
        script = self.home / "browser.py"
        script.write_text(BROWSER)
        return {
            "HOME": str(self.home),
            "BROKER_API": self.server.url,
            "BROWSER": f"{sys.executable} {script} %s",
        }

    @property
    def cache(self) -> TokenCache:
        return TokenCache(self.home / ".cache" / "chainguard")

    def run(self, *words: str, given: str = "", **environ: str) -> Result:
        return broker(*words, folder=self.home, environ=self.environ | environ, given=given)

    def token(self, kind: Kind = Kind.ACCESS, audience: str = "") -> str | None:
        return self.cache.load(kind, audience or self.server.url)

    def logged_in(self, *words: str) -> dict[str, Any]:
        printed: dict[str, Any] = ok(self.run("auth", "login", "-o", "json", *words)).json
        return printed

    def age(self, audience: str = "") -> None:
        """Make the access token one that has just expired."""
        expired = self.server.token({"sub": self.server.subject}, lifetime=0)
        self.cache.save(Kind.ACCESS, audience or self.server.url, expired)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """One a test."""
    with in_background(LoginServer()) as server:
        server.interval = 0
        yield Machine(tmp_path, server)


@pytest.fixture
def carol(alice: Caller) -> Caller:
    """The owner of one organization: a token for all that Alice has would be too large."""
    name = f"carol-{secrets.token_hex(4)}"
    owner = ("--owner-issuer", alice.issuer.url, "--owner-subject", name)
    ok(alice.served.run("bootstrap", name, *owner))
    return replace(alice, subject=name)


def test_login_in_the_browser(machine: Machine) -> None:
    """Keeps both tokens where the platform's tools look for them, and prints neither."""
    result = ok(machine.run("auth", "login"))
    assert machine.server.subject in result.out
    assert "ann@acme.example" in result.out
    folder = machine.home / ".cache" / "chainguard" / machine.server.url.replace("/", "-")
    assert sorted(path.name for path in folder.iterdir()) == ["oidc-token", "refresh-token"]
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_text() not in result.out + result.err
    assert folder.stat().st_mode & 0o777 == 0o700
    (asked,) = machine.server.asked["/authorize"]
    assert "resource" not in asked


def test_login_by_a_code(machine: Machine) -> None:
    """Shows it with the URL on standard error, and opens no browser."""
    machine.server.device_answers = ["authorization_pending"]
    result = ok(machine.run("auth", "login", "--headless", "-o", "id"))
    assert "WDJB-MJHT" in result.err
    assert f"{machine.server.url}/device" in result.err
    assert result.out == f"{machine.server.subject}\n"
    assert "/authorize" not in machine.server.asked


def test_a_code_for_several_audiences(machine: Machine) -> None:
    """Each has a token that is for it alone."""
    machine.logged_in("--headless", "--audience", REGISTRY, "--audience", machine.server.url)
    assert claims_of(machine.token(audience=REGISTRY) or "")["aud"] == REGISTRY
    assert claims_of(machine.token() or "")["aud"] == machine.server.url
    assert machine.token(Kind.REFRESH, REGISTRY) == machine.server.logins[0].refresh_token


def test_one_login_for_several_audiences(machine: Machine) -> None:
    """The person logs in once; each audience has a token of its own, the first the refresh token."""
    who = machine.logged_in("--audience", REGISTRY, "--audience", machine.server.url)
    assert who["audience"] == [REGISTRY, machine.server.url]
    assert len(machine.server.asked["/authorize"]) == 1
    assert claims_of(machine.token(audience=REGISTRY) or "")["aud"] == REGISTRY
    assert machine.token(Kind.REFRESH, REGISTRY) == machine.server.logins[0].refresh_token
    assert machine.token(Kind.REFRESH) is None
    assert not machine.server.logins[0].ended


def test_a_login_that_cannot_be_renewed(machine: Machine) -> None:
    """Then each audience takes a login of its own."""
    machine.server.gives_refresh_tokens = False
    machine.logged_in("--audience", REGISTRY, "--audience", machine.server.url)
    assert len(machine.server.asked["/authorize"]) == 2
    assert machine.token(audience=REGISTRY)
    assert machine.token()
    assert machine.token(Kind.REFRESH, REGISTRY) is None


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (("--social-login", "google"), "connection", "google-oauth2"),
        (("--social-login", "gitlab"), "connection", "gitlab"),
        (("--org-name", "acme.example"), "idp_id", "acme.example"),
        (("--identity-provider", "a" * 40 + "/" + "b" * 16), "idp_id", "a" * 40 + "/" + "b" * 16),
        (("--invite-code", "abc"), "invite", "abc"),
        (("--identity", "a" * 40 + "/" + "b" * 16), "identity", "a" * 40 + "/" + "b" * 16),
    ],
)
def test_how_to_log_in(machine: Machine, words: tuple[str, ...], name: str, value: str) -> None:
    """Goes to the broker by the names that it knows."""
    machine.logged_in(*words)
    assert machine.server.asked["/authorize"][0][name] == [value]


def test_two_ways_to_log_in(machine: Machine) -> None:
    """Exclude each other; a flag wins over the configuration."""
    both = ("auth", "login", "--org-name", "acme.example", "--social-login", "github")
    refused(machine.run(*both), "Give one of", code=2)
    words = ("auth", "login", "--headless", "--identity", "a" * 40 + "/" + "b" * 16)
    refused(machine.run(*words), "--identity goes with a browser here", code=2)
    ok(machine.run("config", "set", "org-name", "acme.example"))
    machine.logged_in("--social-login", "github")
    machine.logged_in()
    first, second = machine.server.asked["/authorize"]
    assert ("idp_id" in first, first["connection"]) == (False, ["github"])
    assert second["idp_id"] == ["acme.example"]


def test_the_token_is_printed(machine: Machine) -> None:
    """Alone, so that a script can take it; nobody is asked while it is good."""
    refused(machine.run("auth", "token"), "not_logged_in")
    machine.logged_in()
    asked = len(machine.server.asked["/token"])
    assert ok(machine.run("auth", "token")).out == f"{machine.token()}\n"
    assert len(machine.server.asked["/token"]) == asked


def test_a_token_that_expired_is_renewed(machine: Machine) -> None:
    """With the refresh token, which is replaced by the next one."""
    machine.logged_in()
    before = machine.token(Kind.REFRESH)
    machine.age()
    token = ok(machine.run("auth", "token")).out.strip()
    assert claims_of(token)["exp"] > time.time() + 60
    assert token == machine.token()
    assert machine.token(Kind.REFRESH) not in {before, None}


def test_a_token_that_lasts_less_than_a_minute_is_renewed(machine: Machine) -> None:
    """It would end while it is on its way."""
    machine.server.lifetime = 50
    machine.logged_in()
    machine.server.lifetime = 300
    assert claims_of(ok(machine.run("auth", "token")).out)["exp"] > time.time() + 60


def test_another_audience_is_renewed_by_the_login_of_the_first(machine: Machine) -> None:
    """A login leaves one refresh token, whatever it was for."""
    machine.logged_in("--audience", machine.server.url, "--audience", REGISTRY)
    machine.age(REGISTRY)
    token = ok(machine.run("auth", "token", "--audience", REGISTRY)).out
    assert claims_of(token)["aud"] == REGISTRY
    other = machine.run("auth", "token", "--audience", "https://elsewhere.example")
    refused(other, "not_logged_in")
    assert not machine.server.logins[0].ended


def test_somebody_elses_refresh_token_renews_nothing(machine: Machine) -> None:
    """Of two people on one machine neither becomes the other."""
    machine.logged_in("--audience", REGISTRY, "--audience", machine.server.url)
    machine.server.gives_refresh_tokens = False
    machine.server.subject = "b" * 40
    machine.logged_in()
    expired = machine.server.token({"sub": "b" * 40}, lifetime=0)
    machine.cache.save(Kind.ACCESS, machine.server.url, expired)
    refused(machine.run("auth", "token"), "not_logged_in")


def test_a_refresh_token_that_is_refused_is_forgotten(machine: Machine) -> None:
    """The person has to log in; nothing tries it again."""
    machine.logged_in()
    machine.server.logins[0].ended = True
    machine.age()
    refused(machine.run("auth", "token"), "not_logged_in", "run 'broker auth login'")
    assert machine.token(Kind.REFRESH) is None


def test_a_broker_that_is_away_costs_no_login(machine: Machine) -> None:
    """The refresh token stays for when it is there again."""
    machine.logged_in()
    machine.age()
    machine.server.changes = {"token_endpoint": "http://127.0.0.1:1/token"}
    refused(machine.run("auth", "token"), "broker_unreachable")
    assert machine.token(Kind.REFRESH)


def test_processes_at_once_renew_once(machine: Machine) -> None:
    """A refresh token that two of them used would end the login."""
    machine.logged_in()
    machine.age()
    asked = len(machine.server.asked["/token"])
    words = [str(BROKER), "auth", "token"]
    running = [
        subprocess.Popen(words, env=machine.environ, stdout=subprocess.PIPE) for _ in range(4)
    ]
    printed = {process.communicate(timeout=30)[0] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0, 0]
    assert len(printed) == 1
    assert len(machine.server.asked["/token"]) == asked + 1
    assert not machine.server.logins[0].ended


def test_a_narrower_token(machine: Machine) -> None:
    """Is asked for with the refresh token, and not kept."""
    machine.logged_in()
    before = machine.token()
    group = "c" * 40
    words = ("--capabilities", "groups.list,roles.list", "--scope", group)
    token = ok(machine.run("auth", "token", *words)).out.strip()
    claims = claims_of(token)
    assert claims["capabilities"] == ["groups.list roles.list"]
    assert claims["scope"] == [group]
    assert machine.token() == before
    assert machine.token(Kind.REFRESH) == machine.server.logins[0].refresh_token


def test_renewing_on_purpose(machine: Machine) -> None:
    """`--refresh` logs in where there is nothing to renew; `--refresh-only` does not."""
    refused(machine.run("auth", "login", "--refresh-only"), "not_logged_in")
    machine.logged_in("--refresh", "--audience", machine.server.url, "--audience", REGISTRY)
    assert len(machine.server.asked["/authorize"]) == 1
    first = machine.token(), machine.token(audience=REGISTRY)
    machine.logged_in("--refresh-only")
    assert machine.token() != first[0]
    assert machine.token(audience=REGISTRY) == first[1]
    assert set(machine.logged_in("--refresh-all")["audience"]) == {machine.server.url, REGISTRY}
    assert machine.token(audience=REGISTRY) != first[1]
    assert len(machine.server.asked["/authorize"]) == 1


def test_a_new_login_ends_the_one_before(machine: Machine) -> None:
    """Of the same person at the same broker; else it would go on with nobody to use it."""
    machine.logged_in("--audience", REGISTRY)
    machine.logged_in()
    first, second = machine.server.logins
    assert (first.ended, second.ended) == (True, False)
    assert machine.token(Kind.REFRESH, REGISTRY) is None


def test_logout(machine: Machine) -> None:
    """Ends the login at the broker and forgets its tokens, and those of no other issuer."""
    machine.logged_in("--audience", machine.server.url, "--audience", REGISTRY)
    with_other = machine.server.token({"iss": "https://issuer.example"}, aud="https://api.example")
    machine.cache.save(Kind.ACCESS, "https://api.example", with_other)
    ok(machine.run("auth", "logout"))
    assert machine.server.logins[0].ended
    assert machine.token() is None
    assert machine.token(audience=REGISTRY) is None
    assert machine.token(audience="https://api.example") == with_other
    assert "not logged in" in ok(machine.run("auth", "logout")).out


def test_logout_without_the_broker(machine: Machine) -> None:
    """The tokens are forgotten, and it is said that the login was not ended."""
    machine.logged_in()
    machine.server.changes = {"revocation_endpoint": "http://127.0.0.1:1/revoke"}
    result = machine.run("auth", "logout")
    assert result.code == 1
    assert "not ended at the broker" in result.err
    assert machine.token() is None


def test_status_without_asking(machine: Machine) -> None:
    """What the token says, without the broker, and exit code 1 where there is none."""
    refused(machine.run("auth", "status", "--quick"), "not logged in")
    machine.logged_in()
    machine.server.changes = {"token_endpoint": "http://127.0.0.1:1/token"}
    who = ok(machine.run("auth", "status", "--quick", "-o", "json")).json
    assert who["identity"] == machine.server.subject
    assert who["issuer"] == machine.server.url
    assert who["expiry"].endswith("Z")
    assert who["renewable_until"].endswith("Z")
    machine.age()
    refused(machine.run("auth", "status", "--quick"), "not logged in")


def test_a_refusal_in_the_browser_is_told(machine: Machine) -> None:
    """With the error's name, and nothing is kept."""
    machine.server.error = "access_denied"
    refused(machine.run("auth", "login"), "access_denied")
    assert machine.token() is None


def test_commands_over_the_api_use_the_login(machine: Machine, alice: Caller) -> None:
    """Without a token of their own, and for the broker alone that it is for."""
    broker_url = alice.served.url
    machine.cache.save(Kind.ACCESS, broker_url, alice.token)
    who = ok(machine.run("iam", "whoami", "-o", "json", BROKER_API=broker_url)).json
    assert who["issuer"] == broker_url
    refused(machine.run("iam", "whoami"), "run 'broker auth login'", code=2)


def test_a_login_is_shown_to_no_other_broker(machine: Machine, alice: Caller) -> None:
    """The configured issuer goes with the configured API, and not with one of the command line."""
    machine.cache.save(Kind.ACCESS, alice.served.url, alice.token)
    environ = {"BROKER_API": "", "BROKER_CONFIG": str(machine.home / "c.toml")}
    ok(machine.run("config", "set", f"api={alice.served.url}", **environ))
    ok(machine.run("config", "set", f"issuer={alice.served.url}", **environ))
    ok(machine.run("iam", "whoami", **environ))
    words = ("iam", "whoami", "--api", machine.server.url)
    refused(machine.run(*words, **environ), "No access token", code=2)
    assert not any(path.startswith("/auth") for path in machine.server.requests)


def test_a_file_that_others_may_read(machine: Machine) -> None:
    """Is told of."""
    machine.logged_in()
    machine.cache.path(Kind.ACCESS, machine.server.url).chmod(0o644)
    result = ok(machine.run("auth", "token"))
    assert "others may read" in result.err


def test_an_upstream_token_needs_no_browser(carol: Caller, tmp_path: Path) -> None:
    """It is exchanged, from a file, from standard input or as it stands, and the result kept."""
    environ = {"HOME": str(tmp_path), "BROKER_API": carol.served.url}
    upstream = carol.issuer.token({"sub": carol.subject})
    (tmp_path / "upstream.jwt").write_text(upstream)
    for given in ("upstream.jwt", "-", upstream):
        words = ("auth", "login", "--identity-token", given, "-o", "id")
        run = broker(*words, folder=tmp_path, environ=environ, given=upstream)
        assert len(ok(run).out.strip()) == 40
        assert upstream not in run.err
    status = ok(broker("auth", "status", "-o", "json", folder=tmp_path, environ=environ)).json
    assert status["valid"] is True
    shown = ok(broker("auth", "token", "capabilities", folder=tmp_path, environ=environ)).out
    assert "CAPABILITIES" in shown
    both = broker("auth", "login", "--identity-token", "-", "--headless", folder=tmp_path,
                  environ=environ, given=upstream)  # fmt: skip
    refused(both, "--identity-token needs no login", code=2)


def test_an_upstream_token_that_is_refused(alice: Caller, tmp_path: Path) -> None:
    """Is told with the stage, and without the token."""
    environ = {"HOME": str(tmp_path), "BROKER_API": alice.served.url}
    upstream = alice.issuer.token({"sub": "nobody"})
    words = ("auth", "login", "--identity-token", "-")
    result = broker(*words, folder=tmp_path, environ=environ, given=upstream)
    refused(result, "stage")
    assert upstream not in result.err
    assert not (tmp_path / ".cache").exists()


def test_the_token_of_the_platform(carol: Caller, tmp_path: Path) -> None:
    """Is used where it is preferred, and there is one; else somebody has to log in."""
    (tmp_path / "upstream.jwt").write_text(carol.issuer.token({"sub": carol.subject}))
    environ = {
        "HOME": str(tmp_path),
        "BROKER_API": carol.served.url,
        "BROKER_CREDENTIAL_FILE": "upstream.jwt",
    }
    words = ("auth", "login", "--prefer-ambient-credentials", "-o", "json")
    who = ok(broker(*words, folder=tmp_path, environ=environ)).json
    assert who["issuer"] == carol.served.url


def test_deleting_the_account(carol: Caller, tmp_path: Path) -> None:
    """Asks first, and forgets the tokens. The last owner of an organization cannot go."""
    environ = {"HOME": str(tmp_path), "BROKER_API": carol.served.url}
    upstream = carol.issuer.token({"sub": carol.subject})
    words = ("auth", "login", "--identity-token", "-")
    ok(broker(*words, folder=tmp_path, environ=environ, given=upstream))
    asked = broker("auth", "delete-account", folder=tmp_path, environ=environ)
    refused(asked, "give --yes", code=2)
    kept = broker("auth", "delete-account", "--yes", folder=tmp_path, environ=environ)
    refused(kept, "last_owner")
    cache = TokenCache(tmp_path / ".cache" / "chainguard")
    assert Renewal(cache, carol.served.url, time.time).cached(carol.served.url)


@pytest.mark.parametrize("words", [("token",), ("login",), ("status",), ("logout",)])
def test_without_a_home(tmp_path: Path, words: tuple[str, ...]) -> None:
    """It is said where tokens would be kept."""
    result = broker("auth", *words, folder=tmp_path)
    refused(result, "XDG_CACHE_HOME", "token_cache_unusable")


def test_a_cache_that_cannot_be_written(machine: Machine) -> None:
    """Is said with the file."""
    (machine.home / ".cache").write_text("a file")
    refused(machine.run("auth", "token"), ".cache", "token_cache_unusable")


def test_another_issuer_than_the_api_says(machine: Machine) -> None:
    """Is refused, with what to do."""
    result = machine.run(
        "auth", "login", "--issuer", machine.server.url.replace("127.0.0.1", "localhost")
    )
    refused(result, "issuer_mismatch")
    assert json.dumps(machine.server.asked) == "{}"


def test_sessions_of_somebody_without_any(alice: Caller) -> None:
    """Whoever exchanges a token has none; nobody ends those of others."""
    result = alice.run("auth", "sessions", "list")
    assert (result.code, result.out) == (0, "")
    assert "no sessions" in result.err
    refused(alice.run("auth", "sessions", "revoke", "0" * 32, "-y"), "session_not_found")
