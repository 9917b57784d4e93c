"""`make faults`: each scenario breaks something under load. One line each; lost and wrong are 0."""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Final

import uvloop

from faults import connections, flood, issuers, processes, stores
from faults.report import Report, heading
from faults.servers import Missing

Scenario = Callable[[Path], Coroutine[object, object, Report]]

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "database": stores.database_restarts,
    "redis": stores.redis_restarts,
    "disk": stores.disk_full,
    "issuer-outage": issuers.issuer_outage,
    "slow-issuer": issuers.slow_issuer,
    "worker-killed": processes.worker_killed,
    "clock": processes.clock_jumps,
    "idle": connections.idle,
    "slow-loris": connections.slow_loris,
    "flood": flood.flood,
    "flood-limited": flood.flood_with_limit,
}


def main() -> int:
    """Run what was named, or all; 1 when something was lost, wrong or not as expected."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SCENARIOS)}")
    names = parser.parse_args().names or list(SCENARIOS)
    if unknown := [name for name in names if name not in SCENARIOS]:
        parser.error(f"no such scenario: {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    print(heading(), flush=True)
    passed = [_run(name) for name in names]
    return 0 if all(passed) else 1


def _run(name: str) -> bool:
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        try:
            report = uvloop.run(SCENARIOS[name](Path(folder)))
        except Missing as missing:
            print(f"{name:<18} skipped, for want of {missing}", flush=True)
            return True
        except Exception:  # noqa: BLE001 - told here; the other scenarios tell what they can
            print(f"{name:<18} FAILED", flush=True)
            traceback.print_exc()
            return False
    print("\n".join(report.lines()), flush=True)
    return report.passed


if __name__ == "__main__":
    sys.exit(main())
