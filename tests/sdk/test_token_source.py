"""Tokens that are kept and renewed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from broker.errors import Precondition, Unavailable
from broker.sdk.refusal import Refused
from broker.sdk.token_source import PAUSE, TokenSource
from tests.cli.processes import Installation, installation
from tests.kit.brokers import free_port


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A broker with an identity."""
    with installation(tmp_path_factory.mktemp("installation")) as it:
        yield it


class Workload:
    """A clock that is moved by hand, and a credential that is counted and can fail."""

    def __init__(self, installation: Installation) -> None:
        self.now = datetime.now(UTC)
        self.asked = 0
        self.failure: Exception | None = None
        self.claims: dict[str, str] = {}
        self._installation = installation

    def clock(self) -> datetime:
        return self.now

    def credential(self) -> str:
        self.asked += 1
        if self.failure:
            raise self.failure
        return self._installation.upstream(**self.claims)

    def source(self, issuer: str = "") -> TokenSource:
        it = self._installation
        return TokenSource(
            issuer or it.served.url,
            self.credential,
            identity=it.identity,
            audience=["https://registry.example"],
            clock=self.clock,
        )


@pytest.fixture
def workload(running: Installation) -> Workload:
    """One a test."""
    return Workload(running)


def test_a_token_is_kept_until_it_is_old(workload: Workload) -> None:
    """For three quarters of its life; the next one has the same audience."""
    source = workload.source()
    first = source.token()
    claims = jwt.decode(first, options={"verify_signature": False})
    life = timedelta(seconds=claims["exp"] - claims["iat"])
    assert claims["aud"] == "https://registry.example"
    workload.now += life * 0.74
    assert source.token() == first
    workload.now += life * 0.02
    second = source.token()
    assert second != first
    assert source.token() != first
    assert workload.asked == 2


@pytest.mark.parametrize(
    "failure", [Unavailable("credential_unavailable", "no answer"), None], ids=["it", "the broker"]
)
def test_an_old_token_is_better_than_none(
    running: Installation, workload: Workload, failure: Unavailable | None
) -> None:
    """While the platform or the broker is away it is used to its end, and no further."""
    source = workload.source()
    first = source.token()
    expiry = datetime.fromtimestamp(
        jwt.decode(first, options={"verify_signature": False})["exp"], UTC
    )
    workload.now = expiry - PAUSE * 3
    workload.failure = failure
    if failure is None:
        source._issuer = f"http://127.0.0.1:{free_port()}"
    assert source.token() == first
    asked = workload.asked
    assert source.token() == first
    assert workload.asked == asked, "nobody is asked again at once"
    workload.now += PAUSE
    assert source.token() == first
    assert workload.asked == asked + 1
    workload.now = expiry
    with pytest.raises(Unavailable):
        source.token()


def test_a_refusal_is_told_at_once(workload: Workload) -> None:
    """The identity no longer accepts the workload: an old token would hide that."""
    source = workload.source()
    source.token()
    workload.now += timedelta(minutes=50)
    workload.claims = {"ref": "refs/heads/other"}
    with pytest.raises(Refused) as caught:
        source.token()
    assert caught.value.stage == "identity"


def test_surroundings_without_a_credential_are_told_at_once(workload: Workload) -> None:
    """Waiting does not help there."""
    workload.failure = Precondition("credential_not_found", "nothing")
    source = workload.source()
    with pytest.raises(Precondition):
        source.token()
    workload.failure = None
    assert source.token()


def test_threads_share_one_exchange(workload: Workload) -> None:
    """Many that come at once wait for the first, and get its token."""
    source = workload.source()
    together = threading.Barrier(8)

    def take() -> str:
        together.wait()
        return source.token()

    with ThreadPoolExecutor(8) as pool:
        tokens = {future.result() for future in [pool.submit(take) for _ in range(8)]}
    assert len(tokens) == 1
    assert workload.asked == 1
