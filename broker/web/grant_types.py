"""The grant types of `/token`: three ways to hand over the same upstream token.

They differ in where the token stands, in what `scope` may hold, and in the word of RFC 6749 for a
token that is not acceptable. Behind them is one exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from broker.error_codes import CATALOGUE
from broker.errors import BrokerError, Invalid, Stage
from broker.iam.uidp import Uidp
from broker.oauth import assertions as rfc7523
from broker.oauth import error_codes as oauth
from broker.oauth import token_exchange as rfc8693
from broker.web.parameters import Parameters, check_names, single
from broker.web.parameters import uidps as parse_uidps

_COMMON: Final = frozenset(
    {
        "grant_type",
        "audience",
        "resource",
        "scope",
        "client_id",
        "client_secret",
        "identity",
        "capabilities",
    }
)
_POST: Final = "UE9TV"
"""How a signed AWS request begins: `POST` in base64."""

_ABOUT_THE_TOKEN: Final = frozenset(Stage) - {Stage.REQUEST, Stage.SCOPE, Stage.MINT}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `scope` asks for."""

    groups: tuple[Uidp, ...]
    audience: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantType:
    """How one of them is spelled."""

    name: str
    """The value of `grant_type`."""
    dialect: str
    """In the audit record."""
    token: str
    """The parameter with the upstream token."""
    parameters: frozenset[str]
    """Those that the others do not have."""
    unsupported: frozenset[str] = frozenset()
    not_acceptable: str
    """The `error` when the upstream token is not acceptable."""
    names_a_client: bool = False
    """Whether it is for clients alone; otherwise, without a name, the person is meant."""
    check: Callable[[Parameters], None]
    """Refuses what its own parameters may not hold."""
    wanted: Callable[[str], Wanted]
    """Reads `scope`."""

    def upstream_token(self, parameters: Parameters) -> str:
        """The token, unchecked. Raises `Invalid` for parameters that are not right."""
        check_names(
            parameters,
            _COMMON | self.parameters,
            rfc8693.REPEATABLE,
            unsupported=self.unsupported,
        )
        self.check(parameters)
        return required(parameters, self.token)

    def error(self, refusal: BrokerError) -> str:
        """The `error` that stands for a refusal: RFC 8693 §2.2.2, RFC 7521 §4.1.1 and §4.2.1."""
        code = CATALOGUE[refusal.code].oauth
        if code == oauth.INVALID_REQUEST and refusal.stage in _ABOUT_THE_TOKEN:
            return self.not_acceptable
        return code


def required(parameters: Parameters, name: str) -> str:
    """The value of a parameter. Raises `Invalid` without one."""
    value = single(parameters, name)
    if not value:
        raise Invalid("parameter_missing", f"{name}: required", stage=Stage.REQUEST, field=name)
    return value


def grant_type(parameters: Parameters, *, also: Sequence[str] = ()) -> GrantType:
    """Which one is asked for. Raises `Invalid` for none and for others; `also`: what the endpoint
    takes besides.
    """
    name = single(parameters, "grant_type")
    if name not in GRANT_TYPES:
        raise Invalid(
            "grant_type_unsupported" if name else "parameter_missing",
            f"grant_type: expected {', '.join([*GRANT_TYPES, *also])}",
            stage=Stage.REQUEST,
            field="grant_type",
        )
    return GRANT_TYPES[name]


def _check_exchange(parameters: Parameters) -> None:
    """Token types, and that the subject token is of the type that is said, as its form tells."""
    subject = required(parameters, "subject_token_type")
    _check_type("subject_token_type", subject, rfc8693.SUBJECT_TOKEN_TYPES)
    if requested := single(parameters, "requested_token_type"):
        _check_type("requested_token_type", requested, rfc8693.REQUESTED_TOKEN_TYPES)
    token = single(parameters, "subject_token")
    said_aws = subject == rfc8693.AWS4_REQUEST
    if ("." in token and said_aws) or (_is_aws(token) and not said_aws):
        raise _mismatch("subject_token_type: the subject token is of another type")


def _check_assertion(parameters: Parameters) -> None:
    if _is_aws(single(parameters, "assertion")):
        raise _mismatch("assertion: expected a JWT")


def _check_client_assertion(parameters: Parameters) -> None:
    said = required(parameters, "client_assertion_type")
    _check_type("client_assertion_type", said, {rfc7523.JWT_CLIENT_ASSERTION})
    if _is_aws(single(parameters, "client_assertion")):
        raise _mismatch("client_assertion: expected a JWT")


def _check_type(name: str, value: str, accepted: set[str] | frozenset[str]) -> None:
    if value not in accepted:
        raise Invalid(
            "token_type_unsupported",
            f"{name}: expected {' or '.join(sorted(accepted))}",
            stage=Stage.REQUEST,
            field=name,
        )


def _is_aws(token: str) -> bool:
    return token.startswith(_POST) and "." not in token


def _mismatch(message: str) -> Invalid:
    field = message.partition(":")[0]
    return Invalid("token_type_mismatch", message, stage=Stage.REQUEST, field=field)


def _groups(scope: str) -> Wanted:
    return Wanted(parse_uidps(scope.split(), "scope"))


def _groups_and_resources(scope: str) -> Wanted:
    """A scope `RESOURCE/.default` is the audience RESOURCE with all that the client holds."""
    words = scope.split()
    resources = [w.removesuffix(rfc7523.DEFAULT_SCOPE) for w in words if _is_resource(w)]
    groups = parse_uidps([word for word in words if not _is_resource(word)], "scope")
    return Wanted(groups, tuple(resources))


def _is_resource(word: str) -> bool:
    return word.endswith(rfc7523.DEFAULT_SCOPE) and word != rfc7523.DEFAULT_SCOPE


TOKEN_EXCHANGE: Final = GrantType(
    name=rfc8693.GRANT_TYPE,
    dialect="oauth",
    token="subject_token",  # noqa: S106 - the name of a parameter
    parameters=frozenset({"subject_token", "subject_token_type", "requested_token_type"}),
    unsupported=frozenset({"actor_token", "actor_token_type"}),
    not_acceptable=oauth.INVALID_REQUEST,
    check=_check_exchange,
    wanted=_groups,
)
_JWT_BEARER: Final = GrantType(
    name=rfc7523.JWT_BEARER,
    dialect="jwt-bearer",
    token="assertion",  # noqa: S106 - the name of a parameter
    parameters=frozenset({"assertion"}),
    not_acceptable=oauth.INVALID_GRANT,
    check=_check_assertion,
    wanted=_groups,
)
_CLIENT_CREDENTIALS: Final = GrantType(
    name=rfc7523.CLIENT_CREDENTIALS,
    dialect="client-credentials",
    token="client_assertion",  # noqa: S106 - the name of a parameter
    parameters=frozenset({"client_assertion", "client_assertion_type"}),
    unsupported=frozenset({"claims"}),
    not_acceptable=oauth.INVALID_CLIENT,
    names_a_client=True,
    check=_check_client_assertion,
    wanted=_groups_and_resources,
)
GRANT_TYPES: Final[Mapping[str, GrantType]] = {
    grant.name: grant for grant in (TOKEN_EXCHANGE, _JWT_BEARER, _CLIENT_CREDENTIALS)
}
"""By the value of `grant_type`."""
