"""The OpenAPI document and its page, as a running broker serves them."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any, Final

import aiohttp
import pytest
import pytest_asyncio
from openapi_spec_validator import validate

from broker import __version__
from broker.contract.methods import Contract, descriptions
from broker.web.api import operations
from broker.web.openapi.document import openapi_document
from broker.web.openapi.page.render import breakable, prose, render
from broker.web.openapi.paths import path_of
from tests.kit.brokers import RunningBroker, running_broker

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTRACT: Final = Contract.load()
DOCUMENT: Final = openapi_document(CONTRACT, descriptions(), operations(CONTRACT), "1.2.3")
PATHS: Final = ("/openapi.json", "/docs", "/docs/style.css")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningBroker]:
    """For this module; nothing here changes it."""
    async with running_broker(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that takes bodies as they come."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


async def test_the_document_is_openapi_3_1(
    broker: RunningBroker, session: aiohttp.ClientSession
) -> None:
    """By the specification's own schema; it names the version that runs."""
    async with session.get(f"{broker.url}/openapi.json") as response:
        assert response.headers["Content-Type"] == "application/json"
        document = json.loads(gzip.decompress(await response.read()))
    validate(document)
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == __version__


def _operations() -> list[dict[str, Any]]:
    return [operation for item in DOCUMENT["paths"].values() for operation in item.values()]


async def test_every_rule_of_the_contract_is_listed() -> None:
    """v1 and v2 with method and path; v2beta1 is v2, and said so."""
    listed = {(verb.upper(), path) for path, item in DOCUMENT["paths"].items() for verb in item}
    for operation in operations(CONTRACT):
        place = (operation.rule.verb, path_of(operation.template))
        assert (place in listed) == (operation.method.version != "v2beta1")
    assert ("POST", "/iam/v2/groups") in listed
    assert "v2beta1" in DOCUMENT["info"]["description"]


async def test_every_literal_path_of_the_server_is_listed() -> None:
    """Beside the contract: metadata, keys, the token endpoint, health."""
    beside = {
        path
        for path, item in DOCUMENT["paths"].items()
        if any("." not in operation["tags"][0] for operation in item.values())
    }
    assert beside == {
        "/token",
        "/broker/oauth2/v2.0/token",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/.well-known/jwks.json",
        "/.well-known/capabilities",
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/docs",
    }


async def test_operations_say_what_they_need() -> None:
    """Capabilities and event of the contract, and which token belongs into the header."""
    by_method = {one.get("x-grpc-method"): one for one in _operations()}
    for method in CONTRACT.methods.values():
        if not method.http or method.version == "v2beta1":
            continue
        operation = by_method[method.path]
        assert operation["x-capabilities"] == list(method.authorization.capabilities)
        assert operation.get("x-event") == (method.event.type if method.event else None)
        assert operation["description"].startswith(method.description)
        assert all(name in operation["description"] for name in operation["x-capabilities"])
        scheme = [name for one in operation["security"] for name in one]
        assert scheme == {
            "Exchange": ["upstreamToken"],
            "ExchangeRefreshToken": [],
            "GetHeadlessSession": [],
            "Ping": [],
            "Register": [],
        }.get(method.name, ["accessToken"])


async def test_operations_have_names_of_their_own() -> None:
    """Generated clients make functions of them."""
    names = Counter(operation["operationId"] for operation in _operations())
    assert set(names.values()) == {1}
    assert all(re.fullmatch(r"[A-Za-z0-9_]+", name) for name in names)


async def test_everything_is_described() -> None:
    """Operations, parameters, types and their fields."""
    for operation in _operations():
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (operation["operationId"], parameter["name"])
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if "." in name:
            assert schema["description"], name
            for field, inner in schema.get("properties", {}).items():
                assert inner["description"], f"{name}.{field}"


async def test_a_oneof_is_told() -> None:
    """On each of its fields, with the others."""
    identity = DOCUMENT["components"]["schemas"]["iam.v2.Identity"]["properties"]
    expected = "At most one of `claimMatch`, `staticKeys`, `awsIdentity`, `servicePrincipal`"
    for name in ("claimMatch", "staticKeys", "awsIdentity", "servicePrincipal"):
        assert expected in identity[name]["description"]


@pytest.mark.parametrize("path", PATHS)
async def test_what_is_had_already_is_not_sent_again(
    broker: RunningBroker, session: aiohttp.ClientSession, path: str
) -> None:
    """RFC 9110 §13.1.2: the ETag comes back, and 304 without a body."""
    url = f"{broker.url}{path}"
    async with session.get(url) as first:
        tag = first.headers["ETag"]
        assert (first.status, first.headers["Cache-Control"]) == (200, "public, no-cache")
    for known, status in ((tag, 304), (f'"other", {tag}', 304), ('"other"', 200), ("", 200)):
        async with session.get(url, headers={"If-None-Match": known}) as again:
            assert (again.status, again.headers["ETag"]) == (status, tag)
            assert bool(await again.read()) == (status == 200)


@pytest.mark.parametrize("path", PATHS)
async def test_bytes_are_compressed_for_those_who_take_it(
    broker: RunningBroker, session: aiohttp.ClientSession, path: str
) -> None:
    """A tenth of the size, and the same bytes."""
    async with session.get(f"{broker.url}{path}", headers={"Accept-Encoding": "gzip"}) as zipped:
        assert zipped.headers["Content-Encoding"] == "gzip"
        small = await zipped.read()
    for taken in ("br", "gzip;q=0", "identity"):
        async with session.get(f"{broker.url}{path}", headers={"Accept-Encoding": taken}) as plain:
            assert "Content-Encoding" not in plain.headers
            assert plain.headers["Vary"] == "Accept-Encoding"
            assert gzip.decompress(small) == await plain.read()
    async with session.head(f"{broker.url}{path}") as head:
        assert (head.status, await head.read()) == (200, b"")


class _Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def values(self, attribute: str) -> list[str]:
        return [value for _, attrs in self.tags if (value := attrs.get(attribute)) is not None]

    def count(self, tag: str) -> int:
        return sum(1 for name, _ in self.tags if name == tag)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(broker: RunningBroker, session: aiohttp.ClientSession) -> _Page:
    """As it is served."""
    async with session.get(f"{broker.url}/docs") as response:
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; ")
        return _Page(gzip.decompress(await response.read()).decode())


async def test_the_page_needs_nothing_but_its_style(page: _Page) -> None:
    """No scripts, no styles inside, nothing from elsewhere: what the policy would stop anyway."""
    assert page.count("script") == page.count("style") == page.count("img") == 0
    assert page.values("style") == []
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    links = {value for value in page.values("href") if not value.startswith("#")}
    assert links == {"data:,", "docs/style.css", "openapi.json"}


async def test_every_link_of_the_page_leads_somewhere(page: _Page) -> None:
    """Each place has one name, and what is referred to has a place."""
    places = Counter(page.values("id"))
    assert set(places.values()) == {1}
    assert {value[1:] for value in page.values("href") if value.startswith("#")} <= set(places)
    for operation in _operations():
        assert operation["operationId"] in places
    for name in DOCUMENT["components"]["schemas"]:
        assert f"type-{name}" in places


async def test_the_page_can_be_read_by_those_who_do_not_see_it(page: _Page) -> None:
    """One main heading, none left out below it, landmarks, tables with captions and headings."""
    assert page.count("h1") == page.count("main") == page.count("nav") == 1
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.count("caption") == page.count("table") == page.count("thead")
    assert all(attrs.get("scope") in {"col", "row"} for tag, attrs in page.tags if tag == "th")
    (html,) = [attrs for tag, attrs in page.tags if tag == "html"]
    assert html["lang"] == "en"


async def test_descriptions_cannot_bring_markup_along() -> None:
    """What the page shows is escaped, also inside code, also where names are broken."""
    assert str(prose("a `<b>` <i>\n\n& `c`")) == (
        "<p>a <code>&lt;b&gt;</code> &lt;i&gt;</p><p>&amp; <code>c</code></p>"
    )
    assert str(breakable("<a>.bC")) == "&lt;a&gt;.<wbr>b<wbr>C"
    document = DOCUMENT | {"info": DOCUMENT["info"] | {"title": "<script>x</script>"}}
    assert b"<script>" not in render(document, style_path="s", document_path="d")
