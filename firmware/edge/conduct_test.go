package edge

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/access"
	"tollgate/firmware/policy"
)

// notes is a Conduct that keeps what it hears.
type notes struct {
	mu    sync.Mutex
	deeds []access.Deed
	acks  int
}

func (n *notes) Misbehaved(_ time.Time, d access.Deed) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deeds = append(n.deeds, d)
}

func (n *notes) Acknowledged(time.Time, netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.acks++
}

// take returns what was heard and forgets it.
func (n *notes) take() (list []access.Deed, acks int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	list, acks, n.deeds, n.acks = n.deeds, n.acks, nil, 0
	return list, acks
}

// await waits until something was noted.
func (n *notes) await(t *testing.T) []access.Deed {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if list, _ := n.take(); len(list) > 0 {
			return list
		}
	}
	t.Fatal("nothing was noted")
	return nil
}

func conductBench(t *testing.T) (*bench, *notes, map[policy.Transport]netip.AddrPort) {
	n := &notes{}
	b := newBench(t, func(o *Options) { o.Conduct = n })
	return b, n, b.listen(t, inside(policy.UDP, nil), inside(policy.TCP, nil))
}

func TestMisbehaviourIsNotedWithWhatItProves(t *testing.T) {
	wrong := func(access.Source, *sip.Request) access.Verdict {
		return access.Verdict{Action: access.Challenge, Status: 401, Rule: access.RuleWrongDigest, Reason: "wrong", User: "100", Challenge: []string{`Digest realm="x"`}}
	}
	wrongProven := func(s access.Source, r *sip.Request) access.Verdict {
		v := wrong(s, r)
		v.Proven = true
		return v
	}
	refused := func(access.Source, *sip.Request) access.Verdict {
		return access.Verdict{Action: access.Refuse, Status: 403, Rule: access.RuleNotRegistered, Reason: "no"}
	}
	stranger := func(access.Source) bool { return false }
	deed := func(o access.Offence, proven bool, user string) access.Deed {
		return access.Deed{Offence: o, Side: policy.SideInside, Source: netip.MustParseAddr("127.0.0.1"), Peer: true, Proven: proven, User: user}
	}
	const rubbish = "INVITE sip:a SIP/3.0\r\nVia: x\r\n\r\n"
	for _, c := range []struct {
		name      string
		transport policy.Transport
		identify  func(access.Source, *sip.Request) access.Verdict
		known     func(access.Source) bool
		say       func(p *peer) string
		want      []access.Deed
	}{
		{"rubbish in a datagram", policy.UDP, nil, nil, func(*peer) string { return rubbish }, []access.Deed{deed(access.OffenceMalformed, false, "")}},
		{"rubbish on a connection", policy.TCP, nil, nil, func(*peer) string { return rubbish }, []access.Deed{deed(access.OffenceMalformed, true, "")}},
		{"a wrong digest", policy.UDP, wrong, nil, func(p *peer) string { return p.request("REGISTER", 1) },
			[]access.Deed{deed(access.OffenceWrongPassword, false, ""), deed(access.OffenceUnknownUser, false, "100")}},
		{"a wrong digest for our nonce", policy.UDP, wrongProven, nil, func(p *peer) string { return p.request("REGISTER", 1) },
			[]access.Deed{deed(access.OffenceWrongPassword, true, ""), deed(access.OffenceUnknownUser, true, "100")}},
		{"a scanner", policy.TCP, nil, nil, func(p *peer) string {
			return strings.Replace(p.request("OPTIONS", 1), "office telephone system", "friendly-scanner", 1)
		},
			[]access.Deed{deed(access.OffenceScanner, true, "")}},
		{"a refused call", policy.UDP, refused, nil, func(p *peer) string { return p.request("INVITE", 1) }, []access.Deed{deed(access.OffenceUnacknowledged, false, "")}},
		{"a refused registration", policy.UDP, refused, nil, func(p *peer) string { return p.request("REGISTER", 1) }, nil},
		{"a good request", policy.TCP, nil, nil, func(p *peer) string { return p.request("INVITE", 1) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, n, at := conductBench(t)
			b.rules.identify, b.rules.known = c.identify, c.known
			p := connect(t, c.transport, at[c.transport], nil)
			p.say(c.say(p))
			if c.want == nil {
				if c.identify == nil {
					b.next(t)
				} else {
					p.hear()
				}
				if list, _ := n.take(); len(list) > 0 {
					t.Errorf("noted %+v", list)
				}
				return
			}
			got := n.await(t)
			for len(got) < len(c.want) {
				got = append(got, n.await(t)...)
			}
			for i, d := range got {
				if d != c.want[i] {
					t.Errorf("noted %+v, want %+v", d, c.want[i])
				}
			}
		})
	}
	t.Run("strangers", func(t *testing.T) {
		b, n, at := conductBench(t)
		b.rules.known = stranger
		for say, want := range map[string]access.Offence{
			"OPTIONS sip:x SIP/2.0\r\nVia: y\r\nuser-agent: Friendly-Scanner\r\n\r\n":   access.OffenceScanner,
			"OPTIONS sip:x SIP/2.0\r\nVia: y\r\nX-User-Agent: friendly-scanner\r\n\r\n": access.OffenceStranger,
			"\x00\x01\x02\x03\x04\x05": access.OffenceStranger,
			"User-Agent:":              access.OffenceStranger,
		} {
			p := connect(t, policy.UDP, at[policy.UDP], nil)
			p.say(say)
			if d := n.await(t)[0]; d.Offence != want || d.Peer || d.Proven {
				t.Errorf("%q: %+v", say, d)
			}
			p.silent()
		}
		p := connect(t, policy.TCP, at[policy.TCP], nil)
		if d := n.await(t)[0]; d.Offence != access.OffenceStranger || !d.Proven {
			t.Errorf("a connection: %+v", d)
		}
		p.hungUp()
	})
}

func TestTheACKToARefusalIsNoted(t *testing.T) {
	b, n, at := conductBench(t)
	b.rules.identify = func(access.Source, *sip.Request) access.Verdict {
		return access.Verdict{Action: access.Refuse, Status: 403, Rule: access.RuleNotRegistered, Reason: "no"}
	}
	p := connect(t, policy.UDP, at[policy.UDP], nil)
	p.say(p.request("INVITE", 1))
	to := headerOf(p.hear(), "To")
	n.await(t)
	p.say(strings.Replace(p.request("ACK", 1), "To: <sip:box@127.0.0.1>", "To: "+to, 1))
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, acks := n.take(); acks == 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the ACK was not noted")
		}
	}
}

// smallest is a valid request with nothing in it that need not be there.
func smallest(method, transport, more string) string {
	return method + " sip:a SIP/2.0\r\nVia: SIP/2.0/" + transport + " a;rport;branch=z9hG4bK1\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:a>\r\nCall-ID: 1\r\nCSeq: 1 " + method + "\r\n" + more + "\r\n"
}

// telephone is what a telephone sends.
const telephone = "Max-Forwards: 70\r\nContact: <sip:100@192.0.2.200:5060;line=12345>;expires=300\r\nUser-Agent: some telephone 1.0\r\n" +
	"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, NOTIFY\r\nContent-Length: 0\r\n"

func TestAnAnswerWithoutStateAmplifiesNothing(t *testing.T) {
	for _, c := range []struct {
		verdict access.Verdict
		ratio   float64
	}{
		{access.Verdict{Action: access.Refuse, Status: 403, Rule: access.RuleNotRegistered, Reason: "no"}, 1},
		{access.Verdict{Action: access.Refuse, Status: 405, Rule: access.RuleNoRegistrar, Reason: "no"}, 1},
		{access.Verdict{Action: access.Refuse, Status: 503, Rule: access.RuleTooMuch, Reason: "no"}, 1},
		{access.Verdict{Action: access.Challenge, Status: 401, Rule: access.RuleNoCredentials, Reason: "no", Challenge: []string{
			`Digest realm="tollgate", nonce="` + strings.Repeat("n", 43) + `", algorithm=SHA-256, qop="auth"`,
			`Digest realm="tollgate", nonce="` + strings.Repeat("n", 43) + `", algorithm=MD5, qop="auth"`}}, 1.5},
		{access.Verdict{Action: access.Drop, Rule: access.RuleBanned, Reason: "no"}, 0},
	} {
		for _, method := range []string{"INVITE", "REGISTER", "OPTIONS", "MESSAGE"} {
			b, n, at := conductBench(t)
			b.rules.identify = func(access.Source, *sip.Request) access.Verdict { return c.verdict }
			for more, answered := range map[string]bool{"": false, telephone: c.ratio > 0} {
				p := connect(t, policy.UDP, at[policy.UDP], nil)
				req := smallest(method, "UDP", more)
				p.say(req)
				text, _ := p.read(map[bool]time.Duration{true: 5 * time.Second, false: 30 * time.Millisecond}[answered])
				if float64(len(text)) > c.ratio*float64(len(req)) || (text != "") != answered {
					t.Errorf("%s %s %d: %d bytes for %d:\n%s", c.verdict.Rule, method, c.verdict.Status, len(text), len(req), text)
				}
			}
			n.take()
		}
	}
}
