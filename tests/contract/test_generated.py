"""What is generated is what the .proto files say, and they say something of everything."""

from __future__ import annotations

import re
from collections.abc import Iterator

from broker.contract.compile import DESCRIPTIONS, generated, stale
from broker.contract.methods import Contract, descriptions
from tests.contract.facts import OWN, PLATFORM, enums, messages

CONTRACT = Contract.load()


def _names() -> Iterator[str]:
    for method in CONTRACT.methods.values():
        yield method.service
        yield f"{method.service}.{method.name}"
    for message in messages(CONTRACT.file_descriptors, (PLATFORM, OWN)):
        yield message.full_name
        yield from (field.full_name for field in message.fields)
        yield from (oneof.full_name for oneof in message.oneofs)
    for enum in enums(CONTRACT.file_descriptors, (PLATFORM, OWN)):
        yield enum.full_name
        yield from (f"{enum.full_name}.{value.name}" for value in enum.values)
    for file in CONTRACT.file_descriptors:
        if file.package.startswith("chainguard."):
            yield from (extension.full_name for extension in file.extensions_by_name.values())


def test_generated_modules_and_descriptions_are_up_to_date() -> None:
    """Whoever changes a .proto file commits what comes of it."""
    assert list(stale(generated())) == []


def test_a_file_that_differs_or_that_nothing_makes_is_stale() -> None:
    """The check can fail: for an edited file, a missing one and one that is left over."""
    files = dict(generated())
    module = next(path for path in sorted(files) if path.name == "groups_pb2.py")
    files[DESCRIPTIONS] += b" "
    del files[module]
    missing = module.with_name("nothing_pb2.py")
    files[missing] = b""
    assert set(stale(files)) == {DESCRIPTIONS, module, missing}


def test_everything_is_described() -> None:
    """Each service, method, message, field, oneof, enum, value and option; and nothing else."""
    described = descriptions()
    names = set(_names())
    assert sorted(names - set(described)) == []
    assert sorted(set(described) - names) == []


def test_descriptions_are_sentences_of_our_own() -> None:
    """They begin with a capital or with code, end with a full stop, and name no vendor."""
    for name, text in descriptions().items():
        assert text[0].isupper() or text[0] == "`", name
        assert text.endswith("."), name
        assert "hainguard" not in re.sub(r"`[^`]*`", "", text), name
        assert "TODO" not in text, name


def test_methods_carry_their_descriptions() -> None:
    """Those of v2beta1 too."""
    for method in CONTRACT.methods.values():
        assert method.description == descriptions()[f"{method.service}.{method.name}"]
