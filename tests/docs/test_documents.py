"""The documents against the code."""

from __future__ import annotations

import ast
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from broker.config import CLIENT_VARIABLES, PREFIX, SECRETS, Settings
from broker.directory.declaration import apply_declaration
from broker.error_codes import CATALOGUE
from broker.iam.capabilities import CapabilityTable, encode
from broker.iam.roles import BuiltinRoles
from broker.iam.uidp import Uidp
from broker.store import Store
from tests.docs.documents import ROOT, Block, anchors, blocks, documents, prose, spans
from tests.docs.raised import Raised, raised_in
from tests.kit.node import NODE

NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
PATHS_ARE_TOLD_IN: Final = tuple(
    ROOT / "docs" / name for name in ("exchange.md", "architecture.md", "login.md")
)
PATHS_ARE_IN: Final = {
    "routes": "broker/web/server.py",
    "login_routes": "broker/web/login/paths.py",
}
"""Function → file."""


def test_the_generated_documents_are_current() -> None:
    """configuration.md, errors.md and cli.md say what the code says."""
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_error_code_is_in_the_catalogue_as_it_is_raised() -> None:
    """What is raised has a row with its kind, and every row is raised somewhere."""
    raised, unreadable = raised_in(ROOT / "broker")
    assert not unreadable
    assert raised == {Raised(entry.code, entry.kind) for entry in CATALOGUE.values()}


def test_codes_are_found_where_they_are_raised(tmp_path: Path) -> None:
    """Literals, choices, arguments of functions and classes of errors are read; others are told."""
    (tmp_path / "sample.py").write_text(
        "class Problems(Invalid):\n"
        "    def __init__(self): super().__init__('of_a_class', 'x')\n"
        "def one(): raise Denied('literal', 'x')\n"
        "def two(a): raise Invalid('left' if a else 'right', 'x')\n"
        "def three(text, code): raise Conflict(code, text)\n"
        "def four(): three('x', 'through_a_function')\n"
        "def five(given): raise NotFound(given.code, 'x')\n"
    )
    raised, unreadable = raised_in(tmp_path)
    assert {found.code: found.kind.value for found in raised} == {
        "of_a_class": "invalid",
        "literal": "denied",
        "left": "invalid",
        "right": "invalid",
        "through_a_function": "conflict",
    }
    assert [found.source for found in unreadable] == ["given.code"]


def test_every_setting_is_documented() -> None:
    """Each has its row, with a meaning."""
    text = (ROOT / "docs" / "configuration.md").read_text()
    for name, field in Settings.model_fields.items():
        assert f"| `{PREFIX}{name.upper()}`" in text
        assert field.description


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_variables_that_documents_name_exist(document: Path) -> None:
    """No document speaks of a setting that there is not."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in SECRETS} | CLIENT_VARIABLES.keys()
    named = set(re.findall(rf"\b{PREFIX}[A-Z][A-Z_]*", document.read_text()))
    assert named <= known


def _served(file: Path, function: str) -> Iterator[str]:
    """Paths that stand in the function."""
    tree = ast.parse(file.read_text())
    (routes,) = (
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function
    )
    for node in ast.walk(routes):
        if isinstance(node, ast.Constant) and str(node.value).startswith("/"):
            yield str(node.value)


def test_the_routes_are_the_documented_ones() -> None:
    """Every path is described, and no other is."""
    served = {path for name, file in PATHS_ARE_IN.items() for path in _served(ROOT / file, name)}
    told = {
        span
        for document in PATHS_ARE_TOLD_IN
        for span in spans(document)
        if re.fullmatch(r"/[a-z][a-z/._-]*|/\.[a-z/._-]+", span)
    }
    assert told == served


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """A relative link has a file behind it, and its anchor a heading."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (document.parent / name) if name else document
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked), target


def test_anchors_that_do_not_exist_are_noticed() -> None:
    """The test of links knows headings from other text."""
    found = anchors(ROOT / "docs" / "tokens.md")
    assert "reading-cap" in found
    assert "cap" not in found


def _declarations() -> list[Block]:
    return [b for b in blocks("yaml", "yml") if re.search(r"^organizations:", b.text, re.MULTILINE)]


@pytest.mark.parametrize("block", _declarations(), ids=str)
async def test_declarations_in_documents_can_be_applied(tmp_path: Path, block: Block) -> None:
    """Each is taken by a real database, and changes nothing the second time."""
    capabilities = CapabilityTable.load()
    store = Store.open(f"sqlite:///{tmp_path}/broker.sqlite3")
    try:
        await store.migrate()
        plans = [
            await apply_declaration(
                store,
                block.text.encode(),
                builtin_roles=BuiltinRoles(capabilities),
                capabilities=capabilities,
                clock=lambda: NOW,
                random=secrets.token_bytes,
            )
            for _ in range(2)
        ]
    finally:
        await store.close()
    assert plans[0].changes
    assert not plans[1].changes


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_in_documents_compiles(block: Block) -> None:
    """Each block is a program of its own."""
    compile(block.text, str(block), "exec")


@pytest.mark.parametrize("block", blocks("js"), ids=str)
def test_javascript_in_documents_parses(tmp_path: Path, block: Block) -> None:
    """Each block is a module of its own."""
    module = tmp_path / "block.mjs"
    module.write_text(block.text)
    command = [str(NODE), "--check", str(module)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _marked(language: str, document: str) -> str:
    (block,) = (b for b in blocks(language, among=[ROOT / "docs" / document]) if b.marked)
    return block.text


SETS: Final[tuple[frozenset[int], ...]] = (
    frozenset(),
    frozenset({0}),
    frozenset({3, 10}),
    frozenset({7, 8, 63, 64, 2047}),
)


def test_the_documented_reader_in_python_reads_what_is_written() -> None:
    """It gives the numbers that went in, and walks up to the root."""
    names: dict[str, Any] = {}
    exec(_marked("python", "tokens.md"), names)
    for numbers in SETS:
        assert names["capability_numbers"](_encoded(numbers)) == numbers
    root, folder = "a" * 40, "a" * 40 + "/" + "b" * 16
    assert names["allows"]({root: _encoded({3})}, 3, folder)
    assert not names["allows"]({root: _encoded({3})}, 4, folder)
    assert not names["allows"]({folder: _encoded({3})}, 3, root)


def test_the_documented_reader_in_javascript_reads_what_is_written(tmp_path: Path) -> None:
    """The same for Node."""
    root, folder = "a" * 40, "a" * 40 + "/" + "b" * 16
    module = tmp_path / "reader.mjs"
    module.write_text(
        _marked("js", "tokens.md")
        + "".join(f"console.log([...capabilityNumbers('{_encoded(n)}')].join(','))\n" for n in SETS)
        + f"console.log(allows({{'{root}': '{_encoded({3})}'}}, 3, '{folder}'))\n"
        + f"console.log(allows({{'{root}': '{_encoded({3})}'}}, 4, '{folder}'))\n"
        + f"console.log(allows({{'{folder}': '{_encoded({3})}'}}, 3, '{root}'))\n"
    )
    done = subprocess.run([str(NODE), str(module)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    read = [",".join(map(str, sorted(numbers))) for numbers in SETS]
    assert done.stdout.split("\n")[:-1] == [*read, "true", "false", "false"]


def _encoded(numbers: set[int] | frozenset[int]) -> str:
    return encode(sum(1 << number for number in numbers))


def test_the_documented_set_is_the_one_that_it_is_said_to_be() -> None:
    """`CAQ` is groups.list and roles.list."""
    table = CapabilityTable.load()
    assert encode(table.to_bits(["groups.list", "roles.list"])) == "CAQ"


def test_the_documented_derivation_of_a_person_is_ours() -> None:
    """The snippet of exchange.md gives the UIDP that the broker gives."""
    names: dict[str, Any] = {}
    exec(_marked("python", "exchange.md"), names)
    for issuer, subject in (("https://a.example", "alice"), ("https://a.example/ä", "")):
        assert names["uidp_of_person"](issuer, subject) == Uidp.of_person(issuer, subject)


def _references() -> Iterator[str]:
    yield from re.findall(r"`(tests/[\w/]+\.py::\w+)`", _security_model())


def _security_model() -> str:
    return (ROOT / "docs" / "security-model.md").read_text()


def test_the_tests_of_the_security_model_exist() -> None:
    """Each check names tests that are there."""
    references = set(_references())
    assert len(references) > 60
    for reference in references:
        name, _, function = reference.partition("::")
        assert (ROOT / name).exists(), reference
        assert re.search(rf"^(async )?def {function}\(", (ROOT / name).read_text(), re.MULTILINE), (
            reference
        )


def test_every_check_of_the_security_model_names_a_test() -> None:
    """A row of a table with tests has one."""
    for table in re.findall(r"(?:^\|.*\n)+", _security_model(), re.MULTILINE):
        head, _, *rows = table.splitlines()
        if head.rstrip(" |").endswith("tests"):
            for row in rows:
                assert "::" in row, row


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_documents_name_exist(document: Path) -> None:
    """Code in the text that looks like a path of the repository is one."""
    for span in spans(document):
        if re.fullmatch(r"(broker|tests|docs|deploy|bench)/[\w./-]+", span):
            assert (ROOT / span).exists(), span


def test_make_targets_that_documents_name_exist() -> None:
    """And the README lists all of them."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    for document in documents():
        for span in [*spans(document), *_lines_of(document)]:
            for named in re.findall(r"^(?:\$ )?make ([a-z-]+)$", span):
                assert named in targets, f"{document}: make {named}"
    readme = set(spans(ROOT / "README.md"))
    assert {f"make {target}" for target in targets - {"help"}} <= readme


def _lines_of(document: Path) -> Iterator[str]:
    for block in blocks(among=[document]):
        yield from block.text.splitlines()
