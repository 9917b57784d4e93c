"""Paths of the API's HTTP rules."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.contract.methods import Contract
from broker.web.api import operations
from broker.web.path_routing import Found, PathRouter, PathTemplate, WrongMethod

ROUTER: Final = PathRouter(
    (one.rule.verb, one.template, one) for one in operations(Contract.load())
)
UIDP: Final = f"{'ab' * 20}/{'cd' * 8}"


def _found(verb: str, path: str) -> tuple[str, str]:
    """Template and value of the variable."""
    found = ROUTER.find(verb, path)
    assert isinstance(found, Found), found
    return found.target.rule.template, found.value


@pytest.mark.parametrize(
    ("verb", "path", "template", "value"),
    [
        ("POST", "/iam/v1/groups", "/iam/v1/groups/{parent=**}", ""),
        ("POST", "/iam/v1/groups/", "/iam/v1/groups/{parent=**}", ""),
        ("POST", f"/iam/v1/groups/{UIDP}", "/iam/v1/groups/{parent=**}", UIDP),
        ("PUT", f"/iam/v1/groups/{UIDP}", "/iam/v1/groups/{id=**}", UIDP),
        ("PUT", f"/iam/v1/groups/{UIDP.replace('/', '%2F')}", "/iam/v1/groups/{id=**}", UIDP),
        ("PUT", f"/iam/v1/groups/{UIDP.replace('/', '%2f')}", "/iam/v1/groups/{id=**}", UIDP),
        ("GET", "/iam/v1/groups", "/iam/v1/groups", ""),
        ("HEAD", "/iam/v1/groups", "/iam/v1/groups", ""),
        ("GET", "/iam/v2/groups", "/iam/v2/groups", ""),
        ("GET", "/iam/v2/groups/", "/iam/v2/groups/{uid=**}", ""),
        ("GET", "/%69am/v2/groups", "/iam/v2/groups", ""),
        ("GET", "/iam/v2beta1/groups/x", "/iam/v2beta1/groups/{uid=**}", "x"),
        ("GET", "/iam/v1/groups:lookupGroup", "/iam/v1/groups:lookupGroup", ""),
        ("GET", "/iam/v2/groups/lookupGroup", "/iam/v2/groups/{uid=**}", "lookupGroup"),
        ("GET", "/iam/v2/groups%3AlookupGroup/x", None, None),
        ("GET", "/iam/v2/groups/a%3AlookupGroup", "/iam/v2/groups/{uid=**}", "a:lookupGroup"),
        ("GET", "/iam/v2/groups/a:b", "/iam/v2/groups/{uid=**}", "a:b"),
        (
            "POST",
            f"/iam/v1/account_associations/{UIDP}:check",
            "/iam/v1/account_associations/{group=**}:check",
            UIDP,
        ),
        ("POST", f"/iam/v1/rolebindings/{UIDP}", "/iam/v1/rolebindings/{parent=**}", UIDP),
        (
            "POST",
            f"/iam/v1/rolebindings/batch/{UIDP}",
            "/iam/v1/rolebindings/batch/{parent=**}",
            UIDP,
        ),
        ("PUT", "/iam/v1/rolebindings/batch/x", "/iam/v1/rolebindings/{id=**}", "batch/x"),
        ("GET", "/iam/v1/identities/lookup", "/iam/v1/identities/lookup", ""),
        ("DELETE", "/iam/v1/identities/lookup", "/iam/v1/identities/{id=**}", "lookup"),
        ("DELETE", "/auth/v1/delete/x", "/auth/v1/delete/{id=*}", "x"),
        ("DELETE", "/auth/v1/delete/x%2Fy", "/auth/v1/delete/{id=*}", "x/y"),
        ("DELETE", "/auth/v1/delete/x/y", None, None),
        ("DELETE", "/auth/v1/delete/", None, None),
        ("GET", "/iam/v3/groups", None, None),
        ("GET", "/iam/v2", None, None),
        ("GET", "/iam%2Fv2/groups", None, None),
        ("GET", "/iam//v2/groups", None, None),
        ("GET", "/iam/v2/groups:nothing", None, None),
        ("GET", "/iam/v2/groups/a:checkAccountAssociation", None, None),
        ("GET", "/iam/v2/groups/%ff", None, None),
        ("GET", "/", None, None),
    ],
)
def test_paths_lead_where_they_should(
    verb: str, path: str, template: str | None, value: str | None
) -> None:
    """Literals win over variables, `**` takes slashes and nothing, segments are decoded once."""
    if template is None:
        assert ROUTER.find(verb, path) is None
    else:
        assert _found(verb, path) == (template, value)


@pytest.mark.parametrize(
    ("verb", "path", "allowed"),
    [
        ("PATCH", "/iam/v1/groups/x", ("DELETE", "POST", "PUT")),
        ("TRACE", "/iam/v2/groups", ("DELETE", "GET", "HEAD", "PATCH", "POST")),
        ("GET", "/iam/v1/account_associations/x:check", ("POST",)),
        ("HEAD", "/iam/v1/rolebindings/x", ("DELETE", "POST", "PUT")),
        ("POST", "/ping/v1/ping", ("GET", "HEAD")),
    ],
)
def test_other_methods_of_a_path_are_told(verb: str, path: str, allowed: tuple[str, ...]) -> None:
    """All of those that lead somewhere from there, HEAD with GET."""
    found = ROUTER.find(verb, path)
    assert isinstance(found, WrongMethod)
    assert found.allowed == allowed
    for method in allowed:
        assert isinstance(ROUTER.find(method, path), Found)


@given(st.text(max_size=40), st.sampled_from(["GET", "POST", "PATCH", "DELETE"]))
def test_any_path_leads_somewhere_or_nowhere(path: str, verb: str) -> None:
    """And the router never fails over one."""
    for raw in (f"/{path}", f"/iam/v2/groups/{path}", f"/iam/v1/{quote(path)}"):
        ROUTER.find(verb, raw.encode("utf-8", "replace").decode())


@pytest.mark.parametrize(
    "text",
    ["", "/", "/x/", "x", "/x/{y}", "/x/{y=*}/z", "/x/{y=z/*}", "/x/*", "/{y=**}", "/x/{y=***}"],
)
def test_templates_that_the_contract_does_not_use_are_refused(text: str) -> None:
    """At start, rather than routed wrongly."""
    with pytest.raises(ValueError, match="not supported"):
        PathTemplate.parse(text)


def test_a_path_cannot_be_taken_twice() -> None:
    """Of two rules with the same method and path one would never be reached."""
    template = PathTemplate.parse("/x/{y=**}")
    with pytest.raises(ValueError, match="taken"):
        PathRouter([("GET", template, 1), ("GET", PathTemplate.parse("/x/{z=**}"), 2)])
