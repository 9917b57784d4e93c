"""What addresses are one, when it comes to limits."""

from __future__ import annotations

import pytest

from broker.errors import Exhausted, Invalid, Unavailable
from broker.grants.limits import ExchangeLimits
from broker.state.rates import Rate, RateLimiter


def limits() -> ExchangeLimits:
    """One refusal a day."""
    return ExchangeLimits(address=RateLimiter(Rate(1, 86_400), clock=lambda: 0.0))


def stopped(limited: ExchangeLimits, address: str) -> bool:
    try:
        limited.admit(address)
    except Exhausted:
        return True
    return False


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("", "", False),
    ],
)
def test_addresses_of_one_holder(one: str, other: str, are_one: bool) -> None:
    """An IPv6 network of 64 bits is one; of an address that nobody knows, nobody is stopped."""
    limited = limits()
    limited.note_refusal(one, Invalid("parameter_missing", "x"))
    assert stopped(limited, other) is are_one


def test_what_is_not_the_callers_fault_is_not_counted() -> None:
    """An outage, and a limit of an identity."""
    limited = limits()
    limited.note_refusal("192.0.2.1", Unavailable("store_unavailable", "x"))
    limited.note_refusal("192.0.2.1", Exhausted("rate_limited", "x"))
    assert not stopped(limited, "192.0.2.1")
