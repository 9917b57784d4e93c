package interop

import (
	"slices"
	"testing"
	"time"

	"chainguard.dev/sdk/auth"
	"chainguard.dev/sdk/auth/token"
	iam "chainguard.dev/sdk/proto/platform/iam/v1"
	ping "chainguard.dev/sdk/proto/platform/ping/v1"
	"chainguard.dev/sdk/sts"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"
)

// The exchange over gRPC gives a token whose subject is the identity.
func TestExchange(t *testing.T) {
	identity := setting(t, "BROKER_OWNER")
	minted := must(exchange(t.Context(), t, identity))(t)
	issuer, subject, err := auth.ExtractIssuerAndSubject(minted)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "iss", issuer, setting(t, "BROKER_URL"))
	equal(t, "sub", subject, identity)
	actor := must(auth.ExtractActor(minted))(t)
	equal(t, "act.iss", actor.Issuer, setting(t, "BROKER_UPSTREAM_ISSUER"))
}

// The SDK's way around HTTP/2 works too.
func TestExchangeOverHTTP1(t *testing.T) {
	at := setting(t, "BROKER_URL")
	exchanger := sts.NewHTTP1DowngradeExchanger(at, at)
	identity := sts.WithIdentity(setting(t, "BROKER_OWNER"))
	pair := must(exchanger.Exchange(t.Context(), setting(t, "BROKER_UPSTREAM_TOKEN"), identity))(t)
	if pair.AccessToken == "" || !pair.Expiry.After(time.Now()) {
		t.Fatalf("got an expiry of %v and a token of %d characters", pair.Expiry, len(pair.AccessToken))
	}
}

// A cached token is read back with the life that its exp gives it.
func TestTokenCache(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	minted := must(exchange(t.Context(), t, setting(t, "BROKER_OWNER")))(t)
	at := setting(t, "BROKER_URL")
	if err := token.Save([]byte(minted), token.KindAccess, at); err != nil {
		t.Fatal(err)
	}
	equal(t, "the cached token", string(must(token.Load(token.KindAccess, at))(t)), minted)
	if life := token.RemainingLife(token.KindAccess, at, time.Minute); life <= 0 {
		t.Fatalf("a fresh token has a life of %v", life)
	}
}

// Whoami names the identity and where it holds what.
func TestWhoAmI(t *testing.T) {
	me := must(owner(t).auth.Validate(t.Context(), &emptypb.Empty{}))(t)
	equal(t, "subject", me.GetSubject(), setting(t, "BROKER_OWNER"))
	equal(t, "issuer", me.GetIssuer(), setting(t, "BROKER_URL"))
	if !slices.Contains(me.GetAudience(), setting(t, "BROKER_URL")) {
		t.Errorf("audience: got %v", me.GetAudience())
	}
}

// Ping needs no token, and a listing with a bad one is UNAUTHENTICATED.
func TestWithoutValidToken(t *testing.T) {
	stranger := dial(t, "not-a-token")
	if _, err := stranger.ping.Ping(t.Context(), &ping.PingRequest{}); err != nil {
		t.Errorf("ping: %v", err)
	}
	_, err := stranger.Groups().List(t.Context(), &iam.GroupFilter{})
	refused(t, err, codes.Unauthenticated)
}
