package access

import (
	"strings"
	"testing"

	"github.com/icholy/digest"
)

func TestUsualPasswordsAreFoundInAProofAndNeverRepeated(t *testing.T) {
	for _, alg := range []string{"MD5", "SHA-256", ""} {
		for _, qop := range [][]string{{"auth"}, nil} {
			for password, want := range map[string]string{
				"1234": "tried first", "101": "a name that everybody knows", "101101": "with a bit", "cloud": "a name", "motdepasse": "tried first",
				"4Kq9mZt7xW2vRb8n": "", "12345x": "",
			} {
				c := &digest.Challenge{Realm: "cloud.example", Nonce: "n1", Algorithm: alg, QOP: qop}
				cred, err := digest.Digest(c, digest.Options{Method: "REGISTER", URI: "sip:cloud.example", Username: "101", Password: password, Cnonce: "c", Count: 1})
				if err != nil {
					t.Fatal(err)
				}
				p, ok := ReadProof(cred.String())
				if !ok || p.User != "101" || p.Nonce != "n1" {
					t.Fatalf("%s: %+v", cred, p)
				}
				got := p.Guess("REGISTER", "cloud")
				if (got == "") != (want == "") || !strings.Contains(got, want) || strings.Contains(got, password) {
					t.Errorf("%s %v %q: %q, want %q", alg, qop, password, got, want)
				}
				if p.Guess("INVITE", "cloud") != "" {
					t.Errorf("%q: found for another request", password)
				}
			}
		}
	}
	for _, text := range []string{"", "Basic x", "Digest username=x", `Digest username="x", nonce="y", uri="z"`} {
		if _, ok := ReadProof(text); ok {
			t.Errorf("%q is read", text)
		}
	}
}
