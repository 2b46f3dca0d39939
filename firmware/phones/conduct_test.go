package phones

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"tollgate/firmware/access"
	"tollgate/firmware/event"
	"tollgate/firmware/policy"
)

// notes is a Conduct that keeps what it hears.
type notes struct {
	mu    sync.Mutex
	deeds []string
	home  []string
}

func (n *notes) Misbehaved(_ time.Time, d access.Deed) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deeds = append(n.deeds, fmt.Sprintf("%s %s proven=%v", d.Offence, d.User, d.Proven))
}

func (n *notes) AtHome(_ time.Time, _ netip.Addr, user string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.home = append(n.home, user)
}

func (n *notes) take() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := strings.Join(n.deeds, ", ")
	n.deeds = nil
	return all
}

// answering is a PBX that answers every registration so.
func answering(status int, headers ...string) func(*sip.Request) *sip.Response {
	return func(req *sip.Request) *sip.Response {
		res := sip.NewResponseFromRequest(req, status, "", nil)
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			res.AppendHeader(sip.NewHeader(name, value))
		}
		return res
	}
}

func TestWhatThePBXRefusesCountsAgainstWhoSentIt(t *testing.T) {
	const challenge = `WWW-Authenticate: Digest realm="cloud.example", nonce="n1", algorithm=MD5, qop="auth"`
	wrong := "wrong password  proven=%v, unknown user 101 proven=%v"
	for _, c := range []struct {
		name       string
		transport  policy.Transport
		challenged bool // before, with the nonce of proof
		answer     func(*sip.Request) *sip.Response
		headers    []string
		want       string
	}{
		{"a first challenge is normal", policy.UDP, false, answering(401, challenge), nil, ""},
		{"a wrong password after a challenge", policy.UDP, true, answering(401, challenge), []string{proof}, fmt.Sprintf(wrong, true, true)},
		{"a wrong password that anybody can have sent", policy.UDP, false, answering(401, challenge), []string{proof}, fmt.Sprintf(wrong, false, false)},
		{"a wrong password on a connection", policy.TCP, false, answering(403), []string{proof}, fmt.Sprintf(wrong, true, true)},
		{"an old nonce is normal", policy.UDP, true, answering(401, challenge+", stale=TRUE"), []string{proof}, ""},
		{"a user who does not exist", policy.TCP, false, answering(404), nil, "unknown user 101 proven=true"},
		{"a user who does not exist, in a datagram", policy.UDP, false, answering(404), nil, "unknown user 101 proven=false"},
		{"an error of the PBX", policy.TCP, false, answering(500), []string{proof}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, n := newScene(t), &notes{}
				s.p.o.Conduct = n
				w := s.phone(c.transport, "192.0.2.50:5060")
				if c.challenged {
					s.answer = answering(401, challenge)
					s.register(w)
				}
				s.answer = c.answer
				s.register(w, c.headers...)
				if got := n.take(); got != c.want {
					t.Errorf("noted %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestWhoIsLetInIsAtHomeAndAnOldChallengeProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := newScene(t), &notes{}
		s.p.o.Conduct = n
		w := s.phone(policy.UDP, "192.0.2.50:5060")
		s.register(w, proof)
		if len(n.home) != 1 || n.home[0] != "101" {
			t.Errorf("at home: %v", n.home)
		}
		s.answer = answering(401, `WWW-Authenticate: Digest realm="cloud.example", nonce="n1"`)
		s.register(w, "Contact: <sip:other@192.0.2.50>")
		time.Sleep(challengeLife + time.Second)
		s.register(w, proof, "Contact: <sip:other@192.0.2.50>")
		if got := n.take(); !strings.Contains(got, "proven=false") {
			t.Errorf("noted %q", got)
		}
		res := sip.NewResponse(401, "")
		res.AppendHeader(sip.NewHeader("WWW-Authenticate", `Digest realm="x", nonce="n"`))
		for i := range 2 * maxChallenges {
			s.p.mu.Lock()
			s.p.sent(netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), res, time.Now())
			s.p.mu.Unlock()
		}
		if len(s.p.challenged) > maxChallenges {
			t.Errorf("%d challenges are remembered", len(s.p.challenged))
		}
	})
}

func TestAWeakPasswordOfAPhoneIsToldOnceAndNeverKept(t *testing.T) {
	proofWith := func(password string) string {
		c := &digest.Challenge{Realm: "cloud.example", Nonce: "n1", Algorithm: "MD5", QOP: []string{"auth"}}
		cred, err := digest.Digest(c, digest.Options{Method: "REGISTER", URI: "sip:cloud.example", Username: "u101", Password: password, Cnonce: "c", Count: 1})
		if err != nil {
			t.Fatal(err)
		}
		return "Authorization: " + cred.String()
	}
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		w := s.phone(policy.UDP, "192.0.2.50:5060")
		told := func() (list []string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, e := range s.facts {
				if weak, ok := e.(event.WeakPassword); ok {
					list = append(list, weak.Reason)
				}
			}
			return list
		}
		s.register(w, proofWith("letmein"))
		s.register(w, proofWith("letmein"), "Contact: <sip:101@192.0.2.50:5060;x=1>")
		if got := told(); len(got) != 1 || !strings.Contains(got[0], "tried first") || strings.Contains(got[0], "letmein") {
			t.Errorf("told %q", got)
		}
		if r := s.p.State().Registers; len(r) == 0 || r[0].Weak == "" {
			t.Errorf("shown %+v", r)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if kept, _ := json.Marshal(s.records); strings.Contains(string(kept), "letmein") {
			t.Error("the password is kept")
		}
		s.register(w, proofWith("4Kq9mZt7xW2vRb8n"), "Contact: <sip:101@192.0.2.50:5060;x=2>")
		if r := s.p.State().Registers; r[0].Weak != "" || len(told()) != 1 {
			t.Errorf("with a strong password: %+v, told %v", r, told())
		}
	})
}
