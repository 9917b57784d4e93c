package interop

import (
	"testing"

	"chainguard.dev/sdk/auth"
	signed "chainguard.dev/sdk/auth/aws"
	"chainguard.dev/sdk/sts"
	"github.com/aws/aws-sdk-go-v2/aws"
)

// A request to AWS STS that the SDK signs is exchanged, over gRPC and over HTTP/1.
func TestSignedAWSRequest(t *testing.T) {
	at, identity := setting(t, "BROKER_URL"), setting(t, "BROKER_AWS_IDENTITY")
	credentials := aws.Credentials{
		AccessKeyID:     setting(t, "AWS_ACCESS_KEY_ID"),
		SecretAccessKey: setting(t, "AWS_SECRET_ACCESS_KEY"),
		SessionToken:    setting(t, "AWS_SESSION_TOKEN"),
	}
	request := must(signed.GenerateToken(t.Context(), credentials, at, identity))(t)
	minted := must(sts.Exchange(t.Context(), at, at, request, sts.WithIdentity(identity)))(t)
	actor := must(auth.ExtractActor(minted))(t)
	equal(t, "act.iss", actor.Issuer, "https://sts.amazonaws.com")
	equal(t, "act.sub", actor.Subject, setting(t, "BROKER_AWS_ARN"))
	downgraded := sts.NewHTTP1DowngradeExchanger(at, at)
	pair := must(downgraded.Exchange(t.Context(), request, sts.WithIdentity(identity)))(t)
	if pair.AccessToken == "" {
		t.Fatal("no token over HTTP/1")
	}
}
