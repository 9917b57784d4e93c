"""Wrong files: every problem, with its line and its field.

In these files a comment `# ! FIELD | TEXT` says that this line has a problem of that field whose
message holds the text; a file's problems are exactly those of its comments.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from random import Random

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from broker.directory.declaration import DeclarationProblems, Problem, parse_declaration
from broker.directory.declaration.document import MAX_BYTES
from broker.directory.declaration.draft import Terms
from broker.directory.declaration.existing import Existing
from broker.directory.declaration.planning import make_plan
from broker.iam.capabilities import CapabilityTable
from broker.iam.roles import BuiltinRoles

CAPABILITIES = CapabilityTable.load()
TERMS = Terms(
    builtin_roles=BuiltinRoles(CAPABILITIES),
    capabilities=CAPABILITIES,
    allow_http_loopback=False,
    prune=False,
    now=datetime(2026, 11, 24, tzinfo=UTC),
    random=Random(1).randbytes,
)
NOTHING = Existing(organizations={}, people={})
EXPECTED = re.compile(r"# ! (\S*) \| (.*)")


def problems_of(source: str | bytes) -> tuple[Problem, ...]:
    """What is wrong with a file where nothing exists yet."""
    octets = source if isinstance(source, bytes) else source.encode()
    try:
        make_plan(parse_declaration(octets), NOTHING, TERMS)
    except DeclarationProblems as error:
        return error.problems
    return ()


def assert_problems(text: str) -> None:
    """The file has the problems of its comments, and no other."""
    expected = [
        (number, match.group(1), match.group(2))
        for number, line in enumerate(text.splitlines(), 1)
        if (match := EXPECTED.search(line))
    ]
    problems = problems_of(text)
    found = [(problem.line, problem.field) for problem in problems]
    assert sorted(found) == sorted((line, name) for line, name, _ in expected), problems
    for line, name, words in expected:
        said = [p.message for p in problems if (p.line, p.field) == (line, name)]
        assert any(words in message for message in said), said


WRONG = {
    "version": """
version: 2                  # ! version | expected 1, this is '2'
organizations: []
""",
    "version quoted": """
version: "1"                # ! version | expected 1
""",
    "version absent": """
organizations: []           # ! version | is required
""",
    "unknown fields, near and far": """
version: 1
organisations: []           # ! organisations | unknown field (did you mean 'organizations'?)
xyzzy: 1                    # ! xyzzy | unknown field
""",
    "a field twice": """
version: 1
organizations: []
organizations: []           # ! organizations | is there twice, first on line 3
""",
    "lists and mappings exchanged": """
version: 1
organizations:
  - acme                    # ! organizations[0] | expected a mapping, this is 'acme'
  - name: acme
    folders: {name: a}      # ! organizations[1].folders | expected a list
    description: [a]        # ! organizations[1].description | expected a text
""",
    "texts that YAML takes for something else": """
version: 1
organizations:
  - name: 42                # ! organizations[0].name | quote it: "42"
    description: 2026-12-01 # ! organizations[0].description | quote it: "2026-12-01"
    roles:
      - name: no            # ! organizations[0].roles[0].name | quote it: "no"
        capabilities: [~]   # ! organizations[0].roles[0].capabilities[0] | has no value
""",
    "claims that are not texts": """
version: 1
organizations:
  - name: acme
    identities:
      - name: ci
        issuer: https://ci.example
        subject: 12345      # ! organizations[0].identities[0].subject | quote it: "12345"
        claims:
          repository_id: 42 # ! organizations[0].identities[0].claims.repository_id | quote it: "42"
          admin: true       # ! organizations[0].identities[0].claims.admin | quote it: "true"
          nested: {a: b}    # ! organizations[0].identities[0].claims.nested | expected a text
          nothing:          # ! organizations[0].identities[0].claims.nothing | has no value
          empty: ""         # ! organizations[0].identities[0].claims.empty | empty text
          7: seven          # ! organizations[0].identities[0].claims | quote it: "7"
""",
    "required fields": """
version: 1
organizations:
  - description: x          # ! organizations[0].name | is required
    owners:
      - issuer: https://a.b # ! organizations[0].owners[0].subject | is required
    roles:
      - name: r             # ! organizations[0].roles[0].capabilities | is required
    bindings:
      - role: viewer        # ! organizations[0].bindings[0].identity | is required
""",
    "names that are there twice": """
version: 1
organizations:
  - name: acme
    folders:
      - name: a
      - name: a             # ! organizations[0].folders[1].name | first on line 6
    roles:
      - {name: r, capabilities: [groups.list]}
      - {name: r, capabilities: [groups.list]} # ! organizations[0].roles[1].name | first on line 9
    identities:
      - {name: i, issuer: "https://a.example", subject: s}
      - {name: i, issuer: "https://a.example", subject: s} # ! organizations[0].identities[1].name | is there twice
  - name: acme              # ! organizations[1].name | first on line 4
""",
    "names that cannot be": r"""
version: 1
organizations:
  - name: "a/b"             # ! organizations[0].name | must not contain '/'
  - name: "a\0b"            # ! organizations[1].name | control
  - name: " a"              # ! organizations[2].name | white space
  - name: "a\u202Eb"        # ! organizations[3].name | formatting
    description: "\x1B[31m" # ! organizations[3].description | control
""",
    "rules of an identity": r"""
version: 1
organizations:
  - name: acme
    identities:
      - name: neither       # ! organizations[0].identities[0].issuer | one of them is required
        subject: s
      - name: both
        issuer: https://ci.example # ! organizations[0].identities[1].issuer | not both
        issuer_pattern: https://.*
        subject: s
      - name: patterns
        issuer_pattern: "("        # ! organizations[0].identities[2].issuer_pattern | RE2
        subject_pattern: "[a"      # ! organizations[0].identities[2].subject_pattern | RE2
        claim_patterns:
          ref: "*"                 # ! organizations[0].identities[2].claim_patterns.ref | RE2
          good: ".*"
          actor: "(?=a)"           # ! organizations[0].identities[2].claim_patterns.actor | RE2
      - name: plain
        issuer: http://ci.example  # ! organizations[0].identities[3].issuer | expected https
        subject: s
        max_token_lifetime: 2h     # ! organizations[0].identities[3].max_token_lifetime | 60 to 3600
      - name: unread
        issuer: https://ci.example
        subject: s
        audiance: x                # ! organizations[0].identities[4].audiance | did you mean 'audience'?
        max_token_lifetime: 1:00   # ! organizations[0].identities[4].max_token_lifetime | expected a duration
        expires_with_upstream: yes # ! organizations[0].identities[4].expires_with_upstream | expected true or false
""",
    "static keys": """
version: 1
organizations:
  - name: acme
    identities:
      - name: a
        subject_pattern: x         # ! organizations[0].identities[0].subject_pattern | does not go with static_keys
        issuer: https://k8s.example
        subject: s
        static_keys:
          issuer_keys: {keys: [{kty: EC, e: 1}]} # ! organizations[0].identities[0].static_keys.issuer_keys | quote it: "1"
          expiration: 2026-12-01   # ! organizations[0].identities[0].static_keys.expiration | with its zone
      - name: b
        issuer: https://k8s.example
        subject: s
        static_keys:
          issuer_keys: '{"keys": [{"kty": "oct", "k": "AA"}]}' # ! organizations[0].identities[1].static_keys.issuer_keys | public keys
          expiration: 2027-12-01T00:00:00Z # ! organizations[0].identities[1].static_keys.expiration | 30 days
      - name: c
        issuer: https://k8s.example
        subject: s
        static_keys: {expiration: "2026-11-25T00:00:00+02:00"} # ! organizations[0].identities[2].static_keys.issuer_keys | is required
""",
    "capabilities": """
version: 1
organizations:
  - name: acme
    roles:
      - name: a
        capabilities:
          - groups.list
          - repo.creat             # ! organizations[0].roles[0].capabilities[1] | did you mean 'repo.create'?
          - groups.list            # ! organizations[0].roles[0].capabilities[2] | listed twice
          - xyzzy                  # ! organizations[0].roles[0].capabilities[3] | does not exist
      - name: b
        capabilities: []           # ! organizations[0].roles[1].capabilities | at least one
      - name: viewer               # ! organizations[0].roles[2].name | built-in
        capabilities: [groups.list]
""",
    "bindings": """
version: 1
organizations:
  - name: acme
    identities:
      - {name: ci, issuer: "https://a.example", subject: s, roles: [viewr]} # ! organizations[0].identities[0].roles[0] | did you mean 'viewer'?
    bindings:
      - identity: ci2              # ! organizations[0].bindings[0].identity | did you mean 'ci'?
        role: viewer
      - identity: ci
        role: deployer             # ! organizations[0].bindings[1].role | there is no role 'deployer'
      - {identity: ci, role: editor}
      - {identity: /ci, role: editor} # ! organizations[0].bindings[3] | first on line 12
      - identity: platform/ci      # ! organizations[0].bindings[4].identity | there is no identity
        role: viewer
      - identity: {issuer: "http://a.example", subject: s} # ! organizations[0].bindings[5].identity.issuer | expected https
        role: viewer
      - identity: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa # ! organizations[0].bindings[6].identity | name the person by issuer and subject
        role: viewer
      - identity: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/0123456789abcdef # ! organizations[0].bindings[7].identity | another organization
        role: viewer
    folders:
      - name: platform
        roles: [{name: local, capabilities: [groups.list]}]
        bindings:
          - {identity: /ci, role: local}
      - name: other
        bindings:
          - {identity: /ci, role: local} # ! organizations[0].folders[1].bindings[0].role | there is no role 'local'
  - name: other
    bindings:
      - identity: acme/ci          # ! organizations[1].bindings[0].identity | there is no identity
        role: viewer
""",
    "owners and people of folders": """
version: 1
organizations:
  - name: acme
    folders:
      - name: a
        owners: []                 # ! organizations[0].folders[0].owners | unknown field
        manage_people: true        # ! organizations[0].folders[0].manage_people | unknown field
""",
    "what an organization is to the installation": """
version: 1
organizations:
  - name: acme.example
    verified: yes                  # ! organizations[0].verified | expected true or false
    kind: custmer                  # ! organizations[0].kind | did you mean 'customer'?
    status: 2                      # ! organizations[0].status | expected initializing, ready, suspended
    resource_limits:
      identitys: 5                 # ! organizations[0].resource_limits.identitys | did you mean 'identities'?
      roles: -1                    # ! organizations[0].resource_limits.roles | 0 to 999999999; this is '-1'
      folders: "3"                 # ! organizations[0].resource_limits.folders | this is '3'
      subscriptions: 0x10          # ! organizations[0].resource_limits.subscriptions | this is '0x10'
      group_invites: 1.5           # ! organizations[0].resource_limits.group_invites | this is '1.5'
      identity_providers: ~        # ! organizations[0].resource_limits.identity_providers | a whole number
      account_associations: 007    # ! organizations[0].resource_limits.account_associations | this is '007'
      role_bindings: 1000000000    # ! organizations[0].resource_limits.role_bindings | this is '1000000000'
  - name: Acme
    verified: true                 # ! organizations[1].verified | is a domain
    resource_limits: 5             # ! organizations[1].resource_limits | expected a mapping
  - name: a/b                      # ! organizations[2].name | must not contain '/'
    verified: true                 # ! organizations[2].verified | is a domain
    resource_limits: ~             # ! organizations[2].resource_limits | expected a mapping, this is '~'
  - name: unspecified.example
    verified: true
    kind: unspecified              # ! organizations[3].kind | expected starter, customer, dev
    status: [ready]                # ! organizations[3].status | this is a list
    folders:
      - name: shop.example
        verified: true             # ! organizations[3].folders[0].verified | unknown field
        kind: dev                  # ! organizations[3].folders[0].kind | unknown field
        status: ready              # ! organizations[3].folders[0].status | unknown field
        resource_limits: {}        # ! organizations[3].folders[0].resource_limits | unknown field
""",
    "anchors, aliases and tags": """
version: 1
organizations: &all                # !  | anchor &all
  - name: acme
    folders: *all                  # !  | alias *all
    roles: !!python/name:os.system # !  | tag
""",
    "two documents": """
version: 1
---                                # !  | a second document
version: 1
""",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_every_problem_is_told_with_its_line_and_its_field(text: str) -> None:
    """All problems of a file are told at once, each at its own line and field."""
    assert_problems(text)


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        (b"", 1, "the file is empty"),
        (b"# only a comment\n", 1, "the file is empty"),
        (b"version: 1\n\torganizations: []\n", 2, "not YAML"),
        (b"version: 1\norganizations: [\n", 3, "not YAML"),
        (b"- version: 1\n", 1, "expected a mapping, this is a list"),
        (b"just words", 1, "expected a mapping, this is 'just words'"),
        (b"version: 1\nname: \xff\n", 2, "not UTF-8"),
        (b"version: 1\nname: \x07\n", 2, "U+0007"),
        (b'version: 1\nname: "\\ud800"\n', 2, "not YAML"),
        (b"a: *b", 1, "alias *b"),
        (b"#" * (MAX_BYTES + 1), 1, "larger than 1048576 bytes"),
        (b"a: " + b"[" * 10_000, 1, "nested deeper than 150 levels"),
        (b"a: " + b"{a: " * 10_000, 1, "nested deeper than 150 levels"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_cannot_be_read_at_all_is_one_problem(source: bytes, line: int, words: str) -> None:
    """A file that is not YAML within the bounds is refused with the place and the reason."""
    (problem,) = problems_of(source)
    assert problem.line == line
    assert words in problem.message


def test_a_file_with_only_a_version_declares_nothing() -> None:
    """`version: 1` alone is a declaration without organizations, with or without a BOM."""
    assert problems_of(b"version: 1") == ()
    assert problems_of(b"\xef\xbb\xbfversion: 1\norganizations:\n") == ()


def test_an_alias_bomb_costs_no_more_than_its_size() -> None:
    """Nested aliases are refused before anything is expanded."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    problems = problems_of("\n".join(lines))
    assert len(problems) == 30 + 29 * 10
    assert all("anchor" in p.message or "alias" in p.message for p in problems)


def test_the_message_lists_fifty_problems_and_counts_the_others() -> None:
    """A file with a thousand problems does not fill the terminal; the exception has them all."""
    text = "version: 1\n" + "".join(f"x{n}: 1\n" for n in range(1000))
    with pytest.raises(DeclarationProblems) as caught:
        make_plan(parse_declaration(text.encode()), NOTHING, TERMS)
    assert len(caught.value.problems) == 1000
    assert len(caught.value.message.splitlines()) == 52
    assert caught.value.message.endswith("and 950 more")
    assert caught.value.code == "declaration_invalid"


def test_folders_end_where_uidps_end() -> None:
    """56 levels of folders leave room for their records; a 57th is refused at its line."""

    def nested(levels: int) -> str:
        text = "{name: leaf, identities: [{name: i, issuer: 'https://a.example', subject: s}]}"
        for level in range(levels - 1):
            text = f"{{name: f{level}, folders: [{text}]}}"
        return f"version: 1\norganizations:\n  - name: acme\n    folders: [{text}]\n"

    assert problems_of(nested(56)) == ()
    (problem,) = problems_of(nested(57))
    assert problem.line == 4
    assert "56 levels" in problem.message


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_any_bytes_are_read_or_refused(source: bytes) -> None:
    """No input makes reading fail in any other way than with problems."""
    problems_of(source)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = st.sampled_from(
    [
        "version",
        "organizations",
        "name",
        "description",
        "owners",
        "manage_people",
        "verified",
        "resource_limits",
        "kind",
        "status",
        "roles",
        "identities",
        "bindings",
        "folders",
        "issuer",
        "subject",
        "subject_pattern",
        "claims",
        "claim_patterns",
        "static_keys",
        "issuer_keys",
        "keys",
        "expiration",
        "audiences",
        "identity",
        "role",
        "capabilities",
        "max_token_lifetime",
        "expires_with_upstream",
        "single_use",
    ]
)
SHAPES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | SCALARS, inner, max_size=6),
    max_leaves=25,
)


@given(
    st.fixed_dictionaries({"version": st.just(1), "organizations": st.lists(SHAPES, max_size=3)})
)
def test_any_document_is_planned_or_refused(document: object) -> None:
    """No shape of known fields makes planning fail in any other way than with problems."""
    problems_of(yaml.safe_dump(document, allow_unicode=True))
