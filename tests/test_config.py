"""Settings: where they come from, and every way in which they can be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from broker.config import SECRETS, Settings, SettingsProblems, load, shown


def problems(environ: dict[str, str], config: Path | None = None) -> tuple[str, ...]:
    """What is wrong, one sentence each."""
    with pytest.raises(SettingsProblems) as caught:
        load(environ, config)
    assert caught.value.code == "settings_invalid"
    return caught.value.problems


def toml(folder: Path, text: str) -> Path:
    file = folder / "broker.toml"
    file.write_text(text)
    return file


def test_an_empty_environment_has_every_default() -> None:
    """Loopback, port 8080, SQLite under var/, keys under keys/, an issuer to match."""
    settings = load({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.issuer == "http://127.0.0.1:8080"
    assert settings.database_url == "sqlite:///var/broker.sqlite3"
    assert settings.keys_dir == Path("keys")
    assert settings.development


def test_variables_of_other_programs_are_not_looked_at() -> None:
    """Only what begins with BROKER_."""
    load({"PATH": "/bin", "MYBROKER_PORT": "x", "ISSUER": "x"})


def test_the_issuer_follows_the_port() -> None:
    """A development installation on another port is its own issuer."""
    assert load({"BROKER_PORT": "9000"}).issuer == "http://127.0.0.1:9000"


def test_any_free_port_needs_an_issuer() -> None:
    """Port 0 is known only once it listens, and an issuer has to be known before."""
    assert "BROKER_ISSUER" in problems({"BROKER_PORT": "0"})[0]
    assert load({"BROKER_PORT": "0", "BROKER_ISSUER": "http://localhost:1"}).port == 0


@pytest.mark.parametrize(
    ("variable", "text", "says"),
    [
        ("BROKER_PROT", "1", "BROKER_PROT: no such setting; did you mean BROKER_PORT?"),
        ("BROKER_XYZZY", "1", "BROKER_XYZZY: no such setting"),
        ("BROKER_PORT", "http", "BROKER_PORT: Input should be a valid integer"),
        (
            "BROKER_CLIENTS",
            '{"customer": {"name": "x", "redirect_uris": ["https://x.example/"]}}',
            "BROKER_CLIENTS: 'customer': reserved",
        ),
        (
            "BROKER_CLIENTS",
            '{"broker-cli": {"name": "x", "redirect_uris": ["https://x.example/"]}}',
            "BROKER_CLIENTS: 'broker-cli': reserved",
        ),
        ("BROKER_PORT", "65536", "BROKER_PORT: Input should be less than or equal to 65535"),
        ("BROKER_PORT", "", "BROKER_PORT: Input should be a valid integer"),
        ("BROKER_GRPC_PORT", "65536", "BROKER_GRPC_PORT: Input should be less than or equal"),
        ("BROKER_GRPC_PORT", "8080", "the same as BROKER_PORT"),
        ("BROKER_TLS_CERTIFICATE", "/nope", "BROKER_TLS_KEY: expected both or none"),
        ("BROKER_SIGNING_ALGORITHM", "HS256", "BROKER_SIGNING_ALGORITHM: Input should be 'ES256'"),
        ("BROKER_SIGNING_ALGORITHM", "none", "BROKER_SIGNING_ALGORITHM: Input should be 'ES256'"),
        ("BROKER_LOG_LEVEL", "loud", "BROKER_LOG_LEVEL: Input should be 'debug'"),
        ("BROKER_TOKEN_LIFETIME", "3601", "BROKER_TOKEN_LIFETIME: Input should be less than"),
        ("BROKER_TOKEN_LIFETIME", "59", "BROKER_TOKEN_LIFETIME: Input should be greater than"),
        ("BROKER_UPSTREAM_TIMEOUT", "nan", "BROKER_UPSTREAM_TIMEOUT: Input should be"),
        ("BROKER_CAPABILITIES", "{a", "BROKER_CAPABILITIES: not JSON"),
        ("BROKER_CAPABILITIES", "[]", "BROKER_CAPABILITIES: Input should be a valid dictionary"),
        ("BROKER_CAPABILITIES", '{"deploy.create": "x"}', "BROKER_CAPABILITIES.deploy.create: "),
        ("BROKER_CAPABILITIES", '{"deploy.create": 1}', "is not between 1024 and 2047"),
        ("BROKER_CAPABILITIES", '{"deploy.create": 2048}', "is not between 1024 and 2047"),
        ("BROKER_CAPABILITIES", '{"Deploy": 1024}', "expected lower-case words joined by dots"),
        ("BROKER_CAPABILITIES", '{"groups.list": 1024}', "'groups.list' is built in"),
        ("BROKER_CAPABILITIES", '{"a.b": 1024, "a.c": 1024}', "is also that of 'a.b'"),
        ("BROKER_TOKEN_AUDIENCES", "a", "BROKER_TOKEN_AUDIENCES: not JSON"),
        ("BROKER_ISSUER", "https://broker.example/", "BROKER_ISSUER: must not end with '/'"),
        ("BROKER_ISSUER", "https://u:geheim@broker.example", "must not hold a user name"),
        ("BROKER_ISSUER", "https://Broker.example", "lower-case host"),
        ("BROKER_ISSUER", "https://broker.example?x", "without query or fragment"),
        ("BROKER_ISSUER", "https://broker.example#x", "without query or fragment"),
        ("BROKER_ISSUER", "http://broker.example", "expected https"),
        ("BROKER_ISSUER", "broker.example", "expected https://HOST"),
        ("BROKER_ISSUER", "https://broker.example/a/../b", "dot segments"),
        ("BROKER_DATABASE_URL", "mysql://u:geheim@h/db", "expected sqlite:///PATH or postgresql"),
        ("BROKER_DATABASE_URL", "postgresql://u:ge/heim@h/db", "is the password URL-encoded?"),
        ("BROKER_DATABASE_URL", "postgresql://u:geheim[@h/db", "is the password URL-encoded?"),
        ("BROKER_REDIS_URL", "localhost:6379", "BROKER_REDIS_URL: expected redis:"),
        ("BROKER_REDIS_URL", "http://h", "BROKER_REDIS_URL: expected redis:"),
        ("BROKER_REDIS_URL", "redis:///0", "BROKER_REDIS_URL: expected redis:"),
        ("BROKER_REDIS_URL", "redis://h/db", "BROKER_REDIS_URL: expected redis:"),
        ("BROKER_REDIS_URL", "redis://h?socket_timeout=60", "parameters ssl_… with TLS"),
        ("BROKER_REDIS_URL", "redis://h?ssl_ca_certs=/ca.pem", "parameters ssl_… with TLS"),
        ("BROKER_REDIS_URL", "rediss://h?ssl_nope=1", "parameters ssl_… with TLS"),
        ("BROKER_REDIS_URL", "redis+sentinel://u:geheim@a,b", "/SERVICE[/DATABASE]"),
        ("BROKER_REDIS_URL", "redis+sentinel://a/main/x", "/SERVICE[/DATABASE]"),
        ("BROKER_REDIS_URL", "redis+sentinel://a,:1/main", "expected redis://"),
        ("BROKER_REDIS_URL", "redis+sentinel://u:ge/heim@a/main", "password URL-encoded"),
        ("BROKER_REDIS_URL", "redis+cluster://a:1,b:x", "expected redis://"),
        ("BROKER_REDIS_URL", "redis+cluster://a/1", "expected redis://"),
        ("BROKER_REDIS_URL", "redis+tls://a", "expected redis://"),
        ("BROKER_REDIS_URL", "redis://:ge/heim@h", "the password URL-encoded"),
        ("BROKER_REDIS_URL", "redis://:geheim[@h", "the password URL-encoded"),
        ("BROKER_TRUSTED_PROXIES", '["10.0.0.1/8"]', "'10.0.0.1/8': expected a CIDR"),
        ("BROKER_TRUSTED_PROXIES", '["proxy"]', "'proxy': expected a CIDR"),
        ("BROKER_RATE_LIMIT_ADDRESS", "many", "BROKER_RATE_LIMIT_ADDRESS: 'many': expected as 100"),
        ("BROKER_RATE_LIMIT_IDENTITY", "auto", "BROKER_RATE_LIMIT_IDENTITY: 'auto': expected"),
        ("BROKER_RATE_LIMIT_ISSUER", "0/minute", "BROKER_RATE_LIMIT_ISSUER: '0/minute': expected"),
        ("BROKER_DATABASE_URL", "sqlite://", "with the path of a file"),
        ("BROKER_PRIVATE_ISSUERS", '["https://ci.example/?x"]', "without query or fragment"),
        ("BROKER_PRIVATE_ISSUERS", '["ci.example"]', "BROKER_PRIVATE_ISSUERS: ci.example: "),
        ("BROKER_ISSUER_TOKEN_AGES", '{"https://ci.example": 0}', "greater than or equal to 1"),
        ("BROKER_ISSUER_TOKEN_AGES", '{"ci": 60}', "BROKER_ISSUER_TOKEN_AGES: ci: expected"),
        (
            "BROKER_ISSUER_ALGORITHMS",
            '{"https://ci.example": ["HS256"]}',
            "Input should be 'RS256'",
        ),
        ("BROKER_ISSUER_ALGORITHMS", '{"https://ci.example": []}', "at least one algorithm"),
        (
            "BROKER_ISSUER_CA_BUNDLES",
            '{"https://ci.example": "/nope"}',
            "/nope: not a readable PEM",
        ),
        ("BROKER_KEY_PUBLISH_LEAD", "389", "BROKER_KEY_PUBLISH_LEAD: expected at least 390"),
        ("BROKER_KEY_ROTATION_DAYS", "-1", "BROKER_KEY_ROTATION_DAYS: Input should be greater"),
        ("BROKER_AWS_STS_HOSTS", '["sts.example.com"]', "no endpoint of AWS STS"),
        ("BROKER_AWS_STS_HOSTS", '["https://sts.amazonaws.com"]', "no endpoint of AWS STS"),
        ("BROKER_AWS_HEADER_PREFIXES", '["Acme:"]', "expected letters, digits and '-'"),
        ("BROKER_AWS_HEADER_PREFIXES", '["Acme", "acme"]', "the same prefix twice"),
        ("BROKER_AWS_HEADER_PREFIXES", "[]", "at least 1 item"),
    ],
)
def test_a_fault_is_named(variable: str, text: str, says: str) -> None:
    """Each is the only one that is listed, by the name of its variable, without its secret."""
    found = problems({variable: text})
    assert len(found) == 1, found
    assert found[0].startswith(variable)
    assert says in found[0]
    assert "geheim" not in found[0]


def test_every_fault_is_listed_at_once() -> None:
    """Nobody starts five times to find five faults."""
    found = problems(
        {
            "BROKER_PROT": "1",
            "BROKER_PORT": "x",
            "BROKER_CAPABILITIES": "{",
            "BROKER_LOG_LEVEL": "loud",
            "BROKER_DATABASE_URL": "mysql://h",
        }
    )
    assert {fault.partition(":")[0] for fault in found} == {
        "BROKER_PROT",
        "BROKER_PORT",
        "BROKER_CAPABILITIES",
        "BROKER_LOG_LEVEL",
        "BROKER_DATABASE_URL",
    }


def test_faults_between_settings_are_listed_at_once() -> None:
    """Those that show only when every single one is right."""
    found = problems({"BROKER_ISSUER": "https://broker.example", "BROKER_KEY_PUBLISH_LEAD": "1"})
    assert [fault.partition(":")[0] for fault in found] == [
        "BROKER_KEY_PUBLISH_LEAD",
        "BROKER_DATABASE_URL",
        "BROKER_KEYS_DIR",
    ]


def test_a_rotation_is_not_shorter_than_its_announcement() -> None:
    """A key would be replaced before it has signed."""
    found = problems({"BROKER_KEY_ROTATION_DAYS": "1", "BROKER_KEY_PUBLISH_LEAD": "86401"})
    assert found[0].startswith("BROKER_KEY_ROTATION_DAYS: shorter than key_publish_lead")


def test_an_https_issuer_refuses_development_defaults() -> None:
    """And takes the same values when somebody has set them."""
    production = {"BROKER_ISSUER": "https://broker.example"}
    assert len(problems(production)) == 2
    settings = load(
        {
            **production,
            "BROKER_DATABASE_URL": "sqlite:///var/broker.sqlite3",
            "BROKER_KEYS_DIR": "keys",
        }
    )
    assert not settings.development


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    """As container platforms mount them, with a line feed at the end."""
    secret = tmp_path / "url"
    secret.write_text("postgresql://broker:geheim@db/broker\n")
    settings = load({"BROKER_DATABASE_URL_FILE": str(secret)})
    assert settings.database_url == "postgresql://broker:geheim@db/broker"


def test_a_secret_is_given_once(tmp_path: Path) -> None:
    """As a value or as a file; which of the two would count is not for us to guess."""
    secret = tmp_path / "url"
    secret.write_text("postgresql://broker:geheim@db/broker")
    found = problems(
        {
            "BROKER_DATABASE_URL_FILE": str(secret),
            "BROKER_DATABASE_URL": "postgresql://broker:geheim@db/broker",
        }
    )
    assert found == ("BROKER_DATABASE_URL_FILE: set as well as BROKER_DATABASE_URL",)


def test_a_secret_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """With its path, and never with what it holds."""
    missing = tmp_path / "missing"
    found = problems({"BROKER_DATABASE_URL_FILE": str(missing)})
    assert found[0] == (
        f"BROKER_DATABASE_URL_FILE: cannot read {missing}: No such file or directory"
    )
    binary = tmp_path / "binary"
    binary.write_bytes(b"geheim\xff")
    found = problems({"BROKER_DATABASE_URL_FILE": str(binary)})
    assert found[0] == f"BROKER_DATABASE_URL_FILE: cannot read {binary}: not text"


def test_only_secrets_come_from_files() -> None:
    """`BROKER_PORT_FILE` would be a typing error that nobody notices."""
    assert problems({"BROKER_PORT_FILE": "/x"})[0].startswith("BROKER_PORT_FILE: no such setting")


def test_a_file_has_lists_and_objects_as_toml_has_them(tmp_path: Path) -> None:
    """Lower case, without the prefix."""
    file = toml(
        tmp_path,
        'port = 9000\ntoken_audiences = ["a", "b"]\n[capabilities]\n"deploy.create" = 1024\n',
    )
    settings = load({}, file)
    assert settings.port == 9000
    assert settings.token_audiences == ("a", "b")
    assert settings.capabilities == {"deploy.create": 1024}


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    """What is set for one start counts."""
    file = toml(tmp_path, "port = 9000\njwks_max_age = 60\n")
    settings = load({"BROKER_PORT": "9001"}, file)
    assert (settings.port, settings.jwks_max_age) == (9001, 60)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("prot = 1", "broker.toml: prot: no such setting; did you mean port?"),
        ("BROKER_PORT = 1", "broker.toml: BROKER_PORT: no such setting"),
        ("port =", "broker.toml: not TOML"),
        ("port = 1\nport = 2", "broker.toml: not TOML"),
        ('port = "x"', "BROKER_PORT: Input should be a valid integer"),
        ("[database_url]\na = 1", "BROKER_DATABASE_URL: Input should be a valid string"),
    ],
)
def test_a_fault_of_the_file_is_named(tmp_path: Path, text: str, says: str) -> None:
    """With the file, when it is one of the file's form."""
    found = problems({}, toml(tmp_path, text))
    assert len(found) == 1
    assert says in found[0]


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    """Never the defaults instead."""
    assert "No such file" in problems({}, tmp_path / "missing.toml")[0]
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff")
    assert "not TOML" in problems({}, binary)[0]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://broker:geheim@db/broker",
        "postgresql://broker:geheim%40geheim@db:5432/broker",
        "postgresql://broker:1/geheim@db/broker",
        "postgresql://broker:1?geheim@db/broker",
        "postgresql://broker:1#geheim@db/broker",
        "postgresql://broker:ge@geheim@db/broker",
        "postgresql://broker:ge:geheim@db/broker",
        "postgresql://:geheim@db/broker",
        "postgresql://broker:geheim@one:5432,two:5433/broker",
        "postgresql://db/broker?user=broker&password=geheim",
        "postgresql://db/broker?sslmode=require&sslpassword=geheim",
        "postgresql://db/broker?PASSWORD=geheim&options=x",
    ],
)
def test_a_password_is_not_shown(url: str) -> None:
    """However it is written: what is odd is hidden rather than shown."""
    rows = shown(load({"BROKER_DATABASE_URL": url}))
    assert "geheim" not in str(rows)
    assert "***" in rows["BROKER_DATABASE_URL"]


@pytest.mark.parametrize(
    "url",
    ["postgresql://broker@db:5432/broker", "sqlite:///var/broker.sqlite3", "postgresql:///broker"],
)
def test_a_url_without_a_password_is_shown_as_it_is(url: str) -> None:
    """So that an operator sees where the records are."""
    assert shown(load({"BROKER_DATABASE_URL": url}))["BROKER_DATABASE_URL"] == url


def test_every_setting_is_shown() -> None:
    """By the name of its variable."""
    rows = shown(load({}))
    assert set(rows) == {f"BROKER_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in SECRETS if name not in Settings.model_fields} == set()


def test_what_is_shown_can_be_set_again() -> None:
    """The printed JSON of lists and objects is what the variables take."""
    chosen = {
        "BROKER_CAPABILITIES": '{"deploy.create":1024}',
        "BROKER_TOKEN_AUDIENCES": '["a"]',
        "BROKER_ISSUER_ALGORITHMS": '{"https://ci.example":["ES256"]}',
    }
    rows: dict[str, Any] = shown(load(chosen))
    again = {
        name: value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in rows.items()
    }
    assert load(again) == load(chosen)


@pytest.mark.parametrize(
    "url",
    [
        "redis://h",
        "rediss://u:p%2F@h:6380/3?ssl_ca_certs=/ca.pem",
        "unix:///run/r.sock?db=1",
        "redis+sentinel://a:26379,b,[::1]:26380/main",
        "rediss+sentinel://u:p%2F@a,b:1/main/3?ssl_ca_certs=/ca.pem&sentinel_password=p%2F",
        "redis+cluster://:p%2F@a:1,b:2",
        "rediss+cluster://u:p%2F@[::1]:7000?ssl_check_hostname=no",
    ],
)
def test_where_redis_can_be(url: str) -> None:
    """Over TCP, with TLS, on a socket, of Sentinels, in a cluster; no output has the password."""
    settings = load({"BROKER_REDIS_URL": url})
    assert settings.redis_url == url
    assert "p%2F" not in shown(settings)["BROKER_REDIS_URL"]


@pytest.mark.parametrize(
    ("more", "rate"),
    [
        ({}, None),
        ({"BROKER_TRUSTED_PROXIES": '["10.0.0.0/8"]'}, (100, 60)),
        ({"BROKER_RATE_LIMIT_ADDRESS": "7/hour"}, (7, 3600)),
        ({"BROKER_TRUSTED_PROXIES": '["10.0.0.0/8"]', "BROKER_RATE_LIMIT_ADDRESS": ""}, None),
    ],
)
def test_addresses_are_limited_where_they_are_known(
    more: dict[str, str], rate: tuple[int, int] | None
) -> None:
    """Behind a proxy that is not trusted, everybody would have one address."""
    assert load(more).address_rate == rate


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ('{"allow": []}', "allow: expected at least one"),
        ('{"allow": ["ci.example"]}', "allow[0]: expected https"),
        ('{"allow_patterns": ["("]}', "allow_patterns[0]: not an RE2 pattern"),
        ('{"alow": ["https://ci.example"]}', "alow: expected allow, allow_patterns and mode"),
        ('{"allow": ["https://ci.example"], "mode": "warn"}', "mode: expected enforce, audit, off"),
        ("[]", "dictionary"),
        ("x", "not JSON"),
    ],
)
def test_a_policy_about_issuers_with_a_fault(policy: str, said: str) -> None:
    """The start is refused, with the member that is wrong: it is never taken for no policy."""
    with pytest.raises(SettingsProblems) as caught:
        load({"BROKER_ISSUER_POLICY": policy})
    assert "BROKER_ISSUER_POLICY" in caught.value.message
    assert said in caught.value.message
