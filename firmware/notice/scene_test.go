package notice

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/admission"
	"tollgate/firmware/event"
	"tollgate/firmware/field"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/siptest"
	"tollgate/firmware/ua"
)

// scene is the box between a PBX and two carriers, each a user agent of its own that the test speaks for.
type scene struct {
	t             *testing.T
	desk          *Desk
	core          *ua.Core
	gate          *admission.Gate
	pbx           *actor
	a, b          *actor
	phone, hosted *actor // a phone of the office and its PBX elsewhere
	away          string

	mu       sync.Mutex // guards everything below
	facts    []event.Event
	avoided  []string
	outside  string                // where the carriers see the box
	twoOfA   bool                  // carrier-a has two servers, and the first is b's
	accounts bool                  // there are credentials
	rules    []policy.HeaderRule   // of the carriers
	unowned  policy.UnownedNumbers // of the carriers
}

// actor is one peer of the box.
type actor struct {
	t      *testing.T
	core   *ua.Core
	end    *siptest.End // what the peer writes to the box
	boxEnd *siptest.End // what the box writes to the peer
	peer   policy.Peer
	asked  chan *ua.Incoming
}

var box = policy.Peer{Name: "box"}

func officePolicy() *policy.Policy {
	trunk := func(name string, number string) policy.Trunk {
		return policy.Trunk{
			Name: name, Domain: name + ".example", NumberFormat: policy.FormatE164,
			Accounts: []policy.Account{{User: "line-" + name, Numbers: []string{number}}},
		}
	}
	return &policy.Policy{
		Site:      policy.Site{Country: "FR"},
		PBX:       policy.PBX{NumberFormat: policy.FormatNational, OutsidePrefix: "0"},
		Trunks:    []policy.Trunk{trunk("carrier-a", "+33123456700"), trunk("carrier-b", "+33123456800")},
		Routes:    []policy.Route{{Name: "everything", Prefixes: []string{"+33"}, Trunks: []string{"carrier-a", "carrier-b"}}},
		Limits:    policy.Limits{Calls: 3},
		Admission: policy.Admission{Classes: policy.OpenClasses()},
	}
}

func newScene(t *testing.T) *scene {
	t.Helper()
	p := officePolicy()
	plan, err := numbering.For("FR")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	s := &scene{t: t, gate: admission.New(p)}
	o := Options{Parties: s, Gate: s.gate, Phones: telephones{s}, Calls: s, Sink: s, Log: log}
	s.core = ua.New(func(in *ua.Incoming) { s.desk.Handle(in) }, log)
	o.Core = s.core
	s.desk = New(o)
	s.desk.Set(Settings{Plan: plan, Routes: route.New(p, time.UTC), OutsidePrefix: "0"})
	s.pbx = s.actor(policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX})
	s.a = s.actor(policy.Peer{Side: policy.SideOutside, Name: "carrier-a"})
	s.b = s.actor(policy.Peer{Side: policy.SideOutside, Name: "carrier-b"})
	s.phone = s.actor(policy.PhonePeer(netip.MustParseAddr("192.0.2.2")))
	s.hosted = s.actor(remotePBX())
	return s
}

// telephones are those of the scene: one, of user 201.
type telephones struct{ s *scene }

// From knows user 201 and nobody else.
func (t telephones) From(_ policy.Transport, _ netip.AddrPort, user string) (Party, bool) {
	p, _ := t.At("token")
	return p, user == "201"
}

// At knows one token.
func (t telephones) At(token string) (Party, bool) {
	return Party{
		Peer: t.s.phone.peer, Path: t.s.phone.boxEnd, Local: ua.Local{Host: "192.0.2.1", Port: 5060, Transport: "UDP"}, Domain: "hosted.example",
		Target: "sip:201@192.0.2.2:5062", Verbatim: true, User: "201", Route: []string{"<sip:edge.hosted.example;lr>"},
	}, token == "token"
}

// leave ends what is left and checks that nothing stays behind.
func (s *scene) leave() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	time.Sleep(time.Second) // what has been answered is put away
	s.desk.Drain(ctx)
	if n := s.desk.subscriptions(); n > 0 {
		s.t.Errorf("%d subscriptions are left", n)
	}
	if u := s.gate.Usage(); u.Calls+u.Emergency > 0 {
		s.t.Errorf("tickets are left: %+v", u)
	}
	time.Sleep(2 * time.Minute) // transactions end
}

func (s *scene) actor(peer policy.Peer) *actor {
	a := &actor{t: s.t, peer: peer, asked: make(chan *ua.Incoming, 200)}
	a.core = ua.New(func(in *ua.Incoming) { a.asked <- in }, slog.New(slog.DiscardHandler))
	a.boxEnd, a.end = siptest.Join(s.t, s.core, peer, a.core, box)
	return a
}

// Party shows the actors to the desk.
func (s *scene) Party(peer policy.Peer) (Party, bool) {
	switch peer {
	case s.pbx.peer:
		return Party{Peer: peer, Path: s.pbx.boxEnd, Local: ua.Local{Host: "192.0.2.1", Port: 5060, Transport: "UDP"},
			Domain: "192.0.2.10", Format: policy.FormatNational, Away: s.away}, true
	case s.a.peer, s.b.peer:
		a := map[policy.Peer]*actor{s.a.peer: s.a, s.b.peer: s.b}[peer]
		p := Party{Peer: peer, Path: a.boxEnd, Local: ua.Local{Host: s.outsideHost(), Port: 5060, Transport: "UDP"},
			Domain: peer.Name + ".example", Format: policy.FormatE164, Headers: s.rules, Unowned: s.unowned}
		if s.twoOfA && a == s.a {
			p.Members = []Member{server{s, "dead", &siptest.End{Dead: true}}, server{s, "good", a.boxEnd}}
		}
		if s.accounts {
			p.Credentials = func(acc policy.Account) *ua.Credentials {
				return &ua.Credentials{User: acc.User, Secret: "a-long-secret-000"}
			}
		}
		return p, true
	}
	if peer == remotePBX() {
		return Party{Peer: peer, Path: s.hosted.boxEnd, Local: ua.Local{Host: "198.51.100.2", Port: 5060, Transport: "UDP"}, Domain: "hosted.example", Verbatim: true}, true
	}
	return Party{}, false
}

// moveTo has the carriers see the box elsewhere.
func (s *scene) moveTo(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outside = host
}

func (s *scene) outsideHost() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Or(s.outside, "198.51.100.2")
}

type server struct {
	s    *scene
	name string
	*siptest.End
}

func (m server) Avoid(string, time.Duration) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.s.avoided = append(m.s.avoided, m.name)
}

// Across knows one call: the carrier's dialog "outer" is the office's "inner".
func (s *scene) Across(peer policy.Peer, callID, local, remote string) (policy.Peer, string, string, string, bool) {
	if peer == s.a.peer && callID == "marked-outer" && local == "box-tag" && remote == "marked-tag" {
		return s.pbx.peer, "inner", "inner-box", "inner-pbx", true
	}
	return policy.Peer{}, "", "", "", false
}

// Tell keeps the facts.
func (s *scene) Tell(e event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.facts = append(s.facts, e)
}

// refused are the rules that requests were refused by.
func (s *scene) refused() []string {
	synctest.Wait() // it is told after the answer
	s.mu.Lock()
	defer s.mu.Unlock()
	var rules []string
	for _, e := range s.facts {
		if e, ok := e.(event.CallRefused); ok {
			rules = append(rules, e.Rule)
		}
	}
	return rules
}

// exchange is one dialog, or one request, as an actor sees it.
type exchange struct {
	a     *actor
	box   *ua.Inbox
	out   *ua.Outgoing
	in    *ua.Incoming
	state *ua.Dialog
}

// ask sends a request outside any dialog.
func (a *actor) ask(method sip.RequestMethod, to, kind, body string, headers ...string) *exchange {
	a.t.Helper()
	d := ua.Draft{
		Method: method, URI: "sip:" + to + "@192.0.2.1", From: "sip:0123456700@marked-host.lan", To: "sip:" + to + "@192.0.2.1;marked=1",
		FromName: "Marked Name", FromTag: ua.NewTag(), CallID: "marked-" + ua.NewTag(), Seq: 1, Contact: "sip:marked@192.0.2.99",
		Local: ua.Local{Host: "192.0.2.98", Port: 5060, Transport: "UDP"}, Body: []byte(body), ContentType: kind, MaxForwards: 70,
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "From" {
			d.From = value
			continue
		}
		d.Headers = append(d.Headers, sip.NewHeader(name, value))
	}
	req, err := d.Request()
	if err != nil {
		a.t.Fatal(err)
	}
	x := &exchange{a: a, box: a.core.NewInbox(), state: d.Begin()}
	x.box.Attach(d.CallID, d.FromTag, box)
	if x.out, err = x.box.Send(a.t.Context(), req, box, a.end, x.state, nil); err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(x.box.Close)
	return x
}

// next waits for the next event; tests fail when none comes.
func (x *exchange) next() ua.Event {
	x.a.t.Helper()
	ctx, cancel := context.WithTimeout(x.a.t.Context(), 10*time.Minute)
	defer cancel()
	e, err := x.box.Next(ctx)
	if err != nil {
		x.a.t.Fatalf("%s waited in vain: %v", x.a.peer.Name, err)
	}
	return e
}

// expect waits for the answer to the last request.
func (x *exchange) expect(status int) *sip.Response {
	x.a.t.Helper()
	e := x.next()
	if e.Response == nil || e.Response.StatusCode != status {
		x.a.t.Fatalf("%s got %s, want %d", x.a.peer.Name, shown(e), status)
	}
	return e.Response
}

func shown(e ua.Event) string {
	switch {
	case e.Response != nil:
		return e.Response.StartLine()
	case e.Request != nil:
		return e.Request.StartLine()
	case e.Err != nil:
		return e.Err.Error()
	}
	return "something else"
}

// gets waits for a request of the box outside any dialog.
func (a *actor) gets(method sip.RequestMethod) *exchange {
	a.t.Helper()
	select {
	case in := <-a.asked:
		if in.Method != method {
			a.t.Fatalf("%s got %s, want %s", a.peer.Name, in.Method, method)
		}
		x := &exchange{a: a, box: a.core.NewInbox(), in: in, state: ua.Accept(in, ua.Local{Host: "203.0.113.7", Port: 5060, Transport: "UDP"}, "sip:marked-gw@203.0.113.7")}
		x.box.Attach(in.CallID().Value(), in.Tag, box)
		a.t.Cleanup(x.box.Close)
		return x
	case <-time.After(10 * time.Minute):
		a.t.Fatalf("%s got nothing, want %s", a.peer.Name, method)
		return nil
	}
}

// respond answers what was got last.
func (x *exchange) respond(status int, headers ...string) {
	x.a.t.Helper()
	r := ua.Reply{Status: status, Contact: "sip:marked-gw@203.0.113.7", Headers: []sip.Header{sip.NewHeader("Server", "marked-server")}}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Headers = append(r.Headers, sip.NewHeader(name, value))
	}
	x.in.Refuse(r)
}

// request waits for a request in the dialog.
func (x *exchange) request(method sip.RequestMethod) *ua.Incoming {
	x.a.t.Helper()
	e := x.next()
	if e.Request == nil || e.Request.Method != method {
		x.a.t.Fatalf("%s got %s, want %s", x.a.peer.Name, shown(e), method)
	}
	x.in = e.Request
	return e.Request
}

// send sends a request in the dialog.
func (x *exchange) send(method sip.RequestMethod, kind, body string, headers ...string) {
	x.a.t.Helper()
	req := x.state.RequestWith(method, []byte(body), kind)
	req.AppendHeader(sip.NewHeader("Contact", "<sip:marked-gw@203.0.113.7>"))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.AppendHeader(sip.NewHeader(name, value))
	}
	out, err := x.box.Send(x.a.t.Context(), req, box, x.a.end, x.state, nil)
	if err != nil {
		x.a.t.Fatal(err)
	}
	x.out = out
}

func value(m field.Message, name string) string {
	if h := field.All(m, name); len(h) == 1 {
		return h[0].Value()
	}
	return ""
}

// play runs a test on a fake clock, and looks for what crossed the border that should not.
func play(t *testing.T, test func(t *testing.T, s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		test(t, s)
		s.leave()
		for _, a := range []*actor{s.pbx, s.a, s.b, s.phone, s.hosted} {
			for _, m := range a.boxEnd.Sent() {
				for _, line := range strings.Split(m, "\r\n") {
					own, _, _ := strings.Cut(line, " ")
					echoed := strings.HasPrefix(m, "SIP/2.0") || strings.HasPrefix(own, "To:") || strings.HasPrefix(own, "From:") || strings.HasPrefix(own, "Call-ID:")
					toContact := strings.HasSuffix(line, " SIP/2.0")
					if !echoed && !toContact && strings.Contains(strings.ToLower(line), "marked") {
						t.Errorf("%q reached %s:\n%s", line, a.peer.Name, m)
					}
				}
			}
		}
	})
}
