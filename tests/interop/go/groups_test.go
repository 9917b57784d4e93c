package interop

import (
	"regexp"
	"testing"
	"time"

	common "chainguard.dev/sdk/proto/platform/common/v1"
	iam "chainguard.dev/sdk/proto/platform/iam/v1"
	"chainguard.dev/sdk/sts"
	"chainguard.dev/sdk/uidp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
)

// folder makes a group below the organization for one test.
func folder(t *testing.T, as clients) string {
	t.Helper()
	parent := setting(t, "BROKER_GROUP")
	name := "folder-" + string(uidp.NewSUID())
	request := &iam.CreateGroupRequest{Parent: parent, Group: &iam.Group{Name: name}}
	return must(as.Groups().Create(t.Context(), request))(t).GetId()
}

// builtin is the role of the installation that has this name.
func builtin(t *testing.T, as clients, name string) *iam.Role {
	t.Helper()
	roles := must(as.Roles().List(t.Context(), &iam.RoleFilter{Name: name, Parent: "/"}))(t)
	return only(t, roles.GetItems())
}

// A folder is made, read by all filters at once and by id alone, renamed, deleted and gone.
func TestGroup(t *testing.T) {
	as, parent := owner(t), setting(t, "BROKER_GROUP")
	request := &iam.CreateGroupRequest{
		Parent: parent,
		Group:  &iam.Group{Name: "first", Description: "one"},
	}
	made := must(as.Groups().Create(t.Context(), request))(t)
	if !regexp.MustCompile("^" + parent + "/[a-z0-9]{16}$").MatchString(made.GetId()) {
		t.Fatalf("id: got %q", made.GetId())
	}
	filter := &iam.GroupFilter{
		Id: made.GetId(), Name: "first", Uidp: &common.UIDPFilter{ChildrenOf: parent},
	}
	read := only(t, must(as.Groups().List(t.Context(), filter))(t).GetItems())
	equal(t, "description", read.GetDescription(), "one")

	change := &iam.Group{Id: made.GetId(), Name: "second", Description: "two"}
	equal(t, "name", must(as.Groups().Update(t.Context(), change))(t).GetName(), "second")
	none(t, must(as.Groups().List(t.Context(), filter))(t).GetItems())
	byID := &iam.GroupFilter{Id: made.GetId()}
	equal(t, "name", only(t, must(as.Groups().List(t.Context(), byID))(t).GetItems()).GetName(), "second")

	must(as.Groups().Delete(t.Context(), &iam.DeleteGroupRequest{Id: made.GetId()}))(t)
	none(t, must(as.Groups().List(t.Context(), byID))(t).GetItems())
}

// Whoever makes a root group sees it with the token of their next exchange.
func TestRootGroup(t *testing.T) {
	at, upstream := setting(t, "BROKER_URL"), setting(t, "BROKER_PERSON_TOKEN")
	first := dial(t, must(sts.Exchange(t.Context(), at, at, upstream))(t))
	name := "org-" + string(uidp.NewSUID())
	request := &iam.CreateGroupRequest{Group: &iam.Group{Name: name}}
	made := must(first.Groups().Create(t.Context(), request))(t)
	if !uidp.InRoot(made.GetId()) || !uidp.Valid(made.GetId()) {
		t.Fatalf("id: got %q", made.GetId())
	}
	next := dial(t, must(sts.Exchange(t.Context(), at, at, upstream))(t))
	filter := &iam.GroupFilter{Id: made.GetId()}
	equal(t, "name", only(t, must(next.Groups().List(t.Context(), filter))(t).GetItems()).GetName(), name)
	must(next.Groups().Delete(t.Context(), &iam.DeleteGroupRequest{Id: made.GetId()}))(t)
}

// What does not exist cannot be deleted, with an error.
func TestDeleteOfNothing(t *testing.T) {
	as := owner(t)
	id := setting(t, "BROKER_GROUP") + "/" + string(uidp.NewSUID())
	_, err := as.Groups().Delete(t.Context(), &iam.DeleteGroupRequest{Id: id})
	refused(t, err, codes.NotFound)
}

// A custom role's capabilities come back as a set, before and after a change.
func TestRole(t *testing.T) {
	as, parent := owner(t), setting(t, "BROKER_GROUP")
	request := &iam.CreateRoleRequest{
		ParentId: parent,
		Role:     &iam.Role{Name: "lister", Capabilities: []string{"groups.list"}},
	}
	made := must(as.Roles().Create(t.Context(), request))(t)
	equal(t, "parent", uidp.Parent(made.GetId()), parent)
	change := &iam.Role{
		Id: made.GetId(), Name: "reader", Description: "reads",
		Capabilities: []string{"roles.list", "groups.list"},
	}
	must(as.Roles().Update(t.Context(), change))(t)
	filter := &iam.RoleFilter{Id: made.GetId()}
	read := only(t, must(as.Roles().List(t.Context(), filter))(t).GetItems())
	equal(t, "name", read.GetName(), "reader")
	equal(t, "capabilities", len(read.GetCapabilities()), 2)
	must(as.Roles().Delete(t.Context(), &iam.DeleteRoleRequest{Id: made.GetId()}))(t)
	none(t, must(as.Roles().List(t.Context(), filter))(t).GetItems())
}

// A parent of "/" narrows roles to those of the installation, which are described.
func TestBuiltinRole(t *testing.T) {
	viewer := builtin(t, owner(t), "viewer")
	if !uidp.InRoot(viewer.GetId()) || !uidp.Valid(viewer.GetId()) || viewer.GetDescription() == "" {
		t.Fatalf("got %v", viewer)
	}
}

// A listed binding embeds its group and role, and an update without the group changes the role.
func TestRoleBinding(t *testing.T) {
	as := owner(t)
	group := folder(t, as)
	identity := must(as.Identities().Create(t.Context(), &iam.CreateIdentityRequest{
		ParentId: setting(t, "BROKER_GROUP"), Identity: literal("bound", "https://issuer.example.com", "s"),
	}))(t).GetId()
	viewer, editor := builtin(t, as, "viewer").GetId(), builtin(t, as, "editor").GetId()
	made := must(as.RoleBindings().Create(t.Context(), &iam.CreateRoleBindingRequest{
		Parent: group, RoleBinding: &iam.RoleBinding{Identity: identity, Role: viewer},
	}))(t)
	change := &iam.RoleBinding{Id: made.GetId(), Identity: identity, Role: editor}
	equal(t, "role", must(as.RoleBindings().Update(t.Context(), change))(t).GetRole(), editor)
	filter := &iam.RoleBindingFilter{Id: made.GetId()}
	read := only(t, must(as.RoleBindings().List(t.Context(), filter))(t).GetItems())
	equal(t, "group.id", read.GetGroup().GetId(), group)
	equal(t, "role.id", read.GetRole().GetId(), editor)
	equal(t, "identity", read.GetIdentity(), identity)
	must(as.RoleBindings().Delete(t.Context(), &iam.DeleteRoleBindingRequest{Id: made.GetId()}))(t)
	none(t, must(as.RoleBindings().List(t.Context(), filter))(t).GetItems())
}

// An invite has an id below its group and a code, which the list no longer shows.
func TestGroupInvite(t *testing.T) {
	as, group := owner(t), setting(t, "BROKER_GROUP")
	request := &iam.GroupInviteRequest{
		Group: group, Role: builtin(t, as, "viewer").GetId(), Ttl: durationpb.New(3 * time.Hour),
	}
	made := must(as.GroupInvites().Create(t.Context(), request))(t)
	equal(t, "parent", uidp.Parent(made.GetId()), group)
	if made.GetCode() == "" {
		t.Error("the invite has no code")
	}
	filter := &iam.GroupInviteFilter{Id: made.GetId()}
	only(t, must(as.GroupInvites().List(t.Context(), filter))(t).GetItems())
	must(as.GroupInvites().Delete(t.Context(), &iam.DeleteGroupInviteRequest{Id: made.GetId()}))(t)
	none(t, must(as.GroupInvites().List(t.Context(), filter))(t).GetItems())
}
