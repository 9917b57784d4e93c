"""Writes what is generated from the .proto files: `python -m broker.contract.compile [--check]`.

For every `X.proto` its `X_pb2.py` and `X_pb2.pyi` beside it, and `proto/descriptions.json` with
the comments. All of it is committed, so that only who changes the contract needs protoc (the
development dependency grpcio-tools). With `--check` nothing is written; the exit status is 1 when
a file on disk differs from what would be.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click
import google.api.annotations_pb2
import grpc_tools
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

from broker.contract.comments import descriptions_in

CHECKOUT: Final = Path(__file__).resolve().parents[2]
"""The .proto files import each other, and the modules are imported, by their path from here."""

PROTO: Final = Path("broker/contract/proto")
DESCRIPTIONS: Final = PROTO / "descriptions.json"

_INCLUDES: Final = (
    CHECKOUT,
    Path(grpc_tools.__file__).parent / "_proto",  # google/protobuf
    Path(google.api.annotations_pb2.__file__).parents[2],  # google/api
)


def generated() -> Mapping[Path, bytes]:
    """Every generated file: path from the checkout's root → content. Raises `SyntaxError`."""
    sources = sorted(
        str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / PROTO).rglob("*.proto")
    )
    with TemporaryDirectory() as scratch:
        out = Path(scratch)
        image = out / "image.binpb"
        status = protoc.main(
            [
                "protoc",
                *(f"--proto_path={path}" for path in _INCLUDES),
                f"--python_out={out}",
                f"--pyi_out={out}",
                f"--descriptor_set_out={image}",
                "--include_source_info",
                *sources,
            ]
        )
        if status != 0:
            raise SyntaxError("protoc refused the .proto files; its own words are above")
        files = {path.relative_to(out): path.read_bytes() for path in out.rglob("*_pb2.py*")}
        described = descriptions_in(FileDescriptorSet.FromString(image.read_bytes()))
    text = json.dumps(dict(sorted(described.items())), indent=1, ensure_ascii=False)
    files[DESCRIPTIONS] = f"{text}\n".encode()
    return files


def stale(files: Mapping[Path, bytes]) -> Iterator[Path]:
    """The files on disk that are not as `files` has them, or that nothing generates any more."""
    on_disk = {path.relative_to(CHECKOUT) for path in (CHECKOUT / PROTO).rglob("*_pb2.py*")}
    for path in sorted(on_disk | set(files)):
        target = CHECKOUT / path
        if not target.exists() or target.read_bytes() != files.get(path):
            yield path


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when a file is stale.")
def main(check: bool) -> None:
    """Write the modules and descriptions that are generated from the .proto files."""
    files = generated()
    for path in stale(files):
        click.echo(f"stale: {path}" if check else str(path))
        if check:
            continue
        if path in files:
            (CHECKOUT / path).write_bytes(files[path])
        else:
            (CHECKOUT / path).unlink()
    if check and any(stale(files)):
        sys.exit(1)


if __name__ == "__main__":
    main()
