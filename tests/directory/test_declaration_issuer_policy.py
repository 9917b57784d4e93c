"""An organization's policy about issuers in a declaration."""

from __future__ import annotations

import json

import pytest

from broker.directory.declaration import DeclarationProblems
from broker.iam.issuer_policy import policy_of
from broker.iam.model import NO_POLICY, IssuerPolicy, PolicyMode

from .conftest import Operator

CI = "https://ci.example"


def declared(policy: str, *, issuer: str = "") -> str:
    """An organization, with an identity of that issuer."""
    text = f"version: 1\norganizations:\n  - name: acme\n    issuer_policy: {policy}\n"
    if issuer:
        text += f"    identities:\n      - {{name: ci, issuer: '{issuer}', subject: deploy}}\n"
    return text


async def kept(operator: Operator) -> IssuerPolicy:
    """What the record has."""
    async with operator.store.read() as records:
        group = await records.groups.by_name(None, "acme")
    assert group is not None
    return group.issuer_policy


async def test_a_policy_is_kept_as_declared(operator: Operator) -> None:
    """It is in the plan field by field, and enforced unless the file says otherwise."""
    text = declared(f"{{allow: ['{CI}'], allow_patterns: ['https://[a-z]+[.]ci[.]example']}}")
    (change,) = (await operator.apply(text)).changes
    assert change.fields["issuer_policy.allow"] == (None, [CI])
    assert change.fields["issuer_policy.mode"] == (None, "enforce")
    policy = await kept(operator)
    assert policy.allow_patterns == ("https://[a-z]+[.]ci[.]example",)
    assert policy.mode is PolicyMode.ENFORCE
    assert (await operator.apply(text)).changes == ()


async def test_a_policy_stays_unless_the_file_speaks_of_it(operator: Operator) -> None:
    """`mode: off` keeps the list; an empty mapping with that mode ends it."""
    await operator.apply(declared(f"{{allow: ['{CI}']}}"))
    await operator.apply("version: 1\norganizations: [{name: acme}]", prune=True)
    assert (await kept(operator)).allow == (CI,)
    await operator.apply(declared(f"{{allow: ['{CI}'], mode: off}}"))
    assert await kept(operator) == policy_of({"allow": [CI], "mode": "off"})
    await operator.apply(declared("{mode: 'off'}"))
    assert await kept(operator) == NO_POLICY


@pytest.mark.parametrize(
    ("policy", "field", "said"),
    [
        ("{}", "issuer_policy.allow", "allows nobody"),
        ("{allow: [ci.example]}", "issuer_policy.allow[0]", "expected https"),
        ("{allow_patterns: ['(']}", "issuer_policy.allow_patterns[0]", "RE2"),
        ("{allow: 'x'}", "issuer_policy.allow", "list"),
        (f"{{allow: ['{CI}'], mode: warn}}", "issuer_policy.mode", "audit"),
        (f"{{alow: ['{CI}']}}", "issuer_policy.alow", "did you mean"),
        ("[]", "issuer_policy", "mapping"),
    ],
)
async def test_a_policy_with_a_fault(
    operator: Operator, policy: str, field: str, said: str
) -> None:
    """Is told with its field and its line, and nothing is written."""
    with pytest.raises(DeclarationProblems) as caught:
        await operator.apply(declared(policy, issuer=CI))
    told = {problem.field: problem for problem in caught.value.problems}
    assert f"organizations[0].{field}" in told, told
    problem = told[f"organizations[0].{field}"]
    assert said in problem.message
    assert problem.line == 4


async def test_identities_of_the_file_are_held_against_the_policy_of_the_file(
    operator: Operator,
) -> None:
    """As it will be once the file is applied; the problem is the identity's issuer."""
    with pytest.raises(DeclarationProblems) as caught:
        await operator.apply(declared(f"{{allow: ['{CI}']}}", issuer="https://other.example"))
    (problem,) = caught.value.problems
    assert problem.field == "organizations[0].identities[0].issuer"
    assert "the organization allows" in problem.message
    await operator.apply(declared(f"{{allow: ['{CI}']}}", issuer=CI))


async def test_the_policy_of_the_installation_is_asked_too(operator: Operator) -> None:
    """In audit mode it is a warning in the plan, in the dry run as well, and in the audit log."""
    text = f"version: 1\norganizations: [{{name: acme, identities: [{{name: ci, issuer: '{CI}', subject: a}}]}}]"
    other = ["https://other.example"]
    with pytest.raises(DeclarationProblems, match="the installation allows"):
        await operator.apply(text, issuer_policy=policy_of({"allow": other}))
    audited = policy_of({"allow": other, "mode": "audit"})
    preview = await operator.apply(text, issuer_policy=audited, dry_run=True)
    plan = await operator.apply(text, issuer_policy=audited)
    for each in (preview, plan):
        (finding,) = each.findings
        assert finding.finding.rule.id == "issuer-not-allowed"
        assert finding.field == "organizations[0].identities[0].issuer"
    (record,) = [each for each in await operator.audit() if "lint" in json.loads(each.detail)]
    assert json.loads(record.detail)["lint"][0]["rule"] == "issuer-not-allowed"


async def test_an_identity_that_stays_is_no_problem(operator: Operator) -> None:
    """A policy that comes later refuses its tokens, and does not keep the file from being applied."""
    await operator.apply(declared("{mode: 'off'}", issuer="https://other.example"))
    plan = await operator.apply(declared(f"{{allow: ['{CI}']}}", issuer="https://other.example"))
    assert len(plan.changes) == 1
    assert (await kept(operator)).allow == (CI,)
