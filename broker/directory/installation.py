"""What holds for the whole installation, and no request changes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from broker.iam.capabilities import CapabilityTable
from broker.iam.model import NO_POLICY, IssuerPolicy
from broker.iam.roles import BuiltinRoles


class OrganizationCreators(Enum):
    """Who may create an organization through the API."""

    EVERYBODY = "everybody"
    """Any identity with a token."""
    PEOPLE = "people"
    """Who has logged in, and operators."""
    OPERATORS = "operators"


class LintMode(Enum):
    """What lint does when an identity is saved."""

    WARN = "warn"
    """What is found is told and written down."""
    REFUSE = "refuse"
    """Errors are refused besides."""
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """The settings of the use cases."""

    capabilities: CapabilityTable
    roles: BuiltinRoles
    organization_creators: OrganizationCreators
    allow_http_loopback: bool
    """Whether http addresses of this machine are in order: a development installation."""
    lint: LintMode = LintMode.WARN
    issuer_policy: IssuerPolicy = NO_POLICY
