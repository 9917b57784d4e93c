"""`broker iam identities update`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from broker.cli.client.flags import description_option, name_option, parent_option, yes_option
from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.values import changed
from broker.cli.iam.identities import VIEW
from broker.cli.iam.identity_rules import RuleFlags, rule_options
from broker.sdk.api import IDENTITIES, Record


@click.command()
@click.argument("identity", metavar="[IDENTITY]", required=False)
@name_option
@description_option
@rule_options
@parent_option
@yes_option
@api_command()
async def update(
    run: Invocation,
    /,
    *,
    identity: str | None,
    name: str | None,
    description: str | None,
    parent: str | None,
    **rules: Any,
) -> None:
    """Change what is given of an identity; the rest stays.

    --claim and --claim-pattern change the named claim's rule, and remove it when the value is
    empty.
    """
    flags = RuleFlags(**rules)
    if name is None and description is None and flags == RuleFlags():
        raise click.UsageError("Nothing to change.")
    group = await run.group(parent) if parent else None
    before = await run.record(IDENTITIES, identity, flag="IDENTITY", parent=group)
    changes: Record = {}
    if name is not None:
        changes["name"] = name
    if description is not None:
        changes["description"] = description
    mask = list(changes)
    if flags != RuleFlags():
        arm, members = _changed_rules(run, before, flags)
        changes[arm] = members
        mask += [f"{arm}.{member}" for member in members]
    run.out.record(VIEW, await run.api.update(IDENTITIES, before["uid"], changes, mask))


def _changed_rules(
    run: Invocation, before: Mapping[str, Any], flags: RuleFlags
) -> tuple[str, Record]:
    if "staticKeys" in before:
        return "staticKeys", flags.static_keys(run)
    if "claimMatch" not in before:
        raise click.UsageError(
            "Only identities with claim rules or static keys have rules to change by option; "
            "delete the identity and create another."
        )
    members = flags.claim_match()
    rules = before["claimMatch"]
    if flags.claims:
        members["claims"] = changed(rules.get("claims", {}), flags.claims)
    if flags.claim_patterns:
        members["claimPatterns"] = changed(rules.get("claimPatterns", {}), flags.claim_patterns)
    return "claimMatch", members
