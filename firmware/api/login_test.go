package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

func TestTheFirstPasswordIsMadeOnce(t *testing.T) {
	b := newBench(t)
	if b.first == "" {
		t.Fatal("no first password was made")
	}
	again, err := New(t.Context(), Options{Box: b.box, Accounts: b.accounts, Log: b.server.log, cost: cheap()})
	if err != nil {
		t.Fatal(err)
	}
	if got := again.FirstPassword(); got != "" {
		t.Errorf("the next start made another one: %q", got)
	}
	for name, value := range b.accounts.values {
		if strings.Contains(string(value), b.first) {
			t.Errorf("%s holds the password itself", name)
		}
	}
}

func TestNoPasswordIsTheSameOnTwoBoxes(t *testing.T) {
	if a, b := newBench(t), newBench(t); a.first == b.first {
		t.Error("two boxes have the same first password")
	}
}

func TestTheFirstPasswordMustBeChangedBeforeAnythingElse(t *testing.T) {
	b := newBench(t)
	c := b.logIn(b.first)
	if s := body[Session](t, b.get("/api/v1/session", c)); !s.LoggedIn || !s.MustChangePassword {
		t.Errorf("session %+v", s)
	}
	eachOperation(t, func(method, path string, w who) {
		if w == anybody || w == loggedIn {
			return
		}
		want := MustChange
		if w == localOnly {
			want = LocalOnly
		}
		wantProblem(t, b.do(b.request(method, path, plausible(method, path), c)), want)
	})
	wantProblem(t, b.post("/api/v1/password", PasswordRequest{Current: b.first, New: b.first}, c), PasswordNotNew)
	wantProblem(t, b.post("/api/v1/password", PasswordRequest{Current: b.first, New: "short"}, c), PasswordTooShort)
	wantProblem(t, b.post("/api/v1/password", PasswordRequest{Current: "wrong", New: goodPassword}, c), WrongPassword)
	wantProblem(t, b.get("/api/v1/overview", c), MustChange)

	res := b.post("/api/v1/password", PasswordRequest{Current: b.first, New: goodPassword}, c)
	if s := body[Session](t, res); !s.LoggedIn || s.MustChangePassword {
		t.Errorf("session %+v", s)
	}
	body[Overview](t, b.get("/api/v1/overview", cookieOf(t, res)))
}

func TestWithoutASessionNothingIsServedButTheLogIn(t *testing.T) {
	b, _ := newOwnedBench(t)
	forged := &http.Cookie{Name: cookieName, Value: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
	n := 0
	eachOperation(t, func(method, path string, w who) {
		if w == anybody {
			return
		}
		n++
		want := NotLoggedIn
		if w == localOnly {
			want = LocalOnly
		}
		wantProblem(t, b.do(b.request(method, path, plausible(method, path))), want)
		wantProblem(t, b.do(b.request(method, path, plausible(method, path), forged)), want)
	})
	if n < 9 {
		t.Errorf("only %d operations were tried", n)
	}
	if s := body[Session](t, b.get("/api/v1/session", forged)); s.LoggedIn || s.User != "" || s.Expires != nil {
		t.Errorf("session %+v", s)
	}
}

// eachOperation calls f for every operation the document describes.
func eachOperation(t *testing.T, f func(method, path string, w who)) {
	t.Helper()
	a := newAPI(http.NewServeMux(), &Server{})
	for path, item := range a.OpenAPI().Paths {
		if item.Get != nil {
			f(http.MethodGet, path, item.Get.Metadata[whoKey].(who))
		}
		if item.Post != nil {
			f(http.MethodPost, path, item.Post.Metadata[whoKey].(who))
		}
		if item.Delete != nil {
			f(http.MethodDelete, path, item.Delete.Metadata[whoKey].(who))
		}
		if item.Put != nil || item.Patch != nil {
			t.Errorf("%s has a method this test does not try", path)
		}
	}
}

// plausible is a request body that its operation would take.
func plausible(method, path string) any {
	if method != http.MethodPost {
		return nil
	}
	return map[string]any{
		"/api/v1/password":           PasswordRequest{Current: "x", New: "y"},
		"/api/v1/policy":             ImportRequest{Document: "version: 1"},
		"/api/v1/bans":               BanRequest{Source: "203.0.113.7"},
		"/api/v1/bans/lift":          LiftRequest{Source: "203.0.113.7"},
		"/api/v1/fraud/release":      ReleaseRequest{Kind: "caller", Of: "12"},
		"/api/v1/rates":              RatesRequest{Text: "prefix;minute\n+49;0.02\n"},
		"/api/v1/credentials/rotate": RotateRequest{ID: "pbx"},
		"/api/v1/credentials/cancel": CancelRequest{ID: "pbx"},
		"/api/v1/policy/confirm":     ConfirmRequest{Revision: 1},
		"/api/v1/blocklist":          BlockListRequest{Text: "203.0.113.7"},
		"/api/v1/stick":              StickDecision{Yes: true},
		"/api/v1/stick/export":       StickExport{Log: true},

		"/api/v1/calls/try":       TryRequest{Number: "0123456789"},
		"/api/v1/policy/rehearse": RehearseRequest{Document: "version: 1"},

		"/api/v1/emergencies/acknowledge": AcknowledgeRequest{Call: "c1"},
		"/api/v1/session":                 LoginRequest{User: "admin", Password: "x"},
		"/api/v1/password/reset":          "",
		"/api/v1/update":                  "an update",
		"/api/v1/restart":                 "",
		"/api/v1/crashes/dismiss":         "",
	}[path]
}

func TestTheFirstPasswordCannotComeBack(t *testing.T) {
	b, c := newOwnedBench(t)
	wantProblem(t, b.post("/api/v1/password", PasswordRequest{Current: goodPassword, New: b.first}, c), PasswordNotNew)
	wantProblem(t, b.post("/api/v1/password", PasswordRequest{Current: goodPassword, New: goodPassword}, c), PasswordNotNew)
	wantProblem(t, b.post("/api/v1/session", LoginRequest{User: "admin", Password: b.first}), WrongPassword)
}

func TestAWrongUserAndAWrongPasswordLookTheSame(t *testing.T) {
	b, _ := newOwnedBench(t)
	password := wantProblem(t, b.post("/api/v1/session", LoginRequest{User: "admin", Password: "wrong"}), WrongPassword)
	user := wantProblem(t, b.post("/api/v1/session", LoginRequest{User: "root", Password: goodPassword}), WrongPassword)
	if password.Detail != user.Detail || password.Remedy != user.Remedy {
		t.Errorf("%+v and %+v", password, user)
	}
	// A wrong user's password is hashed too, so that the time tells nothing: a hash that cannot be read stops both.
	if err := b.accounts.Put(accountKind, adminUser, []byte(`{"user":"admin","hash":"damaged"}`)); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, b.post("/api/v1/session", LoginRequest{User: "root", Password: "wrong"}), Failed)
}

func TestTheCookieIsOutOfReachOfScriptsOtherSitesAndPlainHTTP(t *testing.T) {
	b, c := newOwnedBench(t)
	for name, got := range map[string]*http.Cookie{"after a change": c, "after a log-in": b.logIn(goodPassword)} {
		if !strings.HasPrefix(got.Name, "__Host-") || !got.Secure || !got.HttpOnly || got.SameSite != http.SameSiteStrictMode || got.Path != "/" || got.Domain != "" {
			t.Errorf("%s: %v", name, got)
		}
		if got.MaxAge != 0 || !got.Expires.IsZero() {
			t.Errorf("%s: the cookie survives the browser: %v", name, got)
		}
	}
}

func TestALogInRegeneratesTheSession(t *testing.T) {
	b, _ := newOwnedBench(t)
	planted := &http.Cookie{Name: cookieName, Value: "planted"}
	c := b.logIn(goodPassword, planted)
	if c.Value == planted.Value {
		t.Fatal("the planted session was taken over")
	}
	wantProblem(t, b.get("/api/v1/overview", planted), NotLoggedIn)

	second := b.logIn(goodPassword, c)
	if second.Value == c.Value {
		t.Error("the session before the log-in goes on")
	}
	wantProblem(t, b.get("/api/v1/overview", c), NotLoggedIn)
	body[Overview](t, b.get("/api/v1/overview", second))
}

func TestALogOutEndsTheSessionAndTakesTheCookieAway(t *testing.T) {
	b, c := newOwnedBench(t)
	other := b.logIn(goodPassword)
	res := b.do(b.request(http.MethodDelete, "/api/v1/session", nil, c))
	if res.Code != http.StatusNoContent {
		t.Fatalf("status %d %s", res.Code, res.Body)
	}
	if gone := cookieOf(t, res); gone.MaxAge >= 0 || gone.Value != "" || !gone.Secure || gone.Path != "/" {
		t.Errorf("cookie %v", gone)
	}
	wantProblem(t, b.get("/api/v1/overview", c), NotLoggedIn)
	body[Overview](t, b.get("/api/v1/overview", other))
}

func TestANewPasswordLogsEverybodyElseOut(t *testing.T) {
	b, c := newOwnedBench(t)
	other := b.logIn(goodPassword)
	res := b.post("/api/v1/password", PasswordRequest{Current: goodPassword, New: "another four words in a row"}, c)
	body[Session](t, res)
	wantProblem(t, b.get("/api/v1/overview", other), NotLoggedIn)
	wantProblem(t, b.get("/api/v1/overview", c), NotLoggedIn)
	body[Overview](t, b.get("/api/v1/overview", cookieOf(t, res)))
	wantProblem(t, b.post("/api/v1/session", LoginRequest{User: "admin", Password: goodPassword}), WrongPassword)
}

func TestGuessingIsSlowedDownButLocksNeitherSessionsNorTheSocket(t *testing.T) {
	b, c := newOwnedBench(t)
	guess := func() *httptest.ResponseRecorder {
		return b.post("/api/v1/session", LoginRequest{User: "admin", Password: "guess"})
	}
	for range freeAttempts {
		wantProblem(t, guess(), WrongPassword)
	}
	res := guess()
	wantProblem(t, res, TooManyAttempts)
	if n, err := strconv.Atoi(res.Header().Get("Retry-After")); err != nil || n < 1 {
		t.Errorf("Retry-After %q", res.Header().Get("Retry-After"))
	}
	right := LoginRequest{User: "admin", Password: goodPassword}
	wantProblem(t, b.post("/api/v1/session", right), TooManyAttempts)

	neighbour := func(r *http.Request) { r.RemoteAddr = "192.0.2.11:40000" }
	body[Session](t, b.post("/api/v1/session", right, neighbour))
	body[Overview](t, b.get("/api/v1/overview", c))
	if res := b.local(http.MethodGet, "/api/v1/overview", nil); res.Code != http.StatusOK {
		t.Errorf("the socket is locked: %d %s", res.Code, res.Body)
	}
}

func TestGuessesAtTheSameMomentDoNotSlipThrough(t *testing.T) {
	b, _ := newOwnedBench(t)
	answers := make(chan int, 20)
	for range cap(answers) {
		go func() {
			answers <- b.post("/api/v1/session", LoginRequest{User: "admin", Password: "guess"}).Code
		}()
	}
	tried := 0
	for range cap(answers) {
		if <-answers == http.StatusUnauthorized {
			tried++
		}
	}
	if tried > freeAttempts {
		t.Errorf("%d passwords were tried at once", tried)
	}
}

func TestTheConsoleMakesANewFirstPassword(t *testing.T) {
	b, c := newOwnedBench(t)
	made := body[NewPassword](t, b.local(http.MethodPost, "/api/v1/password/reset", nil))
	if made.User != "admin" || made.Password == "" || made.Password == b.first {
		t.Fatalf("made %+v", made)
	}
	wantProblem(t, b.get("/api/v1/overview", c), NotLoggedIn)
	wantProblem(t, b.post("/api/v1/session", LoginRequest{User: "admin", Password: goodPassword}), WrongPassword)
	again := b.logIn(made.Password)
	wantProblem(t, b.get("/api/v1/overview", again), MustChange)
	wantProblem(t, b.post("/api/v1/password", PasswordRequest{Current: made.Password, New: made.Password}, again), PasswordNotNew)
}

func TestTheSocketNeedsNoLogIn(t *testing.T) {
	b := newBench(t)
	eachOperation(t, func(method, path string, w who) {
		switch path {
		case "/api/v1/events", "/api/v1/session", "/api/v1/password", "/api/v1/authority", "/api/v1/authority.pem":
			return // tried elsewhere
		}
		b.box.change(func(o *Overview) { o.Revision = Revision{Number: 1, State: "proposed"} })
		if res := b.local(method, path, plausible(method, path)); res.Code >= 300 {
			t.Errorf("%s %s: %d %s", method, path, res.Code, res.Body)
		}
	})
	wantProblem(t, b.local(http.MethodPost, "/api/v1/session", LoginRequest{User: "admin", Password: b.first}), NotNow)
	wantProblem(t, b.local(http.MethodPost, "/api/v1/password", PasswordRequest{Current: b.first, New: goodPassword}), NotNow)
}

func TestADamagedAccountLetsNobodyInAndSaysWhatToDo(t *testing.T) {
	for name, record := range map[string]string{
		"no JSON":       "\x00\x01",
		"no hash":       `{"user":"admin","hash":"","must_change":false}`,
		"a plain hash":  `{"user":"admin","hash":"four words in a row"}`,
		"another shape": `["admin"]`,
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := newOwnedBench(t)
			if err := b.accounts.Put(accountKind, adminUser, []byte(record)); err != nil {
				t.Fatal(err)
			}
			for _, password := range []string{goodPassword, ""} {
				p := wantProblem(t, b.post("/api/v1/session", LoginRequest{User: "admin", Password: password}), Failed)
				if !strings.Contains(p.Remedy, "tollgate password") {
					t.Errorf("remedy %q", p.Remedy)
				}
			}
			made := body[NewPassword](t, b.local(http.MethodPost, "/api/v1/password/reset", nil))
			b.server.backoff.succeed(visitor{}.addr)
			b.logIn(made.Password)
		})
	}
}

func TestAPasswordThatCannotBeKeptIsNotInForce(t *testing.T) {
	b, c := newOwnedBench(t)
	kept, _, err := b.accounts.Get(accountKind, adminUser)
	if err != nil {
		t.Fatal(err)
	}
	b.accounts.broken = errDisk
	p := wantProblem(t, b.post("/api/v1/password", PasswordRequest{Current: goodPassword, New: "another four words"}, c), Failed)
	if strings.Contains(p.Error(), errDisk.Error()) {
		t.Errorf("the store's error goes to the browser: %v", p)
	}
	b.accounts.broken = nil
	if now := b.accounts.values[accountKind+"/"+adminUser]; string(now) != string(kept) {
		t.Error("the record changed")
	}
	b.logIn(goodPassword)
}

func TestTheRecordOfTheAdministratorKeepsItsShape(t *testing.T) {
	b := newBench(t)
	var record map[string]any
	if err := json.Unmarshal(b.accounts.values["account/admin"], &record); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"user", "hash", "first", "must_change"} {
		if _, ok := record[key]; !ok {
			t.Errorf("no %q in %v", key, record)
		}
	}
	if len(record) != 4 {
		t.Errorf("record %v", record)
	}
}

func TestTheFirstPasswordCountsOnlyWhileTheBoxMayBeClaimed(t *testing.T) {
	b := newBench(t)
	open := false
	b.server.claimable = func() bool { return open }
	p := wantProblem(t, b.post("/api/v1/session", LoginRequest{User: "admin", Password: b.first}), ClaimOver)
	if !strings.Contains(p.Remedy, "off and on") {
		t.Errorf("the remedy: %q", p.Remedy)
	}
	wantProblem(t, b.post("/api/v1/session", LoginRequest{User: "admin", Password: "wrong"}), WrongPassword)
	open = true
	c := b.logIn(b.first)
	if unclaimed, err := b.server.Unclaimed(t.Context()); err != nil || !unclaimed {
		t.Errorf("unclaimed %t, %v", unclaimed, err)
	}
	if res := b.post("/api/v1/password", PasswordRequest{Current: b.first, New: goodPassword}, c); res.Code != http.StatusOK {
		t.Fatalf("%d %s", res.Code, res.Body)
	}
	// Who has claimed it logs in at any time.
	open = false
	b.logIn(goodPassword)
	if unclaimed, err := b.server.Unclaimed(t.Context()); err != nil || unclaimed {
		t.Errorf("unclaimed %t, %v", unclaimed, err)
	}
}
