package api

import (
	"net/http"
	"strings"
	"testing"
)

// TestNoAnswerAndNoLogRepeatsASecret sends passwords and a policy in every shape, right and wrong.
func TestNoAnswerAndNoLogRepeatsASecret(t *testing.T) {
	const secret = "hunter2-hunter2-hunter2"
	b, c := newOwnedBench(t)
	bodies := []any{
		LoginRequest{User: "admin", Password: secret},
		LoginRequest{User: secret, Password: secret},
		PasswordRequest{Current: secret, New: secret},
		PasswordRequest{Current: goodPassword, New: secret[:10]},
		ImportRequest{Document: "pbx:\n  secret: " + secret},
		`{"password": {"x": "` + secret + `"}}`,
		`{"password": "` + secret + `"`,
		`{"user": "admin", "password": ["` + secret + `"]}`,
		`{"current": 1, "new": "` + secret + `", "` + "other" + `": 2}`,
		`{"document": {"secret": "` + secret + `"}}`,
		`"` + secret + `"`,
		secret,
	}
	b.box.err = errDisk
	for _, in := range bodies {
		for _, path := range []string{"/api/v1/session", "/api/v1/password", "/api/v1/policy", "/api/v1/policy/confirm"} {
			b.server.backoff.succeed(remoteAddr(b.request(http.MethodGet, "/", nil)))
			res := b.post(path, in, c)
			if res.Code < 400 {
				t.Errorf("%s took %v", path, in)
			}
			if strings.Contains(res.Body.String(), secret[:8]) {
				t.Errorf("%s repeats it: %s", path, res.Body)
			}
		}
	}
	b.logIn(goodPassword)
	b.local(http.MethodPost, "/api/v1/password/reset", "")
	for _, word := range []string{secret[:8], goodPassword, b.first, c.Value} {
		if strings.Contains(b.log.String(), word) {
			t.Errorf("the log repeats %q:\n%s", word, b.log)
		}
	}
}

func TestTheConsolesNewPasswordStandsInItsAnswerAlone(t *testing.T) {
	b := newBench(t)
	made := body[NewPassword](t, b.local(http.MethodPost, "/api/v1/password/reset", ""))
	if strings.Contains(b.log.String(), made.Password) {
		t.Error("the log repeats it")
	}
	for name, value := range b.accounts.values {
		if strings.Contains(string(value), made.Password) {
			t.Errorf("%s holds it", name)
		}
	}
}
