package trunk

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"tollgate/firmware/policy"
)

// proves tells whether a REGISTER was made with a password.
func proves(t *testing.T, req *sip.Request, challenge *digest.Challenge, password string) bool {
	t.Helper()
	got, err := digest.ParseCredentials(req.GetHeader("Authorization").Value())
	if err != nil {
		t.Fatal(err)
	}
	want, err := digest.Digest(challenge, digest.Options{Method: "REGISTER", URI: got.URI, Username: got.Username, Password: password, Cnonce: got.Cnonce, Count: got.Nc})
	if err != nil {
		t.Fatal(err)
	}
	return got.Response == want.Response
}

func TestAPasswordIsProbedWithARegistrationAndTheOneInForceGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const old, next = "a-long-secret-000000000", "the-next-secret-1111111"
		var both atomic.Bool // the carrier takes either
		challenge := &digest.Challenge{Realm: "carrier", Nonce: "n", Algorithm: "MD5", QOP: []string{"auth"}}
		c := &carrier{script: func(req *sip.Request) *sip.Response {
			switch {
			case req.GetHeader("Authorization") == nil:
				return answer(req, 401, "WWW-Authenticate: "+challenge.String())
			case proves(t, req, challenge, old), both.Load() && proves(t, req, challenge, next):
				return answer(req, 200, "Contact: "+req.Contact().Value()+";expires=120")
			}
			return answer(req, 403)
		}}
		trunks, _, _ := start(t, c, &names{}, trunkPolicy())
		time.Sleep(time.Second)
		if err := trunks.Probe(t.Context(), "carrier-a", "office", next); err == nil || !strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), next) {
			t.Errorf("a password that the carrier does not take: %v", err)
		}
		time.Sleep(10 * time.Second)
		if s := trunks.States()[0]; s.State != Up {
			t.Errorf("after a failed probe the trunk is %+v", s)
		}
		both.Store(true)
		if err := trunks.Probe(t.Context(), "carrier-a", "office", next); err != nil {
			t.Error(err)
		}
		time.Sleep(200 * time.Second)
		if s := trunks.States()[0]; s.State != Up || s.Accounts[0].Refused {
			t.Errorf("after a good probe the trunk is %+v", s)
		}
		trunks.Close(t.Context())
	})
}

func TestWhoDoesNotRegisterCannotBeProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := trunkPolicy()
		p.Registrar, p.OutboundProxy = "", policy.Hosts{"192.0.2.200"}
		trunks, _, _ := start(t, &carrier{script: func(req *sip.Request) *sip.Response { return answer(req, 200) }}, &names{}, p)
		for _, name := range []string{"carrier-a", "carrier-b"} {
			if err := trunks.Probe(t.Context(), name, "office", "x"); !errors.Is(err, ErrNoProbe) {
				t.Errorf("%s: %v", name, err)
			}
		}
		trunks.Close(t.Context())
	})
}
