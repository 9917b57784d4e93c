"""The pages as text: what is in them whatever is shown, and what never is."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from typing import Final
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from broker.error_codes import CATALOGUE
from broker.errors import BrokerError, Exhausted, Invalid, Kind, NotFound
from broker.web.pages import Leaving, Pages, page_response
from tests.kit.pages import SAMPLES, drawn, with_every_text

ISSUER: Final = "https://login.example.com"
PAGES: Final = Pages(ISSUER)
NAMES: Final = tuple(drawn(PAGES))
VOID: Final = {"meta", "link", "input", "br", "circle", "path"}

HOSTILE: Final = {
    "script": "<script>alert(1)</script>",
    "quotes": "\"><img src=x onerror=alert(1)>' onfocus=alert(1) autofocus x='",
    "comment": "--><!--<style>*{display:none}</style>",
    "template": "{{ 7 * 191 }}{% raw %}${7*191}",
    "right-to-left": "\u202egnp.exe\u2066 \u05d0\u05d1\u05d2",
    "long": "x" * 1000,
    "lines": "a\r\nSet-Cookie: a=b\0",
    "surrogate": "\ud800",
}


class _Reader(HTMLParser):
    """Elements with their attributes, in order; whether each that opens is closed."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(html.decode())
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def _shape(html: bytes) -> list[tuple[str, tuple[str, ...]]]:
    return [(tag, tuple(attributes)) for tag, attributes in _Reader(html).elements]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", SAMPLES)
def test_text_of_any_origin_stays_text(name: str, text: str) -> None:
    """Whatever names, addresses and messages hold, the page has the same elements and attributes."""
    method, page = SAMPLES[name]
    made = getattr(PAGES, method)
    plain, hostile = with_every_text(page, "x"), with_every_text(page, text)
    assert _shape(made(hostile)) == _shape(made(plain))


def test_what_is_shown_is_read_as_it_was_given() -> None:
    """Markup in a name is shown letter by letter, and a field brings back what it was given."""
    method, page = SAMPLES["sign-in-error"]
    text = HOSTILE["quotes"]
    read = _Reader(getattr(PAGES, method)(replace(page, organization=text, client=text)))
    assert text in "".join(read.text)
    assert text in [each["value"] for each in read.all("input")]


@pytest.mark.parametrize("name", NAMES)
def test_no_script_no_inline_style_nothing_from_elsewhere(name: str) -> None:
    """All that a page loads is its own style sheet and icon; no attribute is a style or a script."""
    read = _Reader(drawn(PAGES)[name]())
    assert {tag for tag, _ in read.elements}.isdisjoint(
        {"script", "style", "iframe", "img", "base"}
    )
    for _, attributes in read.elements:
        assert "style" not in attributes
        assert not [each for each in attributes if each.startswith("on")]
    assert [each["href"] for each in read.all("link")] == ["/login/icon.svg", "/login/style.css"]
    assert not [each for each in read.all("form") if urlsplit(each["action"]).netloc]


@pytest.mark.parametrize("name", NAMES)
def test_every_form_is_posted_with_the_csrf_token(name: str) -> None:
    """A form without it would be refused; one that is not posted would put it into an address."""
    html = drawn(PAGES)[name]().decode()
    for form in re.findall(r"<form.*?</form>", html, re.DOTALL):
        read = _Reader(form.encode())
        assert read.all("form")[0]["method"] == "post"
        assert [each["value"] for each in read.all("input") if each["name"] == "csrf"] == ["0" * 64]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_its_language_title_landmarks_and_one_heading(name: str) -> None:
    """What a screen reader goes by; the title ends with where one is."""
    read = _Reader(drawn(PAGES)[name]())
    assert read.all("html") == [{"lang": "en"}]
    for tag in ("title", "header", "main", "h1"):
        assert len(read.all(tag)) == 1
    assert any(re.fullmatch(r"\S.* · login\.example\.com", text) for text in read.text)


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_unique_and_what_points_at_them_finds_them(name: str) -> None:
    """Labels and descriptions belong to a field that is there, and every field has a label."""
    read = _Reader(drawn(PAGES)[name]())
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    pointed = [each["for"] for each in read.all("label")]
    for _, attributes in read.elements:
        for pointer in ("aria-describedby", "aria-labelledby"):
            pointed += attributes.get(pointer, "").split()
    assert set(pointed) <= set(ids)
    labelled = {each["for"] for each in read.all("label")}
    assert {each["id"] for each in read.all("input") if each.get("type") == "text"} == labelled


def test_an_error_is_told_at_its_field() -> None:
    """The field says that it is wrong and points at what is; the title tells it first."""
    for name, error in (("sign-in-error", "organization-error"), ("device-error", "code-error")):
        html = drawn(PAGES)[name]()
        field = next(each for each in _Reader(html).all("input") if "aria-invalid" in each)
        assert error in field["aria-describedby"].split()
        assert b"<title>Error: " in html
        assert b'role="alert"' in html


def test_every_template_is_used() -> None:
    """No template is left over, and each is drawn by these tests."""
    environment = Pages(ISSUER)._environment
    fresh = Pages(ISSUER)
    for make in drawn(fresh).values():
        make()
    assert fresh._environment.cache is not None
    used = {name for _, name in fresh._environment.cache}
    assert used == set(environment.list_templates())


def test_below_a_path_the_assets_are_below_it_too() -> None:
    """An issuer with a path has its style sheet below that path."""
    html = drawn(Pages("https://example.com/broker"))["sign-in"]()
    assert b'href="/broker/login/style.css"' in html


async def test_an_error_of_ours_is_a_page() -> None:
    """It tells the message, the code, what helps, and the request's id."""
    response = PAGES.page_error(NotFound("path_unknown", "no such path"), "r-1")
    text = _text(response)
    assert response.status == 404
    for told in ("No such path.", "path_unknown", CATALOGUE["path_unknown"].cure, "r-1"):
        assert told in text


async def test_a_field_is_called_as_it_is() -> None:
    """The name of a parameter is not made into a word that begins a sentence."""
    error = Invalid("field_invalid", "redirect: expected once", field="redirect")
    assert "<p>redirect: expected once.</p>" in _text(PAGES.page_error(error, "r-1"))


async def test_code_between_backticks() -> None:
    """Is told from the words around it, and escaped as they are; a single backtick is itself."""
    error = NotFound("path_unknown", "use `<a>` or `b`, <i>")
    assert "<p>Use <code>&lt;a&gt;</code> or <code>b</code>, &lt;i&gt;.</p>" in _text(
        PAGES.page_error(error, "r-1")
    )
    assert "It`s &lt;i&gt;." in _text(PAGES.page_error(NotFound("path_unknown", "it`s <i>"), "r"))


async def test_a_code_that_nobody_wrote_down_is_a_page_too() -> None:
    """The page of an error never fails."""
    assert "no_such_code" in _text(PAGES.page_error(NotFound("no_such_code", "x"), "r-1"))


async def test_a_defect_tells_nothing_but_the_request() -> None:
    """Of what went wrong inside, a page says the request's id alone."""
    response = PAGES.page_error(None, "r-1")
    assert response.status == 500
    assert "r-1" in _text(response)
    assert "Error</dt>" not in _text(response)


async def test_a_limit_says_when_to_try_again() -> None:
    """Of a page, too, the header tells it."""
    error = Exhausted("rate_limited", "too many", retry_after=30)
    assert PAGES.page_error(error, "r-1").headers["Retry-After"] == "30"


@pytest.mark.parametrize("kind", Kind)
async def test_every_kind_of_error_has_a_title(kind: Kind) -> None:
    """Whatever is raised can be shown."""
    raised = next(each for each in BrokerError.__subclasses__() if each.kind is kind)
    response = PAGES.page_error(raised("path_unknown", "something"), "r-1")
    assert "<h1>" in _text(response)


async def test_headers_of_a_page() -> None:
    """It is not framed, scripted, sniffed, kept, nor told to others as where somebody came from."""
    headers = page_response(b"").headers
    policy = dict((each.split(" ", 1)) for each in headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert page_response(b"", headers={"X-More": "1"}).headers["X-More"] == "1"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/local",
        "https:///x",
        "javascript://a.example/%0aalert(1)",
        "",
    ],
)
def test_the_way_out_leads_to_the_web_alone(url: str) -> None:
    """A URL that is not http or https with a host is refused, whoever made it."""
    with pytest.raises(ValueError, match="url: expected"):
        Leaving(url=url)


def test_the_way_out_is_taken_at_once_and_can_be_clicked() -> None:
    """The refresh and the link both lead to the URL, whatever characters it has."""
    url = "https://a.example/x?q='\"<>;url=https://b.example"
    read = _Reader(PAGES.leaving(Leaving(url=url)))
    refresh = next(each for each in read.all("meta") if "http-equiv" in each)
    assert refresh["content"] == f"0; url={url}"
    assert url in [each["href"] for each in read.all("a")]
    assert "a.example" in read.text


def test_a_way_out_does_not_tell_its_url_when_printed() -> None:
    """It may hold a token."""
    assert "secret" not in repr(Leaving(url="https://a.example/?token=secret"))


def test_the_style_loads_nothing() -> None:
    """Neither fonts nor images, from anywhere."""
    css = files("broker.web.pages").joinpath("style.css").read_text()
    assert "url(" not in css
    assert "@import" not in css


def _text(response: web.Response) -> str:
    assert isinstance(response.body, bytes)
    return response.body.decode()
