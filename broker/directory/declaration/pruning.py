"""What an organization has and its declaration does not: what `--prune` deletes.

Never the organization itself, never its last owner. Bindings of people go only when the
declaration says `manage_people`, or together with the folder or the role that they are of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from broker.directory.declaration.bindings import Bound, bound, described, is_owner
from broker.directory.declaration.declared import DeclaredGroup
from broker.directory.declaration.draft import Draft
from broker.directory.declaration.existing import Tree
from broker.directory.declaration.names import Names
from broker.directory.declaration.plan import Action, Change, RecordKind
from broker.directory.description import fields_of
from broker.iam.model import Group, Identity, Role, RoleBinding


def prune(
    declared: DeclaredGroup, tree: Tree, names: Names, wanted: Collection[Bound], draft: Draft
) -> None:
    """Note the deletions: bindings first, then what they refer to, the deepest folder first."""
    records: list[tuple[RecordKind, Group | Role | Identity]] = [
        *((RecordKind.IDENTITY, identity) for identity in tree.identities),
        *((RecordKind.ROLE, role) for role in tree.roles),
        *(
            (RecordKind.FOLDER, folder)
            for folder in sorted(tree.folders, key=lambda each: each.id.depth, reverse=True)
        ),
    ]
    removed = [(kind, record) for kind, record in records if record.id not in draft.kept]
    gone = {record.id for _, record in removed}
    bindings = [
        binding
        for binding in tree.bindings
        if bound(binding) not in wanted
        and (
            not gone.isdisjoint(bound(binding))
            or not binding.identity.is_root
            or declared.manage_people
        )
    ]
    _keep_an_owner(declared, tree, bindings, wanted, draft)
    draft.changes += [_unbinding(binding, names, draft) for binding in bindings]
    draft.changes += [_deletion(kind, record, names) for kind, record in removed]


def _keep_an_owner(
    declared: DeclaredGroup,
    tree: Tree,
    going: list[RoleBinding],
    wanted: Iterable[Bound],
    draft: Draft,
) -> None:
    owner = (tree.organization.id, draft.terms.builtin_roles.owner.id)
    gone = {each.id for each in going}
    staying = {bound(each) for each in tree.bindings if each.id not in gone}.union(wanted)
    if any(is_owner(each, draft) for each in going) and not any(
        (group, role) == owner for group, _, role in staying
    ):
        message = "pruning would remove the last owner; list one who stays"
        draft.problems.append(declared.where.problem("owners", message))


def _unbinding(binding: RoleBinding, names: Names, draft: Draft) -> Change:
    kind, path, identity, role = described(binding, names, draft)
    return Change(
        action=Action.DELETE,
        kind=kind,
        path=path,
        id=binding.id,
        fields={"identity": (identity, None), "role": (role, None)},
        line=None,
        record=binding,
    )


def _deletion(kind: RecordKind, record: Group | Role | Identity, names: Names) -> Change:
    return Change(
        action=Action.DELETE,
        kind=kind,
        path=names.path(record.id),
        id=record.id,
        fields={name: (value, None) for name, value in fields_of(record).items()},
        line=None,
        record=record,
    )
