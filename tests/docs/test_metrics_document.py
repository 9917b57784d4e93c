"""The document of metrics, the dashboard and the alerts speak of what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import yaml

from tests.kit.brokers import free_port, running_broker

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs/operations/metrics.md"
ALERTS = ROOT / "deploy/monitoring/alerts.yaml"
DASHBOARD = ROOT / "deploy/monitoring/grafana-dashboard.json"

_ROW = re.compile(r"^\| `(broker_[a-z_]+)` \| (\w+) \|(.*?)\| (.*) \|$", re.MULTILINE)
_USED = re.compile(r"\bbroker_[a-z_]+\b")


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[str]:
    """What a broker answers at `/metrics`."""
    port = free_port()
    async with (
        running_broker(tmp_path, BROKER_ADMIN_PORT=str(port)),
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as response,
    ):
        yield await response.text()


def families(told: str) -> dict[str, tuple[str, str]]:
    """Name as it is asked for → type and help."""
    kinds = dict(re.findall(r"^# TYPE (broker_\S+) (\w+)$", told, re.MULTILINE))
    helps = dict(re.findall(r"^# HELP (broker_\S+) (.*)$", told, re.MULTILINE))
    return {name: (kind, helps[name]) for name, kind in kinds.items()}


async def test_the_document_lists_every_metric_as_it_is_told(told: str) -> None:
    """Name, type and help, and none that is not there."""
    rows = {name: (kind, text) for name, kind, _, text in _ROW.findall(DOCUMENT.read_text())}
    assert rows == families(told)


async def test_dashboard_and_alerts_ask_for_metrics_that_there_are(told: str) -> None:
    """And every metric is on the dashboard."""
    known = families(told)
    names = {re.sub(r"_(bucket|sum|count)$", "", name) for name in _expressions()}
    assert names <= known.keys()
    on_dashboard = {re.sub(r"_(bucket|sum|count)$", "", n) for n in _used(DASHBOARD.read_text())}
    assert known.keys() - on_dashboard == set()


def test_every_alert_is_explained() -> None:
    """By name, in the document, with what to do."""
    rules = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]
    alerts = {rule["alert"] for rule in rules}
    assert alerts == set(re.findall(r"^\| `(Broker\w+)` \|", DOCUMENT.read_text(), re.MULTILINE))
    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] for rule in rules)


def test_the_rules_are_sound() -> None:
    """By Prometheus' own tool."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool comes with Debian's package prometheus, which CI installs")
    done = subprocess.run([promtool, "check", "rules", ALERTS], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def _expressions() -> set[str]:
    rules = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]
    return _used(" ".join(rule["expr"] for rule in rules)) | _used(DASHBOARD.read_text())


def _used(text: str) -> set[str]:
    if text.startswith("{"):
        panels = json.loads(text)["panels"]
        text = " ".join(t["expr"] for panel in panels for t in panel.get("targets", ()))
    return set(_USED.findall(text))
