package interop

import (
	"strings"
	"testing"
	"time"

	iam "chainguard.dev/sdk/proto/platform/iam/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// create tries to make an identity at the organization's folder.
func create(t *testing.T, identity *iam.Identity) (*iam.Identity, error) {
	t.Helper()
	request := &iam.CreateIdentityRequest{ParentId: setting(t, "BROKER_GROUP"), Identity: identity}
	return owner(t).Identities().Create(t.Context(), request)
}

// Static keys that are not a JWK set are refused: docs/compatibility.md says so.
func TestKeysThatAreNoKeySet(t *testing.T) {
	_, err := create(t, &iam.Identity{Name: "static", Relationship: &iam.Identity_Static{
		Static: &iam.Identity_StaticKeys{
			Issuer: "https://one.example.com", Subject: "robot", IssuerKeys: "keys",
			Expiration: timestamppb.New(time.Now().Add(time.Hour)),
		},
	}})
	refused(t, err, codes.InvalidArgument)
}

// An exact ARN may be any text; it then matches no caller of AWS.
func TestARNThatIsNone(t *testing.T) {
	made := must(create(t, &iam.Identity{Name: "aws", Relationship: &iam.Identity_AwsIdentity{
		AwsIdentity: &iam.Identity_AWSIdentity{
			AwsAccount: "123456789012",
			AwsArn:     &iam.Identity_AWSIdentity_Arn{Arn: "bar"},
			AwsUserId:  &iam.Identity_AWSIdentity_UserId{UserId: "foo"},
		},
	}}))(t)
	equal(t, "arn", made.GetAwsIdentity().GetArn(), "bar")
}

// A refused exchange does not name the claim that differed: docs/compatibility.md says so.
func TestRefusalNamesNoClaim(t *testing.T) {
	identity := must(create(t, claimMatch("closed", &iam.Identity_ClaimMatch{
		Iss:    &iam.Identity_ClaimMatch_Issuer{Issuer: setting(t, "BROKER_UPSTREAM_ISSUER")},
		Sub:    &iam.Identity_ClaimMatch_Subject{Subject: setting(t, "BROKER_UPSTREAM_SUBJECT")},
		Claims: map[string]string{"claim_custom": "another"},
	})))(t)
	_, err := exchange(t.Context(), t, identity.GetId())
	refused(t, err, codes.PermissionDenied)
	if strings.Contains(err.Error(), "claim_custom") {
		t.Errorf("the refusal names the claim: %v", err)
	}
}
