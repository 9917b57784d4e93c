"""What lint says of what was saved, as a header of HTTP and as metadata of gRPC."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from broker.iam.lint import Finding

LINT: Final = "x-broker-lint"
MAX_FINDINGS: Final = 20
"""That a header names, the worst first; the audit record has them all."""


def lint_header(findings: Iterable[Finding]) -> str:
    """A structured list (RFC 9651 §3.1): `unescaped-dot;level=warning;field="subject_pattern"`.

    Characters of a field's name beyond printable ASCII are percent-encoded.
    """
    return ", ".join(_item(finding) for finding in list(findings)[:MAX_FINDINGS])


def _item(finding: Finding) -> str:
    field = quote(finding.field, safe="/:._-~@ ")[:256]
    return f'{finding.rule.id};level={finding.level.word};field="{field}"'
