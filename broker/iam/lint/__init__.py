"""What is risky or odd about an identity's rules, although they are valid.

Pure, as all of `broker.iam`: takes records and a moment, gives findings. Questions about patterns
are worked out (`automaton`) and every example that a finding shows was confirmed by RE2; the work
for one identity is bounded, since callers write the patterns.
"""

from __future__ import annotations

from broker.iam.lint.findings import RULES, Finding, Level, Rule, at_least
from broker.iam.lint.identity import lint_identity, lint_rules

__all__ = ["RULES", "Finding", "Level", "Rule", "at_least", "lint_identity", "lint_rules"]
