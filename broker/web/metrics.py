"""`GET /metrics`: what the process has counted, as Prometheus reads it.

Components keep plain numbers (`broker.measures`), so that counting costs next to nothing; they are
turned into Prometheus' form here, when somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from broker.measures import Durations, Tally
from broker.web.rendering import NO_STORE, document_response

PREFIX = "broker_"


@dataclass(frozen=True, slots=True)
class Counted:
    """A tally, under the name `broker_NAME_total`."""

    name: str
    help: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Timed:
    """Durations, under the name `broker_NAME_seconds`."""

    name: str
    help: str
    durations: Durations


@dataclass(frozen=True, slots=True)
class Gauged:
    """What is so when it is asked for, under the name `broker_NAME`."""

    name: str
    help: str
    read: Callable[[], Iterable[tuple[tuple[str, ...], float]]]
    """Values of the labels → number."""
    labels: tuple[str, ...] = ()


Source = Counted | Timed | Gauged


class Metrics:
    """The handler."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self.sources = tuple(sources)
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Sources(self.sources))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    async def __call__(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """Everything."""
        del request, request_id
        headers = {**NO_STORE, "Content-Type": CONTENT_TYPE_LATEST}
        return document_response(generate_latest(self._registry), headers=headers)


class _Sources(Collector):
    def __init__(self, sources: tuple[Source, ...]) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """Prometheus asks; each source as it is now."""
        for source in self._sources:
            match source:
                case Counted():
                    yield _counter(source)
                case Timed():
                    yield _histogram(source)
                case Gauged():
                    yield _gauge(source)


def _counter(source: Counted) -> Metric:
    tally = source.tally
    family = CounterMetricFamily(PREFIX + source.name, source.help, labels=tally.labels)
    for values, count in tuple(tally.counts.items()):
        family.add_metric(values, count)
    return family


def _histogram(source: Timed) -> Metric:
    durations = source.durations
    name = f"{PREFIX}{source.name}_seconds"
    family = HistogramMetricFamily(name, source.help, labels=durations.labels)
    for values, counts in tuple(durations.buckets.items()):
        total = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip((*durations.bounds, None), counts, strict=True):
            total += count
            buckets.append(("+Inf" if bound is None else repr(bound), total))
        family.add_metric(values, buckets, sum_value=durations.sums[values])
    return family


def _gauge(source: Gauged) -> Metric:
    family = GaugeMetricFamily(PREFIX + source.name, source.help, labels=source.labels)
    for values, number in source.read():
        family.add_metric(values, number)
    return family
