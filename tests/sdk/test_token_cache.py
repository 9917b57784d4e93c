"""Where tokens of people are kept, and how."""

from __future__ import annotations

import base64
import json
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from broker.errors import Invalid, Precondition
from broker.sdk import private_files
from broker.sdk.login.renewal import Renewal
from broker.sdk.testing.issuer import LocalIssuer
from broker.sdk.token_cache import Kind, TokenCache, claims_of, seconds_left
from broker.sdk.user_folders import cache_folder, config_folder

AUDIENCE = "https://api.example"


def refresh_token(**claims: object) -> str:
    """As the broker writes one."""
    return base64.b64encode(json.dumps(claims).encode()).decode()


@pytest.mark.parametrize(
    ("platform", "environ", "cache", "config"),
    [
        ("linux", {"HOME": "/home/ann"}, "/home/ann/.cache", "/home/ann/.config"),
        ("linux", {"HOME": "/home/ann", "XDG_CACHE_HOME": "/c", "XDG_CONFIG_HOME": "/d"}, "/c", "/d"),
        ("linux", {"HOME": "/h", "XDG_CACHE_HOME": "c", "XDG_CONFIG_HOME": "d"}, "/h/.cache",
         "/h/.config"),
        ("darwin", {"HOME": "/Users/ann", "XDG_CACHE_HOME": "/c"}, "/Users/ann/Library/Caches",
         "/Users/ann/Library/Application Support"),
        ("win32", {"LOCALAPPDATA": "/l", "APPDATA": "/r", "HOME": "/h"}, "/l", "/r"),
    ],
)  # fmt: skip
def test_the_folders_of_each_system(
    platform: str, environ: dict[str, str], cache: str, config: str
) -> None:
    """As Go has them, by which the platform's tools find tokens."""
    assert cache_folder(environ, platform) == Path(cache)
    assert config_folder(environ, platform) == Path(config)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_nobodys_folder(platform: str) -> None:
    """Without a home there is none."""
    assert cache_folder({}, platform) is None
    assert config_folder({}, platform) is None


def test_a_token_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    """Also where a file with other permissions was there before; nothing else is left behind."""
    cache = TokenCache(tmp_path / "chainguard")
    path = cache.path(Kind.ACCESS, AUDIENCE)
    assert path == tmp_path / "chainguard" / "https:--api.example" / "oidc-token"
    assert cache.load(Kind.ACCESS, AUDIENCE) is None
    cache.save(Kind.ACCESS, AUDIENCE, "one")
    path.chmod(0o666)
    assert cache.exposed(Kind.ACCESS, AUDIENCE) == path
    cache.save(Kind.ACCESS, AUDIENCE, "two")
    assert cache.load(Kind.ACCESS, AUDIENCE) == "two"
    assert cache.exposed(Kind.ACCESS, AUDIENCE) is None
    assert [each.name for each in path.parent.iterdir()] == ["oidc-token"]
    assert path.parent.stat().st_mode & 0o777 == 0o700
    cache.delete(Kind.ACCESS, AUDIENCE)
    cache.delete(Kind.ACCESS, AUDIENCE)
    assert cache.load(Kind.ACCESS, AUDIENCE) is None


@pytest.mark.parametrize("audience", ["", ".", "..", "a\x00b", "a\nb", "a" * 256])
def test_an_audience_that_is_no_name_of_a_folder(tmp_path: Path, audience: str) -> None:
    """Is refused: `..` would be a folder of somebody else's."""
    with pytest.raises(Invalid):
        TokenCache(tmp_path).save(Kind.ACCESS, audience, "token")
    assert not list(tmp_path.iterdir())


def test_an_audience_cannot_lead_elsewhere(tmp_path: Path) -> None:
    """Its slashes are none in the path."""
    TokenCache(tmp_path / "cache").save(Kind.ACCESS, "../../etc", "token")
    assert [each.name for each in (tmp_path / "cache").iterdir()] == ["..-..-etc"]


@pytest.mark.parametrize("content", [b"", b" \n", b"two words", b"a\r\nb", "ä".encode(), b"\x00"])
def test_a_file_that_holds_no_token(tmp_path: Path, content: bytes) -> None:
    """Is as good as none: it must not end up in a header."""
    cache = TokenCache(tmp_path)
    private_files.write(cache.path(Kind.ACCESS, AUDIENCE), content)
    assert cache.load(Kind.ACCESS, AUDIENCE) is None


def test_what_others_have_put_there_stays(tmp_path: Path) -> None:
    """When all tokens are forgotten, also in the folder of an audience."""
    cache = TokenCache(tmp_path)
    cache.save(Kind.ACCESS, AUDIENCE, "token")
    cache.save(Kind.REFRESH, "https://other.example", "token")
    (tmp_path / "https:--api.example" / "notes").touch()
    (tmp_path / "settings.json").touch()
    cache.clear()
    assert sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*")) == [
        "https:--api.example",
        "https:--api.example/notes",
        "settings.json",
    ]


def test_the_entries_of_an_issuer(tmp_path: Path) -> None:
    """Whose a token is, is in the access token; the refresh token beside it is the same person's."""
    cache, issuer = TokenCache(tmp_path), LocalIssuer(issuer="https://id.example")
    cache.save(Kind.ACCESS, AUDIENCE, issuer.token({"sub": "ann"}, aud=["x", AUDIENCE]))
    cache.save(Kind.ACCESS, "https://o.example", issuer.token({"iss": "https://o.example"}))
    (entry,) = cache.entries(issuer.url)
    assert (entry.audience, entry.subject, entry.refresh) == (AUDIENCE, "ann", None)
    assert entry.access not in repr(entry)
    assert cache.refreshable(issuer.url, AUDIENCE) is None
    cache.save(Kind.REFRESH, AUDIENCE, refresh_token(exp=1))
    found = cache.refreshable(issuer.url, "https://new.example")
    assert found is not None
    assert found.audience == AUDIENCE
    assert cache.refreshable("https://elsewhere.example", AUDIENCE) is None


class Contended(TokenCache):
    """While a process waits for the lock, another one renews the token."""

    def __init__(self, folder: Path, renewed: str) -> None:
        super().__init__(folder)
        self._renewed = renewed

    def locked(self) -> AbstractContextManager[None]:
        self.save(Kind.ACCESS, AUDIENCE, self._renewed)
        return super().locked()


def test_who_had_to_wait_looks_again(tmp_path: Path) -> None:
    """The token that another process got meanwhile is taken, and nobody is asked."""
    issuer = LocalIssuer(issuer="http://127.0.0.1:1")
    renewed = issuer.token({"sub": "ann"}, aud=AUDIENCE)
    cache = Contended(tmp_path, renewed)
    cache.save(Kind.ACCESS, AUDIENCE, issuer.token({"sub": "ann"}, aud=AUDIENCE, lifetime=0))
    cache.save(Kind.REFRESH, AUDIENCE, refresh_token(exp=1))
    assert Renewal(cache, issuer.url, time.time).current(AUDIENCE) == renewed


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "a.b", "W10", "!.!.!", refresh_token(exp="1")])
def test_what_does_not_say_when_it_ends(token: str) -> None:
    """Is over."""
    assert seconds_left(token, 0) == 0
    assert seconds_left(None, 0) == 0


def test_how_long_a_token_is_good() -> None:
    """By its `exp`, of an access token and of a refresh token."""
    assert seconds_left(refresh_token(exp=100), 40) == 60
    assert seconds_left(refresh_token(exp=100), 100) == 0
    assert seconds_left(refresh_token(exp=True), 0) == 0
    assert claims_of(LocalIssuer(issuer="https://a.example").token({"sub": "ann"}))["sub"] == "ann"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """Is told by its path."""
    (tmp_path / "file").touch()
    cache = TokenCache(tmp_path / "file" / "cache")
    with pytest.raises(Precondition) as refusal:
        cache.save(Kind.ACCESS, AUDIENCE, "token")
    assert refusal.value.code == "token_cache_unusable"
    assert "token" not in refusal.value.message.replace("oidc-token", "")
