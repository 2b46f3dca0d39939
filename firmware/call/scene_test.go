package call

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/admission"
	"tollgate/firmware/event"
	"tollgate/firmware/media"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/siptest"
	"tollgate/firmware/ua"
)

// scene is the box between a PBX and two carriers, each a user agent of its own that the test speaks for.
type scene struct {
	t      *testing.T
	desk   *Desk
	gate   *admission.Gate
	policy *policy.Policy
	facts  *facts
	holes  *holes
	pbx    *actor
	a, b   *actor // the carriers
	wires  *wires
	more   map[string][]Member    // servers of a carrier
	down   string                 // this carrier is down
	seen   atomic.Pointer[string] // where the carriers see the box; nil: as usual
	relay  *media.Relay
	stir   map[string]*Stir // of the carriers
	secret policy.Secret    // of the accounts with carrier-a; "": a challenge is not answered
	really netip.Addr       // where the audio of all actors is; zero: where they say

	follower admission.Follower // of the gates of processes to come; nil: nobody
}

// actor is one peer of the box.
type actor struct {
	t      *testing.T
	core   *ua.Core
	end    *siptest.End // what the peer writes to the box
	boxEnd *siptest.End // what the box writes to the peer
	peer   policy.Peer  // its name to the box
	calls  chan *ua.Incoming
}

var box = policy.Peer{Name: "box"}

// holes remembers for whom pinholes were opened and not shut again.
type holes struct {
	mu   sync.Mutex
	open map[string]int
}

func (h *holes) OpenPinholes(list []media.Hole) error { return h.count(list, 1) }

func (h *holes) ShutPinholes(list []media.Hole) error { return h.count(list, -1) }

func (h *holes) count(list []media.Hole, by int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, hole := range list {
		for _, p := range hole.From {
			h.open[p.Addr().String()] += by
		}
	}
	return nil
}

// listens tells whether the media of addr is let in, within a moment.
func (h *holes) listens(addr string) bool {
	for range 200 {
		h.mu.Lock()
		n := h.open[addr]
		h.mu.Unlock()
		if n > 0 {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// listensNow is listens without the moment.
func (h *holes) listensNow(addr string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open[addr] > 0
}

type facts struct {
	mu   sync.Mutex
	list []event.Event
}

func (f *facts) Tell(e event.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, e)
}

// find waits a moment for the first fact that fits.
func find[E event.Event](s *scene) (found E) {
	s.t.Helper()
	for range 200 {
		s.facts.mu.Lock()
		for _, e := range s.facts.list {
			if e, ok := e.(E); ok {
				s.facts.mu.Unlock()
				return e
			}
		}
		s.facts.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Errorf("no %T was told", found)
	return found
}

// officePolicy has two carriers; the first wants SRTP, and has room for two calls.
func officePolicy() *policy.Policy {
	trunk := func(name string, srtp policy.SRTPMode, number string) policy.Trunk {
		return policy.Trunk{
			Name: name, Domain: name + ".example", SRTP: srtp, Suites: policy.DefaultSuites(), NumberFormat: policy.FormatE164, Codecs: []string{"PCMA", "PCMU"},
			Accounts: []policy.Account{{User: "office", Numbers: []string{number}}},
		}
	}
	p := &policy.Policy{
		Site:      policy.Site{Country: "FR"},
		PBX:       policy.PBX{SRTP: policy.SRTPOff, Suites: policy.DefaultSuites(), NumberFormat: policy.FormatNational, Codecs: []string{"PCMA", "PCMU"}, OutsidePrefix: "0"},
		Trunks:    []policy.Trunk{trunk("carrier-a", policy.SRTPRequired, "+33123456700"), trunk("carrier-b", policy.SRTPOff, "+33123456800")},
		Routes:    []policy.Route{{Name: "everything", Prefixes: []string{"+"}, Trunks: []string{"carrier-a", "carrier-b"}}},
		Limits:    policy.Limits{Calls: 3},
		Admission: policy.Admission{Classes: numbering.Classes()},
	}
	p.Trunks[0].Caps.Calls = 2
	return p
}

func newScene(t *testing.T, change func(*policy.Policy)) *scene {
	t.Helper()
	p := officePolicy()
	if change != nil {
		change(p)
	}
	plan, err := numbering.For(p.Site.Country)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	opened := &holes{open: map[string]int{}}
	relay, err := media.New(opened, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { relay.Close() })
	s := &scene{t: t, policy: p, facts: &facts{}, holes: opened, gate: admission.New(p), relay: relay}
	s.ports(30000, 30999)
	s.desk = NewDesk(Options{Parties: s, Relay: relay, Gate: s.gate, Sink: s.facts, Log: log})
	s.desk.Set(Settings{Plan: plan, Routes: route.New(p, time.UTC), OutsidePrefix: p.PBX.OutsidePrefix})
	s.wires = &wires{}
	s.wires.to.Store(ua.New(s.desk.Handle, log))
	s.pbx = newActor(t, s.wires, policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX})
	s.a = newActor(t, s.wires, policy.Peer{Side: policy.SideOutside, Name: "carrier-a"})
	s.b = newActor(t, s.wires, policy.Peer{Side: policy.SideOutside, Name: "carrier-b"})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s.desk.Drain(ctx)
		over, end := context.WithCancel(ctx)
		end()
		s.desk.Finish(over)
		if n := len(s.desk.Calls()); n > 0 {
			t.Errorf("%d calls are left", n)
		}
		if u := s.gate.Usage(); u.Calls+u.Emergency > 0 {
			t.Errorf("tickets are left: %+v", u)
		}
	})
	return s
}

// ports sets the media ports of the box.
func (s *scene) ports(low, high uint16) {
	s.t.Helper()
	if err := s.relay.Set(s.t.Context(), mediaConfig(low, high)); err != nil {
		s.t.Fatal(err)
	}
}

// mediaConfig has loopback addresses that are this process's own, so that two runs of the tests do not take ports from one
// another.
func mediaConfig(low, high uint16) media.Config {
	side := func(n byte, advertised string) media.SideConfig {
		pid := os.Getpid()
		bound := netip.AddrFrom4([4]byte{127, byte(pid>>15) | 0x80, byte(pid >> 7), byte(pid<<1) | n})
		return media.SideConfig{Address: bound, Advertised: netip.MustParseAddr(advertised)}
	}
	return media.Config{Inside: side(0, "192.0.2.1"), Outside: side(1, "198.51.100.2"), Ports: media.PortRange{Low: low, High: high}}
}

// wires lead to the box, whichever process it is.
type wires struct{ to atomic.Pointer[ua.Core] }

// Receive hands a message to the process there is now.
func (w *wires) Receive(m sip.Message, conn sip.Connection, peer policy.Peer) {
	w.to.Load().Receive(m, conn, peer)
}

func newActor(t *testing.T, boxCore siptest.Receiver, peer policy.Peer) *actor {
	a := &actor{t: t, peer: peer, calls: make(chan *ua.Incoming, 16)}
	a.core = ua.New(func(in *ua.Incoming) { a.calls <- in }, slog.New(slog.DiscardHandler))
	a.boxEnd, a.end = siptest.Join(t, boxCore, peer, a.core, box)
	return a
}

// PBX and Trunk show the actors to the desk.
func (s *scene) PBX() (Party, bool) {
	return Party{Peer: s.pbx.peer, Path: s.pbx.boxEnd, Local: ua.Local{Host: "192.0.2.1", Port: 5060, Transport: "UDP"},
		MediaAt: s.really, Domain: "192.0.2.10:5060", SRTP: s.policy.PBX.SRTP, Keying: s.policy.PBX.Keying, Suites: s.policy.PBX.Suites, Codecs: s.policy.PBX.Codecs, Ptime: s.policy.PBX.Ptime, DTMF: s.policy.PBX.DTMF, ClearFax: s.policy.PBX.ClearT38, Format: s.policy.PBX.NumberFormat,
		Headers: s.policy.PBX.Headers, Trusted: s.policy.PBX.Trusted}, true
}

func (s *scene) Down(trunk string) bool {
	party, ok := s.Trunk(trunk)
	return ok && party.Down
}

func (s *scene) Trunk(name string) (Party, bool) {
	for i, a := range []*actor{s.a, s.b} {
		if p := s.policy.Trunks[i]; p.Name == name {
			local, audio := ua.Local{Host: "198.51.100.2", Port: 5061, Transport: "UDP", Name: p.OwnName}, netip.Addr{}
			if seen := s.seen.Load(); seen != nil {
				local.Host, audio = *seen, netip.MustParseAddr(*seen)
			}
			return Party{Credentials: s.credentials(name), Peer: a.peer, Path: a.boxEnd, Members: s.more[name], Down: s.down == name, Local: local, Media: audio, MediaAt: s.really,
				Domain: p.Domain, Home: p.OwnName, Hold: p.Hold, Timer: p.SessionTimer, SRTP: p.SRTP, Keying: p.Keying, Suites: p.Suites, OffersICE: p.OfferICE, Codecs: p.Codecs, Ptime: p.Ptime, DTMF: p.DTMF, ClearFax: p.ClearT38, Format: p.NumberFormat,
				MediaSources: p.MediaSources, Latching: p.MediaLatching,
				Headers: p.Headers, Trusted: p.Trusted, Unowned: p.UnownedNumbers, ClipNoScreening: p.ClipNoScreening, Stir: s.stir[name]}, true
		}
	}
	return Party{}, false
}

// credentials are those of carrier-a.
func (s *scene) credentials(trunk string) func(policy.Account) *ua.Credentials {
	if s.secret == "" || trunk != "carrier-a" {
		return nil
	}
	return func(a policy.Account) *ua.Credentials { return &ua.Credentials{User: a.User, Secret: s.secret} }
}

// Descriptions of the peers. The marks in them must not cross the border.
func clearSDP(addr string, extra ...string) string {
	return describe("RTP/AVP", addr, extra...)
}

const someKey = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"

func secureSDP(addr string, extra ...string) string {
	return describe("RTP/SAVP", addr, append([]string{someKey}, extra...)...)
}

func describe(proto, addr string, extra ...string) string {
	lines := []string{"v=0", "o=marked-user 42 1 IN IP4 " + addr, "s=marked-session", "c=IN IP4 " + addr, "t=0 0",
		"m=audio 4000 " + proto + " 8 0 101", "a=rtpmap:101 telephone-event/8000", "a=tool:marked-tool"}
	return strings.Join(append(lines, extra...), "\r\n") + "\r\n"
}

// dialog is one call as an actor sees it.
type dialog struct {
	a     *actor
	box   *ua.Inbox
	out   *ua.Outgoing // of a call it makes
	in    *ua.Incoming // of a call it gets
	state *ua.Dialog
}

// dial makes the actor call to from a caller's number.
func (a *actor) dial(from, to, body string) *dialog {
	a.t.Helper()
	d := ua.Draft{
		Method: sip.INVITE, URI: "sip:" + to + "@192.0.2.1", From: "sip:" + from + "@marked-host.office.lan", To: "sip:" + to + "@192.0.2.1",
		FromName: "Marked Name", FromTag: ua.NewTag(), CallID: "marked-call-id-" + ua.NewTag(), Seq: 1, Contact: "sip:x@192.0.2.99",
		Local: ua.Local{Host: "192.0.2.98", Port: 5060, Transport: "UDP"}, Body: []byte(body), ContentType: "application/sdp", MaxForwards: ua.MaxForwards,
		Headers: []sip.Header{sip.NewHeader("User-Agent", "marked-agent"), sip.NewHeader("X-Marked", "1")},
	}
	return a.send(d)
}

func (a *actor) send(d ua.Draft) *dialog {
	a.t.Helper()
	req, err := d.Request()
	if err != nil {
		a.t.Fatal(err)
	}
	c := &dialog{a: a, box: a.core.NewInbox(), state: d.Begin()}
	c.box.Attach(d.CallID, d.FromTag, box)
	if c.out, err = c.box.Send(a.t.Context(), req, box, a.end, c.state, nil); err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(c.box.Close)
	return c
}

// next waits for the next event; tests fail when none comes.
func (c *dialog) next() ua.Event {
	c.a.t.Helper()
	ctx, cancel := context.WithTimeout(c.a.t.Context(), 5*time.Second)
	defer cancel()
	e, err := c.box.Next(ctx)
	if err != nil {
		c.a.t.Fatalf("%s waited in vain: %v", c.a.peer.Name, err)
	}
	return e
}

// expect reads responses until one of 101 or more and checks its status.
func (c *dialog) expect(status int) *sip.Response {
	c.a.t.Helper()
	e := c.next()
	if e.Response == nil || e.Response.StatusCode != status {
		c.a.t.Fatalf("%s got %s, want %d", c.a.peer.Name, shown(e), status)
	}
	return e.Response
}

func shown(e ua.Event) string {
	switch {
	case e.Response != nil:
		return e.Response.StartLine()
	case e.Request != nil:
		return e.Request.StartLine()
	}
	return fmt.Sprintf("%+v", e)
}

// ack confirms the call after its 200.
func (c *dialog) ack(res *sip.Response) {
	c.a.t.Helper()
	c.state.Established(res)
	if err := c.out.Ack(nil); err != nil {
		c.a.t.Fatal(err)
	}
}

// called waits for a call from the box.
func (a *actor) called() *dialog {
	a.t.Helper()
	select {
	case in := <-a.calls:
		a.t.Cleanup(in.Inbox.Close)
		return &dialog{a: a, box: in.Inbox, in: in, state: ua.Accept(in, ua.Local{Host: "203.0.113.7", Port: 5060, Transport: "UDP"}, "sip:gw@203.0.113.7")}
	case <-time.After(5 * time.Second):
		a.t.Fatalf("%s was not called", a.peer.Name)
		return nil
	}
}

// respond answers the call.
func (c *dialog) respond(status int, body string) {
	c.a.t.Helper()
	r := ua.Reply{Status: status, Contact: "sip:gw@203.0.113.7", Headers: []sip.Header{sip.NewHeader("Server", "marked-server")}}
	if body != "" {
		r.Body, r.ContentType = []byte(body), "application/sdp"
	}
	if err := c.in.Respond(c.box, r); err != nil {
		c.a.t.Fatal(err)
	}
}

// request waits for a request in the dialog.
func (c *dialog) request(method sip.RequestMethod) *ua.Incoming {
	c.a.t.Helper()
	e := c.next()
	if e.Request == nil || e.Request.Method != method {
		c.a.t.Fatalf("%s got %s, want %s", c.a.peer.Name, shown(e), method)
	}
	return e.Request
}

// ask sends a request in the dialog.
func (c *dialog) ask(method sip.RequestMethod, body string) *ua.Outgoing {
	c.a.t.Helper()
	return c.askBy(method, "application/sdp", body)
}

// askBy is ask with a body of any type.
func (c *dialog) askBy(method sip.RequestMethod, contentType, body string) *ua.Outgoing {
	c.a.t.Helper()
	req := c.state.RequestWith(method, []byte(body), contentType)
	out, err := c.box.Send(c.a.t.Context(), req, box, c.a.end, c.state, nil)
	if err != nil {
		c.a.t.Fatal(err)
	}
	return out
}

// answeredCall brings an office call to carrier-a up.
func (s *scene) answeredCall() (caller, callee *dialog) {
	s.t.Helper()
	caller = s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	callee = s.a.called()
	callee.respond(180, "")
	caller.expect(180)
	callee.respond(200, secureSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	return caller, callee
}

// noLeak checks that nothing of the other side is in what the box sent to an actor.
func noLeak(t *testing.T, a *actor, forbidden ...string) {
	t.Helper()
	for _, m := range a.boxEnd.Sent() {
		for _, f := range forbidden {
			if strings.Contains(strings.ToLower(m), strings.ToLower(f)) {
				t.Errorf("%q reached %s:\n%s", f, a.peer.Name, m)
			}
		}
	}
}

func offerOf(in *ua.Incoming) []string {
	return strings.Split(strings.TrimSpace(string(in.Body())), "\r\n")
}

func hasLine(lines []string, prefix string) bool {
	return slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, prefix) })
}
