"""A report as SARIF (OASIS, Static Analysis Results Interchange Format 2.1.0)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import orjson

from broker import __version__
from broker.cli.lint.report import Located, Report
from broker.directory.declaration.linting import FILE_RULES
from broker.iam.lint import RULES, Rule

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_ALL_RULES: Final = (*RULES, *FILE_RULES)
_INDEX: Final[Mapping[str, int]] = {rule.id: index for index, rule in enumerate(_ALL_RULES)}


def sarif(report: Report) -> bytes:
    """One log with one run."""
    driver = {
        "name": "broker lint",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(rule) for rule in _ALL_RULES],
    }
    run = {
        "tool": {"driver": driver},
        # columns are counted as Python counts characters
        "columnKind": "unicodeCodePoints",
        "results": [_result(each) for each in report.found],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return orjson.dumps(log, option=orjson.OPT_INDENT_2)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.summary},
        "defaultConfiguration": {"level": rule.level.word},
        "help": {"text": f"{rule.summary} docs/lint.md of the broker says more."},
        "properties": {"tags": ["security"]},
    }


def _result(located: Located) -> dict[str, Any]:
    finding = located.finding
    whose = f"{located.identity}: " if located.identity else ""
    field = f"{finding.field}: " if finding.field else ""
    return {
        "ruleId": finding.rule.id,
        "ruleIndex": _INDEX[finding.rule.id],
        "level": finding.level.word,
        "message": {"text": f"{whose}{field}{finding.message} {finding.advice}".rstrip()},
        "locations": [_location(located)],
        # the same as long as the identity and the field are, wherever they stand in the file
        "partialFingerprints": {"brokerLint/v1": _fingerprint(located)},
    }


def _location(located: Located) -> dict[str, Any]:
    location: dict[str, Any] = {}
    if located.file:
        location["physicalLocation"] = {
            "artifactLocation": _artifact(located.file),
            "region": {"startLine": located.line, "startColumn": located.column},
        }
    if located.identity or located.uid:
        name = {"fullyQualifiedName": located.identity or located.uid, "kind": "identity"}
        location["logicalLocations"] = [name | ({"name": located.uid} if located.uid else {})]
    return location


def _artifact(file: str) -> dict[str, str]:
    path = Path(file)
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": quote(path.as_posix()), "uriBaseId": "%SRCROOT%"}


def _fingerprint(located: Located) -> str:
    finding = located.finding
    named = [finding.rule.id, located.identity or located.uid, finding.field]
    if not located.identity:  # else its path in the file would count the identities before
        named.append(located.field)
    return hashlib.sha256("\0".join(named).encode()).hexdigest()
