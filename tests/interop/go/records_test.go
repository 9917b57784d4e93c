package interop

import (
	"testing"

	events "chainguard.dev/sdk/proto/platform/events/v1"
	iam "chainguard.dev/sdk/proto/platform/iam/v1"
	"chainguard.dev/sdk/uidp"
)

// An identity provider keeps its default role and the order of its scopes.
func TestIdentityProvider(t *testing.T) {
	as, parent := owner(t), setting(t, "BROKER_GROUP")
	provider := func(name, issuer string, scopes ...string) *iam.IdentityProvider {
		return &iam.IdentityProvider{
			Name: name, DefaultRole: builtin(t, as, "viewer").GetId(),
			Configuration: &iam.IdentityProvider_Oidc{Oidc: &iam.IdentityProvider_OIDC{
				Issuer: issuer, ClientId: "client", ClientSecret: name, AdditionalScopes: scopes,
			}},
		}
	}
	request := &iam.CreateIdentityProviderRequest{
		ParentId: parent, IdentityProvider: provider("one", "https://one.example.com", "foo", "bar"),
	}
	id := must(as.IdentityProviders().Create(t.Context(), request))(t).GetId()
	change := provider("two", "https://two.example.com", "email", "bar")
	change.Id = id
	must(as.IdentityProviders().Update(t.Context(), change))(t)
	filter := &iam.IdentityProviderFilter{Id: id}
	read := only(t, must(as.IdentityProviders().List(t.Context(), filter))(t).GetItems())
	equal(t, "name", read.GetName(), "two")
	equal(t, "issuer", read.GetOidc().GetIssuer(), "https://two.example.com")
	equal(t, "default_role", read.GetDefaultRole(), change.GetDefaultRole())
	if scopes := read.GetOidc().GetAdditionalScopes(); len(scopes) != 2 || scopes[0] != "email" {
		t.Errorf("additional_scopes: got %v", scopes)
	}
	must(as.IdentityProviders().Delete(t.Context(), &iam.DeleteIdentityProviderRequest{Id: id}))(t)
	none(t, must(as.IdentityProviders().List(t.Context(), filter))(t).GetItems())
}

// A provider that an update leaves out is no longer associated with the group.
func TestAccountAssociations(t *testing.T) {
	as := owner(t)
	group := folder(t, as)
	amazon := &iam.AccountAssociations{
		Group: group, Name: "example", Amazon: &iam.AccountAssociations_Amazon{Account: "123456789012"},
	}
	equal(t, "group", must(as.AccountAssociations().Create(t.Context(), amazon))(t).GetGroup(), group)
	google := &iam.AccountAssociations{
		Group: group, Name: "example",
		Google: &iam.AccountAssociations_Google{ProjectId: "project", ProjectNumber: "1234567890"},
	}
	must(as.AccountAssociations().Update(t.Context(), google))(t)
	filter := &iam.AccountAssociationsFilter{Group: group}
	read := only(t, must(as.AccountAssociations().List(t.Context(), filter))(t).GetItems())
	if read.GetAmazon() != nil {
		t.Errorf("amazon: got %v, want none", read.GetAmazon())
	}
	equal(t, "google.project_id", read.GetGoogle().GetProjectId(), "project")
	must(as.AccountAssociations().Delete(t.Context(), &iam.DeleteAccountAssociationsRequest{Group: group}))(t)
	none(t, must(as.AccountAssociations().List(t.Context(), filter))(t).GetItems())
}

// A subscription is made, read and deleted.
func TestSubscription(t *testing.T) {
	as, parent := owner(t), setting(t, "BROKER_GROUP")
	sink := "https://events.example.com/callback"
	request := &events.CreateSubscriptionRequest{
		ParentId: parent, Subscription: &events.Subscription{Sink: sink},
	}
	made := must(as.Subscriptions().Create(t.Context(), request))(t)
	equal(t, "parent", uidp.Parent(made.GetId()), parent)
	filter := &events.SubscriptionFilter{Id: made.GetId()}
	equal(t, "sink", only(t, must(as.Subscriptions().List(t.Context(), filter))(t).GetItems()).GetSink(), sink)
	must(as.Subscriptions().Delete(t.Context(), &events.DeleteSubscriptionRequest{Id: made.GetId()}))(t)
	none(t, must(as.Subscriptions().List(t.Context(), filter))(t).GetItems())
}
