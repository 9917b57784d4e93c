"""What the log has of API calls."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.cli.processes import http_call, serving

SECRET: Final = "geheim-geheim-geheim"


def test_the_log_has_the_template(tmp_path: Path) -> None:
    """Not what a caller wrote in the place of a variable, nor a path that there is not."""
    with serving(tmp_path) as served:
        http_call("GET", f"{served.url}/iam/v2/groups/{SECRET}?{SECRET}=x")
        http_call("TRACE", f"{served.url}/iam/v1/groups/{SECRET}")
        http_call("GET", f"{served.url}/{SECRET}")
        served.stop()
        requests = [line for line in served.lines() if line["event"] == "request"]
        assert [(line["path"], line["status"]) for line in requests if line["status"] != 200] == [
            ("/iam/v2/groups/{uid=**}", 400),
            ("/iam/v1/groups/{parent=**}", 405),
            ("(unknown)", 404),
        ]
        assert SECRET not in served.log.read_text()
