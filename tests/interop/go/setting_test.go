// Package interop drives a running broker with the platform's published Go SDK.
//
// The broker is started by tests/interop/test_go_sdk.py, which says where it is in the environment.
package interop

import (
	"context"
	"net/url"
	"os"
	"testing"

	"chainguard.dev/go-grpc-kit/pkg/options"
	"chainguard.dev/sdk/auth"
	authv1 "chainguard.dev/sdk/proto/platform/auth/v1"
	iam "chainguard.dev/sdk/proto/platform/iam/v1"
	ping "chainguard.dev/sdk/proto/platform/ping/v1"
	"chainguard.dev/sdk/sts"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// setting is one variable of the environment; the test fails without it.
func setting(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set; run these tests through tests/interop/test_go_sdk.py", name)
	}
	return value
}

// clients are the services of the SDK on one connection.
type clients struct {
	iam.Clients
	auth authv1.AuthClient
	ping ping.PingServiceClient
}

// dial connects as the SDK does, with `token` as the bearer of every call.
func dial(t *testing.T, token string) clients {
	t.Helper()
	address, err := url.Parse(setting(t, "BROKER_URL"))
	if err != nil {
		t.Fatal(err)
	}
	target, dialing := options.GRPCOptions(*address)
	credential := auth.NewFromToken(t.Context(), "Bearer "+token, false)
	dialing = append(dialing, grpc.WithPerRPCCredentials(credential))
	connection, err := grpc.NewClient(target, dialing...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return clients{
		Clients: iam.NewClientsFromConnection(connection),
		auth:    authv1.NewAuthClient(connection),
		ping:    ping.NewPingServiceClient(connection),
	}
}

// exchange trades the upstream token for one of `identity`, by gRPC.
func exchange(ctx context.Context, t *testing.T, identity string) (string, error) {
	t.Helper()
	at := setting(t, "BROKER_URL")
	return sts.Exchange(ctx, at, at, setting(t, "BROKER_UPSTREAM_TOKEN"), sts.WithIdentity(identity))
}

// owner is connected as the owner of the organization, after a real exchange.
func owner(t *testing.T) clients {
	t.Helper()
	token, err := exchange(t.Context(), t, setting(t, "BROKER_OWNER"))
	if err != nil {
		t.Fatal(err)
	}
	return dial(t, token)
}

// must gives the answer, or ends the test.
func must[Answer any](answer Answer, err error) func(*testing.T) Answer {
	return func(t *testing.T) Answer {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

// only is the one item of a list.
func only[Item any](t *testing.T, items []Item) Item {
	t.Helper()
	if len(items) != 1 {
		t.Fatalf("got %d items, want 1: %v", len(items), items)
	}
	return items[0]
}

// none checks that a list is empty: what was deleted is not an error to look for.
func none[Item any](t *testing.T, items []Item) {
	t.Helper()
	if len(items) != 0 {
		t.Fatalf("got %d items, want none: %v", len(items), items)
	}
}

// refused checks a gRPC code.
func refused(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Fatalf("got %v (%v), want %v", got, err, want)
	}
}

// equal compares what came back with what was sent.
func equal[Value comparable](t *testing.T, field string, got, want Value) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", field, got, want)
	}
}
