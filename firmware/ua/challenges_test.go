package ua

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// asker is a registrar, server or proxy that wants credentials.
type asker struct {
	status int
	realm  string
	nonces []string // a credential with an earlier one is stale; the last is good
	uses   map[string]int
}

func (a *asker) header() string {
	return map[int]string{401: "Authorization", 407: "Proxy-Authorization"}[a.status]
}

// likes judges the credentials of a request; the header is what it answers otherwise.
func (a *asker) likes(t *testing.T, in *Incoming) (ok bool, h sip.Header) {
	t.Helper()
	c := digest.Challenge{Realm: a.realm, Nonce: a.nonces[0], Algorithm: "MD5", QOP: []string{"auth"}}
	for _, given := range in.GetHeaders(a.header()) {
		got, err := digest.ParseCredentials(given.Value())
		if err != nil {
			t.Fatal(err)
		}
		if got.Realm != a.realm || !correct(t, in, given.Value()) {
			continue
		}
		if a.uses[got.Nonce]++; got.Nc != a.uses[got.Nonce] {
			t.Errorf("%s: nonce %s used with count %d, want %d", a.realm, got.Nonce, got.Nc, a.uses[got.Nonce])
		}
		i := slices.Index(a.nonces, got.Nonce)
		if i == len(a.nonces)-1 {
			return true, nil
		}
		c.Nonce, c.Stale = a.nonces[i+1], true
	}
	name := map[int]string{401: "WWW-Authenticate", 407: "Proxy-Authenticate"}[a.status]
	return false, sip.NewHeader(name, c.String())
}

func TestEveryoneOnTheWayWhoAsksIsAnswered(t *testing.T) {
	server := func(nonces ...string) *asker { return &asker{401, "server.example", nonces, map[string]int{}} }
	proxy := func(realm string, nonces ...string) *asker { return &asker{407, realm, nonces, map[string]int{}} }
	for name, c := range map[string]struct {
		askers   []*asker
		together bool // all ask in one response, else one after the other
		want     int  // final status
		sent     int  // INVITEs
	}{
		"a server alone":                         {[]*asker{server("a")}, false, 200, 2},
		"a proxy, then the server":               {[]*asker{proxy("p.example", "p"), server("a")}, false, 200, 3},
		"the server, then a proxy":               {[]*asker{server("a"), proxy("p.example", "p")}, false, 200, 3},
		"two proxies, one after the other":       {[]*asker{proxy("p.example", "p"), proxy("q.example", "q")}, false, 200, 3},
		"two proxies at once":                    {[]*asker{proxy("p.example", "p"), proxy("q.example", "q")}, true, 200, 2},
		"a proxy and the server at once":         {[]*asker{proxy("p.example", "p"), server("a")}, true, 200, 2},
		"a nonce that is stale":                  {[]*asker{server("old", "new")}, false, 200, 3},
		"two stale nonces":                       {[]*asker{server("older", "old", "new")}, false, 200, 4},
		"a nonce that is always stale":           {[]*asker{server("1", "2", "3", "4", "5")}, false, 401, 4},
		"a proxy, then a server's stale nonce":   {[]*asker{proxy("p.example", "p"), server("old", "new")}, false, 200, 4},
		"a proxy's stale nonce after the server": {[]*asker{server("a"), proxy("p.example", "old", "new")}, false, 200, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, _, end := pair(t, func(in *Incoming) {
					defer in.Inbox.Close()
					r := Reply{Status: 200}
					for _, a := range c.askers {
						if ok, h := a.likes(t, in); !ok && (r.Status == 200 || c.together) {
							r.Status, r.Headers = a.status, append(r.Headers, h)
							if !c.together {
								break
							}
						}
					}
					if err := in.Respond(in.Inbox, r); err != nil {
						t.Error(err)
					}
				})
				box, _ := call(t, near, end, &Credentials{User: "office", Secret: "right"})
				got, _ := statuses(t, box)
				box.Close()
				if want := []int{c.want}; !slices.Equal(got, want) {
					t.Errorf("the call saw %v, want %v", got, want)
				}
				if n := end.Count("INVITE "); n != c.sent {
					t.Errorf("%d INVITEs, want %d", n, c.sent)
				}
			})
		})
	}
}

func TestAnAnswerThatIsRejectedIsNotGivenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		near, _, end := pair(t, func(in *Incoming) {
			defer in.Inbox.Close()
			n++
			c := digest.Challenge{Realm: "server.example", Nonce: fmt.Sprint(n), Algorithm: "MD5", QOP: []string{"auth"}}
			h := []sip.Header{sip.NewHeader("WWW-Authenticate", c.String())}
			if n > 1 { // and now a proxy asks as well
				c.Realm = "p.example"
				h = append(h, sip.NewHeader("Proxy-Authenticate", c.String()))
			}
			if err := in.Respond(in.Inbox, Reply{Status: 401, Headers: h}); err != nil {
				t.Error(err)
			}
		})
		box, _ := call(t, near, end, &Credentials{User: "office", Secret: "right"})
		got, _ := statuses(t, box)
		box.Close()
		if !slices.Equal(got, []int{401}) || end.Count("INVITE ") != 2 {
			t.Errorf("the call saw %v after %d INVITEs, want 401 after two: carriers ban who insists", got, end.Count("INVITE "))
		}
	})
}
