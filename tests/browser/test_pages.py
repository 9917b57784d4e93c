"""Each page in a real browser: how it looks, who can use it, what its policy lets through."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from typing import Final, Literal

import pytest
from playwright.async_api import Browser, Page, expect

from broker.web.pages import Pages
from tests.browser.conftest import SCREENSHOTS, Site, opened
from tests.kit.node import ROOT, packages
from tests.kit.pages import drawn

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAMES: Final = tuple(name for name in drawn(Pages("http://localhost")) if name != "leaving")
"""Nobody stays on the page that leads elsewhere."""
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
WIDTHS: Final = (320, 1280)
AXE: Final = ROOT / "tests" / "browser" / "axe"


@pytest.mark.parametrize("name", NAMES)
async def test_looks(chromium: Browser, site: Site, name: str) -> None:
    """Light and dark, on a phone and on a desk: nothing is cut off, and the console stays empty.

    What it looks like is kept in var/tests/screenshots.
    """
    async with opened(chromium, f"{site.url}/{name}", reduced_motion="reduce") as page:
        for scheme, width in product(SCHEMES, WIDTHS):
            await page.emulate_media(color_scheme=scheme)
            await page.set_viewport_size({"width": width, "height": 800})
            kept = SCREENSHOTS / f"{name}-{width}-{scheme}.png"
            await page.screenshot(path=kept, full_page=True)
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            paper = await page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (max(map(int, re.findall(r"\d+", paper))) < 64) == (scheme == "dark")


@pytest.mark.parametrize("name", NAMES)
async def test_no_barriers(chromium: Browser, site: Site, name: str) -> None:
    """axe-core finds nothing, in either colours: labels, contrast, landmarks, order."""
    axe = await asyncio.to_thread(packages, AXE) / "node_modules" / "axe-core" / "axe.min.js"
    # our policy lets no script run: this context, unlike a visitor's, does not heed it
    async with opened(
        chromium, f"{site.url}/{name}", width=320, bypass_csp=True, reduced_motion="reduce"
    ) as page:
        await page.add_script_tag(path=axe)
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            found = await page.evaluate(
                "axe.run(document, {resultTypes: ['violations', 'incomplete']})"
            )
            assert found["passes"]
            assert [
                (each["id"], each["impact"], [node["html"] for node in each["nodes"]])
                for each in found["violations"] + found["incomplete"]
            ] == []


@pytest.mark.parametrize("name", NAMES)
async def test_everything_is_reached_by_the_keyboard(
    chromium: Browser, site: Site, name: str
) -> None:
    """Tab goes through fields, buttons and links in the order of the page, and each shows that it
    is where the keyboard is.
    """
    order = "[...document.querySelectorAll('a, button, input:not([type=hidden])')]"
    async with opened(chromium, f"{site.url}/{name}") as page:
        # the browser gives it some time after the page has loaded
        await page.wait_for_function(
            "(document.querySelector('[autofocus]') ?? document.body) === document.activeElement"
        )
        already = await page.evaluate(f"{order}.indexOf(document.activeElement)")
        for place in range(already + 1, await page.evaluate(f"{order}.length")):
            await page.keyboard.press("Tab")
            at = await page.evaluate(
                f"""() => {{
                    const now = document.activeElement, style = getComputedStyle(now);
                    return [{order}.indexOf(now), style.outlineStyle, style.outlineWidth];
                }}"""
            )
            assert at == [place, "solid", "3px"]


@pytest.mark.parametrize("name", NAMES)
async def test_large_enough_to_touch(chromium: Browser, site: Site, name: str) -> None:
    """Buttons and fields are at least 44 pixels high and wide (WCAG 2.5.5)."""
    async with opened(chromium, f"{site.url}/{name}", width=320) as page:
        for each in await page.locator("button, a, input:not([type=hidden])").all():
            box = await each.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 44


async def test_enter_in_the_field_sends_it(chromium: Browser, site: Site) -> None:
    """By keyboard alone: the organization is sent with what the form holds, and by our origin."""
    async with opened(chromium, f"{site.url}/sign-in") as page:
        await page.get_by_label("Organization or work e-mail").fill("acme.example")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/posted")
        assert await page.locator("h1").inner_text() == "Posted"
    assert site.posted == [
        {
            "origin": site.url,
            "csrf": "0" * 64,
            "interaction": "abc123",
            "organization": "acme.example",
        }
    ]


@pytest.mark.parametrize(
    ("name", "button", "sent"),
    [
        ("sign-in", "Continue with GitHub", {"connector": "github"}),
        ("sign-in-again", "Continue as Ada Lovelace", {"continue": "1"}),
        ("register", "Create account", {"decision": "register"}),
        ("register", "Cancel", {"decision": "cancel"}),
        ("device-confirm", "Allow", {"decision": "allow", "user_code": "BCDF-GHJK"}),
        ("device-confirm", "Deny", {"decision": "deny", "user_code": "BCDF-GHJK"}),
        ("headless-confirm", "Allow", {"decision": "allow"}),
        ("headless-confirm", "Deny", {"decision": "deny"}),
        ("invite", "Accept and sign in", {"decision": "accept"}),
        ("invite-signed-in", "Accept invite", {"decision": "accept"}),
        ("invite", "Not now", {"decision": "decline"}),
        ("sign-out-confirm", "Sign out", {"decision": "sign_out"}),
        ("sign-out-confirm", "Stay signed in", {"decision": "stay"}),
    ],
)
async def test_what_a_button_sends(
    chromium: Browser, site: Site, name: str, button: str, sent: dict[str, str]
) -> None:
    """Each button sends what it stands for and nothing of the others, with the form's own fields."""
    async with opened(chromium, f"{site.url}/{name}") as page:
        await page.get_by_role("button", name=button, exact=True).click()
        await page.wait_for_url("**/posted")
    form = {"origin": site.url, "csrf": "0" * 64, "interaction": "abc123"}
    assert site.posted == [form | sent]


async def test_enter_never_allows_a_device(chromium: Browser, site: Site) -> None:
    """No button of a decision has the keyboard's attention when the page opens."""
    for name in ("device-confirm", "headless-confirm", "invite-signed-in", "register"):
        async with opened(chromium, f"{site.url}/{name}") as page:
            await page.keyboard.press("Enter")
            assert await page.evaluate("document.activeElement.tagName") == "BODY"
    assert site.posted == []


async def test_the_code_field_is_ready_to_be_typed_into(chromium: Browser, site: Site) -> None:
    """On the page of a device nothing else is to do."""
    async with opened(chromium, f"{site.url}/device") as page:
        await expect(page.get_by_label("Code")).to_be_focused()
        await page.keyboard.type("bcdf-ghjk")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/posted")
    assert site.posted[0]["user_code"] == "bcdf-ghjk"


async def test_the_policy_lets_no_script_and_no_style_in(chromium: Browser, site: Site) -> None:
    """What gets into a page in spite of the escaping neither runs nor is drawn."""
    async with _open_to_faults(chromium, f"{site.url}/sign-in") as page:
        await page.evaluate(
            """() => {
                window.broken = [];
                addEventListener("securitypolicyviolation", e => broken.push(e.effectiveDirective));
                const put = html => document.body.appendChild(
                    document.createRange().createContextualFragment(html));
                put("<script>window.ran = true</script>");
                put("<p style='color: red'>styled</p>");
                put("<img src='http://localhost:1/x.png' onerror='window.ran = true'>");
            }"""
        )
        await page.wait_for_function("broken.length >= 3")
        assert await page.evaluate("window.ran") is None
        assert set(await page.evaluate("broken")) >= {
            "script-src-elem",
            "style-src-attr",
            "img-src",
        }


async def test_a_form_cannot_be_sent_elsewhere(chromium: Browser, site: Site) -> None:
    """Neither at once nor by a redirect: that is why the way out is a page of its own."""
    for action in (f"{site.elsewhere}/arrived", "/redirected"):
        async with _open_to_faults(chromium, f"{site.url}/sign-in") as page:
            await page.evaluate(
                """action => {
                    window.broken = new Promise(done => addEventListener(
                        "securitypolicyviolation", e => done(e.effectiveDirective)));
                    document.forms[1].action = action;
                }""",
                action,
            )
            await page.evaluate("document.forms[1].querySelector('button').click()")
            assert await page.evaluate("broken") == "form-action"
            assert page.url == f"{site.url}/sign-in"


async def test_the_way_out_of_a_form(chromium: Browser, site: Site) -> None:
    """From a form by a page of ours to a provider, back to us and on to a client, without a click;
    nobody on the way learns where somebody came from, and the way back skips the page.
    """
    async with opened(chromium, f"{site.url}/sign-in") as page:
        await page.evaluate("document.forms[1].action = '/left'")
        await page.get_by_role("button", name="Continue with GitHub").click()
        await page.wait_for_url(f"{site.elsewhere}/arrived?by=page")
        assert await page.locator("body").inner_text() == "none"
        await page.go_back()
        assert page.url == f"{site.url}/sign-in"


async def test_a_page_is_not_framed(chromium: Browser, site: Site) -> None:
    """Nobody gets a click on a page that is put under theirs."""
    async with _open_to_faults(chromium, f"{site.elsewhere}/arrived") as page:
        await page.evaluate(
            """async url => {
                const frame = document.createElement("iframe");
                frame.src = url;
                const loaded = new Promise(done => frame.onload = done);
                document.body.append(frame);
                await loaded;
            }""",
            f"{site.url}/device-confirm",
        )
        assert await page.frames[1].locator("button").count() == 0


async def test_larger_letters(chromium: Browser, site: Site) -> None:
    """At twice the size of letters nothing is cut off on a narrow screen (WCAG 1.4.4)."""
    for name in NAMES:
        async with opened(chromium, f"{site.url}/{name}", width=480) as page:
            session = await page.context.new_cdp_session(page)
            await session.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
            await page.reload()
            assert await page.evaluate("getComputedStyle(document.body).fontSize") == "32px"
            assert (name, await page.evaluate("document.documentElement.scrollWidth")) == (
                name,
                480,
            )


@asynccontextmanager
async def _open_to_faults(chromium: Browser, url: str) -> AsyncIterator[Page]:
    """As `opened`, where the browser is expected to complain."""
    inside = await chromium.new_context()
    page = await inside.new_page()
    await page.goto(url)
    yield page
    await inside.close()
