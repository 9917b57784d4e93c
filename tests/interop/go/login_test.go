package interop

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"chainguard.dev/sdk/auth"
	"chainguard.dev/sdk/auth/deviceflow"
	"chainguard.dev/sdk/auth/headless"
	"chainguard.dev/sdk/auth/login"
	"chainguard.dev/sdk/auth/token"
	authv1 "chainguard.dev/sdk/proto/platform/auth/v1"
	"chainguard.dev/sdk/sts"
	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"
)

// browser keeps cookies, follows redirects, and presses buttons when it is told to.
func browser(t *testing.T) *http.Client {
	t.Helper()
	return &http.Client{Jar: must(cookiejar.New(nil))(t), Timeout: 20 * time.Second}
}

// visit is the page at which a browser ends up.
func visit(t *testing.T, person *http.Client, at string) (*url.URL, string) {
	t.Helper()
	return read(t, must(person.Get(at))(t))
}

func read(t *testing.T, answer *http.Response) (*url.URL, string) {
	t.Helper()
	defer answer.Body.Close()
	return answer.Request.URL, string(must(io.ReadAll(answer.Body))(t))
}

var (
	form    = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)"[^>]*>(.*?)</form>`)
	refresh = regexp.MustCompile(`<meta http-equiv="refresh" content="0; ?url=([^"]*)"`)
	hidden  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// press sends the form of a page that has this field or button, with this value.
func press(t *testing.T, person *http.Client, at *url.URL, page, name, value string) (*url.URL, string) {
	t.Helper()
	for _, found := range form.FindAllStringSubmatch(page, -1) {
		if !strings.Contains(found[2], `name="`+name+`"`) {
			continue
		}
		fields := url.Values{}
		for _, field := range hidden.FindAllStringSubmatch(found[2], -1) {
			fields.Set(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
		}
		fields.Set(name, value)
		target := must(at.Parse(html.UnescapeString(found[1])))(t)
		body := strings.NewReader(fields.Encode())
		request := must(http.NewRequest(http.MethodPost, target.String(), body))(t)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", at.Scheme+"://"+at.Host)
		place, next := read(t, must(person.Do(request))(t))
		if onward := refresh.FindStringSubmatch(next); onward != nil {
			return visit(t, person, must(place.Parse(html.UnescapeString(onward[1])))(t).String())
		}
		return place, next
	}
	t.Fatalf("no form with %s on %s", name, at)
	return nil, ""
}

// screen is what the SDK writes its messages to: the browser opens the URL in them.
type screen struct{ urls chan string }

func (s screen) Write(text []byte) (int, error) {
	if _, at, found := strings.Cut(string(text), "Please open a browser to "); found {
		s.urls <- strings.TrimSpace(at)
	}
	return len(text), nil
}

// logIn runs the SDK's login, with a person at the browser.
func logIn(t *testing.T, options ...login.Option) (access, refresh string) {
	t.Helper()
	shown := screen{make(chan string, 1)}
	done := make(chan struct{})
	person := browser(t)
	go func() {
		defer close(done)
		if at, open := <-shown.urls; open {
			if answer, err := person.Get(at); err == nil {
				_ = answer.Body.Close()
			}
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	options = append(options,
		login.WithIssuer(setting(t, "BROKER_URL")),
		login.WithSkipBrowser(),
		login.WithMessageWriter(shown),
	)
	access, refresh, err := login.Login(ctx, options...)
	close(shown.urls)
	<-done
	if err != nil {
		t.Fatal(err)
	}
	return access, refresh
}

// isPerson checks that a token is that of the person who is at the provider.
func isPerson(t *testing.T, access string) {
	t.Helper()
	me := must(dial(t, access).auth.Validate(t.Context(), &emptypb.Empty{}))(t)
	equal(t, "subject", me.GetSubject(), setting(t, "BROKER_PERSON"))
}

// A login through an organization's provider ends with the person's token at the loopback server.
func TestLoginThroughAProvider(t *testing.T) {
	access, refresh := logIn(t, login.WithIdentityProvider(setting(t, "BROKER_PROVIDER")))
	isPerson(t, access)
	equal(t, "refresh token", refresh, "")
}

// A verified organization is named instead of its provider, after /orgcheck knows it.
func TestLoginByOrganization(t *testing.T) {
	access, _ := logIn(t, login.WithOrgName(setting(t, "BROKER_ORGANIZATION")))
	isPerson(t, access)
}

// An organization that is not verified is refused before a browser opens.
func TestLoginByUnknownOrganization(t *testing.T) {
	at := login.WithIssuer(setting(t, "BROKER_URL"))
	_, _, err := login.Login(t.Context(), at, login.WithOrgName("nobody.example"), login.WithSkipBrowser())
	if err == nil || !strings.Contains(err.Error(), "not verified") {
		t.Fatalf("got %v", err)
	}
}

// A refresh token says when it ends in the way that the SDK reads.
func TestLoginWithRefreshToken(t *testing.T) {
	provider := login.WithIdentityProvider(setting(t, "BROKER_PROVIDER"))
	access, refresh := logIn(t, provider, login.WithCreateRefreshToken())
	isPerson(t, access)
	if expiry := must(auth.ExtractRefreshExpiry(refresh))(t); !expiry.After(time.Now().Add(time.Hour)) {
		t.Fatalf("the refresh token ends at %v", expiry)
	}
}

// A refresh token gives the next pair, once: who comes with the old one again ends the login.
func TestLoginRefreshed(t *testing.T) {
	at := setting(t, "BROKER_URL")
	provider := login.WithIdentityProvider(setting(t, "BROKER_PROVIDER"))
	_, first := logIn(t, provider, login.WithCreateRefreshToken())
	exchanger := sts.New(at, at)
	access, second, err := exchanger.Refresh(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	isPerson(t, access)
	if second == first || second == "" {
		t.Fatal("the refresh token was not replaced")
	}
	if _, _, err = exchanger.Refresh(t.Context(), first); err == nil {
		t.Fatal("a refresh token was good twice")
	}
	if _, _, err = exchanger.Refresh(t.Context(), second); err == nil {
		t.Fatal("the login goes on after a refresh token came twice")
	}
}

// A device gets an ID token by a code that the person enters, and exchanges it.
func TestLoginOnADevice(t *testing.T) {
	at := setting(t, "BROKER_URL")
	person := browser(t)
	code := regexp.MustCompile("[A-Z]{4}-[A-Z]{4}")
	entered := func(message string) {
		shown := code.FindString(message)
		if shown == "" {
			return
		}
		place, page := visit(t, person, at+"/device?user_code="+shown)
		place, page = press(t, person, place, page, "user_code", shown)
		if strings.Contains(page, `name="organization"`) {
			place, page = press(t, person, place, page, "organization", setting(t, "BROKER_ORGANIZATION"))
		}
		press(t, person, place, page, "decision", "allow")
	}
	getter := deviceflow.NewTokenGetter(at, deviceflow.WithMessagePrinter(entered))
	provider := must(oidc.NewProvider(t.Context(), at))(t)
	config := oauth2.Config{ClientID: "broker-cli", Scopes: []string{"openid", "email"}}
	got := must(getter.GetIDToken(provider, config))(t)
	isPerson(t, must(sts.Exchange(t.Context(), at, at, got.RawString))(t))
}

// A token is for the audience that was asked for.
func TestLoginForAnAudience(t *testing.T) {
	provider := login.WithIdentityProvider(setting(t, "BROKER_PROVIDER"))
	access, _ := logIn(t, provider, login.WithAudience([]string{"https://registry.example"}))
	payload := must(base64.RawURLEncoding.DecodeString(strings.Split(access, ".")[1]))(t)
	var claims struct {
		Audience string `json:"aud"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	equal(t, "aud", claims.Audience, "https://registry.example")
}

// A headless login: the person allows it elsewhere, and the terminal alone can open what it fetches.
func TestLoginHeadless(t *testing.T) {
	key := must(headless.GenerateKeyPair())(t)
	code := headless.NewCode(key.PublicKey())
	at := must(login.BuildHeadlessURL(
		login.WithIssuer(setting(t, "BROKER_URL")),
		login.WithHeadlessCode(string(code)),
		login.WithIdentityProvider(setting(t, "BROKER_PROVIDER")),
	))(t)
	terminal := dial(t, "none").auth
	request := &authv1.GetHeadlessSessionRequest{Code: string(code)}
	_, err := terminal.GetHeadlessSession(t.Context(), request)
	refused(t, err, codes.NotFound)

	person := browser(t)
	place, page := visit(t, person, at)
	press(t, person, place, page, "decision", "allow")
	session := must(terminal.GetHeadlessSession(t.Context(), request))(t)
	isPerson(t, string(must(headless.DecryptIDToken(session, key))(t)))
	_, err = terminal.GetHeadlessSession(t.Context(), request)
	refused(t, err, codes.NotFound)
}

// The command line's cache is the SDK's: tokens that it has kept are found.
func TestLoginOfTheCommandLine(t *testing.T) {
	at := setting(t, "BROKER_URL")
	equal(t, "the token", string(must(token.Load(token.KindAccess, at))(t)), setting(t, "BROKER_CACHED"))
	if life := token.RemainingLife(token.KindAccess, at, time.Minute); life <= 0 {
		t.Fatalf("the token has a life of %v", life)
	}
	path := must(token.Path(token.KindAccess, at))(t)
	equal(t, "the mode of the file", must(os.Stat(path))(t).Mode().Perm(), 0o600)
	if err := token.DeleteAll(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !os.IsNotExist(err) {
		t.Fatalf("the folder is still there: %v", err)
	}
}
