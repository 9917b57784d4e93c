package interop

import (
	"testing"
	"time"

	iam "chainguard.dev/sdk/proto/platform/iam/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// claimMatch is an identity by rules about claims.
func claimMatch(name string, rules *iam.Identity_ClaimMatch) *iam.Identity {
	return &iam.Identity{Name: name, Relationship: &iam.Identity_ClaimMatch_{ClaimMatch: rules}}
}

// literal is an identity by an exact issuer and subject.
func literal(name, issuer, subject string) *iam.Identity {
	return claimMatch(name, &iam.Identity_ClaimMatch{
		Iss: &iam.Identity_ClaimMatch_Issuer{Issuer: issuer},
		Sub: &iam.Identity_ClaimMatch_Subject{Subject: subject},
	})
}

// lives makes an identity, changes it, and deletes it: each time it is listed as it was sent.
func lives(t *testing.T, first, second *iam.Identity) {
	t.Helper()
	as := owner(t)
	request := &iam.CreateIdentityRequest{ParentId: setting(t, "BROKER_GROUP"), Identity: first}
	id := must(as.Identities().Create(t.Context(), request))(t).GetId()
	filter := &iam.IdentityFilter{Id: id}
	check := func(sent *iam.Identity) {
		t.Helper()
		read := only(t, must(as.Identities().List(t.Context(), filter))(t).GetItems())
		got := &iam.Identity{Name: read.Name, Description: read.Description, Relationship: read.Relationship}
		want := &iam.Identity{Name: sent.Name, Description: sent.Description, Relationship: sent.Relationship}
		if !proto.Equal(got, want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
	}
	check(first)
	second.Id = id
	must(as.Identities().Update(t.Context(), second))(t)
	check(second)
	must(as.Identities().Delete(t.Context(), &iam.DeleteIdentityRequest{Id: id}))(t)
	none(t, must(as.Identities().List(t.Context(), filter))(t).GetItems())
}

// Patterns, exact claims and claim patterns come back byte for byte.
func TestClaimMatchIdentity(t *testing.T) {
	rules := func(claims, patterns map[string]string) *iam.Identity_ClaimMatch {
		return &iam.Identity_ClaimMatch{
			Iss:           &iam.Identity_ClaimMatch_IssuerPattern{IssuerPattern: `^https://accounts\.example\.com$`},
			Sub:           &iam.Identity_ClaimMatch_SubjectPattern{SubjectPattern: `^robot@example\.com$`},
			Aud:           &iam.Identity_ClaimMatch_AudiencePattern{AudiencePattern: "^something$"},
			Claims:        claims,
			ClaimPatterns: patterns,
		}
	}
	lives(t,
		claimMatch("bill", rules(map[string]string{"email": "a@example.com"}, map[string]string{"email": ".*@example.com"})),
		claimMatch("bill", rules(map[string]string{"email": "b@example.com", "group": "security"}, map[string]string{"group": "^security$"})),
	)
}

// A literal rule turns into patterns in one update.
func TestLiteralIdentity(t *testing.T) {
	lives(t,
		literal("bill", "https://accounts.example.com", "robot"),
		claimMatch("ted", &iam.Identity_ClaimMatch{
			Iss: &iam.Identity_ClaimMatch_IssuerPattern{IssuerPattern: "^https://accounts[.]example[.]com$"},
			Sub: &iam.Identity_ClaimMatch_SubjectPattern{SubjectPattern: "^robot$"},
		}),
	)
}

// Two identities of one group may have the same name, issuer and subject.
func TestTwinIdentities(t *testing.T) {
	as := owner(t)
	for range 2 {
		must(as.Identities().Create(t.Context(), &iam.CreateIdentityRequest{
			ParentId: setting(t, "BROKER_GROUP"), Identity: literal("twin", "https://accounts.example.com", "twin"),
		}))(t)
	}
}

// Static keys keep their key set as text and their expiration to the second.
func TestStaticIdentity(t *testing.T) {
	static := func(issuer string, life time.Duration) *iam.Identity {
		return &iam.Identity{Name: "static", Relationship: &iam.Identity_Static{Static: &iam.Identity_StaticKeys{
			Issuer: issuer, Subject: "robot", IssuerKeys: setting(t, "BROKER_KEYS"),
			Expiration: timestamppb.New(time.Now().Add(life).Truncate(time.Second)),
		}}}
	}
	lives(t, static("https://one.example.com", 3*time.Hour), static("https://two.example.com", 4*time.Hour))
}

// An AWS rule turns from exact values into patterns in one update.
func TestAWSIdentity(t *testing.T) {
	aws := func(rules *iam.Identity_AWSIdentity) *iam.Identity {
		rules.AwsAccount = "123456789012"
		return &iam.Identity{Name: "aws", Relationship: &iam.Identity_AwsIdentity{AwsIdentity: rules}}
	}
	lives(t,
		aws(&iam.Identity_AWSIdentity{
			AwsArn:    &iam.Identity_AWSIdentity_Arn{Arn: "arn:aws:sts::123456789012:assumed-role/ci/session"},
			AwsUserId: &iam.Identity_AWSIdentity_UserId{UserId: "AROAEXAMPLE:session"},
		}),
		aws(&iam.Identity_AWSIdentity{
			AwsArn:    &iam.Identity_AWSIdentity_ArnPattern{ArnPattern: "arn:aws:sts::123456789012:assumed-role/ci/.*"},
			AwsUserId: &iam.Identity_AWSIdentity_UserIdPattern{UserIdPattern: "AROAEXAMPLE:.*"},
		}),
	)
}

// A service principal keeps its service when it is renamed.
func TestServicePrincipal(t *testing.T) {
	service := func(name string) *iam.Identity {
		return &iam.Identity{Name: name, Relationship: &iam.Identity_ServicePrincipal{
			ServicePrincipal: iam.ServicePrincipal_INGESTER,
		}}
	}
	lives(t, service("bill"), service("ted"))
}

// A token that fits the rules acts where its identity is bound and nowhere else; another is refused.
func TestIdentityUsage(t *testing.T) {
	as := owner(t)
	group := folder(t, as)
	rules := func(value string) *iam.Identity {
		return claimMatch("used", &iam.Identity_ClaimMatch{
			Iss:    &iam.Identity_ClaimMatch_Issuer{Issuer: setting(t, "BROKER_UPSTREAM_ISSUER")},
			Sub:    &iam.Identity_ClaimMatch_Subject{Subject: setting(t, "BROKER_UPSTREAM_SUBJECT")},
			Claims: map[string]string{"claim_custom": value},
		})
	}
	request := &iam.CreateIdentityRequest{ParentId: group, Identity: rules("expected")}
	identity := must(as.Identities().Create(t.Context(), request))(t).GetId()
	must(as.RoleBindings().Create(t.Context(), &iam.CreateRoleBindingRequest{
		Parent: group, RoleBinding: &iam.RoleBinding{Identity: identity, Role: builtin(t, as, "owner").GetId()},
	}))(t)
	assumed := dial(t, must(exchange(t.Context(), t, identity))(t))
	seen := only(t, must(assumed.Groups().List(t.Context(), &iam.GroupFilter{}))(t).GetItems())
	equal(t, "the group in sight", seen.GetId(), group)

	change := rules("another")
	change.Id = identity
	must(as.Identities().Update(t.Context(), change))(t)
	_, err := exchange(t.Context(), t, identity)
	refused(t, err, codes.PermissionDenied)
}

// A lookup finds by exact issuer and subject, and says NOT_FOUND otherwise.
func TestLookupOfNobody(t *testing.T) {
	_, err := owner(t).Identities().Lookup(t.Context(), &iam.LookupRequest{
		Issuer: "https://nobody.example.com", Subject: "nobody",
	})
	refused(t, err, codes.NotFound)
}
