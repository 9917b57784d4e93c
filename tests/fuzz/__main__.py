"""`python -m tests.fuzz TARGET [OPTIONS OF LIBFUZZER]`; the package says more."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.fuzz import aws_request, jwt

TARGETS = {"aws_request": aws_request.one_input, "jwt": jwt.one_input}
CORPUS = Path(__file__).parent / "corpus"
FOUND = Path("var") / "fuzz"


def main(name: str, options: list[str]) -> None:
    """Until it is stopped, or finds what must not be."""
    import atheris

    found = FOUND / name
    found.mkdir(parents=True, exist_ok=True)
    atheris.instrument_all()
    atheris.Setup(
        [
            "fuzz",
            "-max_len=20000",
            f"-artifact_prefix={found}/",
            *options,
            str(found),
            str(CORPUS / name),
        ],
        TARGETS[name],
    )
    atheris.Fuzz()


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: python -m tests.fuzz {'|'.join(TARGETS)} [OPTIONS OF LIBFUZZER]")
    main(sys.argv[1], sys.argv[2:])
