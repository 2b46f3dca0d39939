package registrar

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

var pbx = policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}

func local(t policy.Transport) ua.Local {
	return ua.Local{Host: "192.0.2.1", Port: 5060, Transport: strings.ToUpper(string(t))}
}

// office is the PBX section of a policy with a PBX that registers.
func office() policy.PBX {
	return policy.PBX{
		ReachedBy: policy.ReachRegistration, Transport: policy.UDP, Sources: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Authentication: policy.AuthDigest, User: "office", Secret: "a-secret-of-24-letters-x",
	}
}

// scene is a registrar, the facts it tells and where it dials.
type scene struct {
	t    *testing.T
	r    *Registrar
	core *ua.Core
	seq  int

	mu      sync.Mutex
	facts   []event.Event
	dialed  []ua.Target
	options []*sip.Request
	answer  int // to OPTIONS; 0: none
}

func newScene(t *testing.T) *scene {
	s := &scene{t: t}
	s.core = ua.New(func(in *ua.Incoming) { s.r.Handle(in) }, slog.New(slog.DiscardHandler))
	s.r = New(Options{Core: s.core, Dialer: s, Sink: s, Log: slog.New(slog.DiscardHandler)})
	s.r.Set(office(), local)
	t.Cleanup(s.r.Close)
	return s
}

func (s *scene) Tell(e event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.facts = append(s.facts, e)
}

// told returns the facts since the last time, as words.
func (s *scene) told() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.facts {
		switch e := e.(type) {
		case event.PBXChanged:
			list = append(list, fmt.Sprintf("%v %s %s", e.Reachable, e.Address, e.Reason))
		case event.SourceRefused:
			list = append(list, fmt.Sprintf("%d %s %s", e.Status, e.Rule, e.Source))
		}
	}
	s.facts = nil
	return list
}

func (s *scene) Dial(_ context.Context, t ua.Target) (sip.Connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dialed = append(s.dialed, t)
	w := newWire(t.Transport, t.Addr.String())
	w.asked = s.asked
	return w, nil
}

// asked answers the box's OPTIONS as the test wants.
func (s *scene) asked(req *sip.Request, w *wire) {
	s.mu.Lock()
	status := s.answer
	s.options = append(s.options, req)
	s.mu.Unlock()
	if status == 0 {
		return
	}
	res := sip.NewResponseFromRequest(req, status, "Whatever", nil)
	go s.core.Receive(res, w, pbx)
}

// wire is a connection from the PBX; it keeps what the box writes.
type wire struct {
	transport policy.Transport
	source    string
	end       chan struct{}
	asked     func(*sip.Request, *wire)

	mu      sync.Mutex
	written []*sip.Response
}

func newWire(t policy.Transport, source string) *wire {
	return &wire{transport: t, source: source, end: make(chan struct{})}
}

func (w *wire) LocalAddr() net.Addr    { return &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5060} }
func (w *wire) Ref(int) int            { return 1 }
func (w *wire) TryClose() (int, error) { return 1, nil }
func (w *wire) Close() error           { return nil }
func (w *wire) Done() <-chan struct{}  { return w.end }

func (w *wire) WriteMsg(m sip.Message) error {
	parsed, err := sip.NewParser().ParseSIP([]byte(m.String()))
	if err != nil {
		return err
	}
	if req, ok := parsed.(*sip.Request); ok && w.asked != nil {
		w.asked(req, w)
	}
	if res, ok := parsed.(*sip.Response); ok {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.written = append(w.written, res)
	}
	return nil
}

func (w *wire) last() *sip.Response {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.written) == 0 {
		return nil
	}
	return w.written[len(w.written)-1]
}

// register sends a REGISTER of the user office by w and returns the answer. Headers given come besides, or instead of the
// usual ones of that name.
func (s *scene) register(w *wire, headers ...string) *sip.Response {
	s.t.Helper()
	s.seq++
	usual := []string{"To: <sip:office@192.0.2.1>", "Call-ID: registration-of-the-office", fmt.Sprintf("CSeq: %d REGISTER", s.seq)}
	text := "REGISTER sip:192.0.2.1 SIP/2.0\r\n" +
		fmt.Sprintf("Via: SIP/2.0/%s 192.0.2.20:5060;rport;branch=z9hG4bK%d\r\n", strings.ToUpper(string(w.transport)), s.seq) +
		"Max-Forwards: 70\r\nFrom: <sip:office@192.0.2.1>;tag=of-the-pbx\r\n"
	for _, u := range usual {
		name, _, _ := strings.Cut(u, ":")
		if !strings.Contains("\n"+strings.Join(headers, "\n"), "\n"+name+":") {
			text += u + "\r\n"
		}
	}
	for _, h := range headers {
		text += h + "\r\n"
	}
	m, err := sip.NewParser().ParseSIP([]byte(text + "Content-Length: 0\r\n\r\n"))
	if err != nil {
		s.t.Fatalf("%v\n%s", err, text)
	}
	m.SetTransport(strings.ToUpper(string(w.transport)))
	m.SetSource(w.source)
	s.core.Receive(m, w, pbx)
	synctest.Wait()
	res := w.last()
	if res == nil {
		s.t.Fatalf("no answer to\n%s", text)
	}
	return res
}

// expect registers and checks the status; it returns the Contacts that the answer lists.
func (s *scene) expect(status int, w *wire, headers ...string) string {
	s.t.Helper()
	res := s.register(w, headers...)
	if res.StatusCode != status {
		s.t.Errorf("%q: %d %s, want %d", headers, res.StatusCode, res.Reason, status)
	}
	return strings.Join(ua.Values(res.GetHeaders("Contact")), ", ")
}

// same compares lists of words.
func (s *scene) same(what string, got []string, want ...string) {
	s.t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		s.t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const fromOffice = "192.0.2.20:5060"

func TestAPBXIsReachedWhereItRegisteredUntilTheRegistrationLapses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t), newWire(policy.UDP, fromOffice)
		if st := s.r.State(); st.Registered || st.Reason != "the PBX has not registered yet" {
			t.Errorf("before: %+v", st)
		}
		if got := s.expect(200, w, "Contact: <sip:office@192.0.2.20:5060;line=7>", "Expires: 120"); got != "<sip:office@192.0.2.20:5060;line=7>;expires=120" {
			t.Errorf("listed %q", got)
		}
		s.same("told", s.told(), "true 192.0.2.20:5060 ")
		since := time.Now()
		time.Sleep(100 * time.Second)
		if got := s.expect(200, w); got != "<sip:office@192.0.2.20:5060;line=7>;expires=20" {
			t.Errorf("asked after 100 s: %q", got)
		}
		s.expect(200, w, "Contact: <sip:office@192.0.2.20:5060;line=7>;expires=120", "Expires: 600") // the Contact's own counts
		time.Sleep(119 * time.Second)
		st := s.r.State()
		if !st.Registered || !st.Since.Equal(since) || !st.Expires.Equal(time.Now().Add(time.Second)) {
			t.Errorf("renewed: %+v", st)
		}
		s.same("told about a renewal", s.told())
		time.Sleep(2 * time.Second)
		if st := s.r.State(); st.Registered || !strings.Contains(st.Reason, "not renewed") {
			t.Errorf("lapsed: %+v", st)
		}
		s.same("told", s.told(), "false  the PBX has not renewed its registration in time")
		if got := s.expect(200, w); got != "" {
			t.Errorf("listed after the lapse: %q", got)
		}
	})
}

func TestLifetimesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t), newWire(policy.UDP, fromOffice)
		for _, c := range []struct{ contact, expires, granted string }{
			{"<sip:office@192.0.2.20>", "", "600"},
			{"<sip:office@192.0.2.20>", "Expires: 86400", "600"},
			{"<sip:office@192.0.2.20>", "Expires: 60", "60"},
			{"<sip:office@192.0.2.20>", "Expires: soon", "600"},
			{"<sip:office@192.0.2.20>;expires=4294967295", "", "600"},
			{"<sip:office@192.0.2.20>;expires=99999999999999", "", "600"},
			{"sip:office@192.0.2.20;expires=90", "", "90"}, // without brackets it is the header's (RFC 3261 §20.10)
		} {
			headers := []string{"Contact: " + c.contact}
			if c.expires != "" {
				headers = append(headers, c.expires)
			}
			if got := s.expect(200, w, headers...); got != "<sip:office@192.0.2.20>;expires="+c.granted {
				t.Errorf("%q got %q, want %s s", headers, got, c.granted)
			}
		}
		for _, headers := range [][]string{
			{"Contact: <sip:office@192.0.2.20>;expires=59"},
			{"Contact: <sip:office@192.0.2.20>", "Expires: 1"},
			{"Contact: <sip:office@192.0.2.20>;expires=300, <sip:office@192.0.2.21>;expires=2"},
		} {
			res := s.register(w, headers...)
			if h := res.GetHeaders("Min-Expires"); res.StatusCode != 423 || len(h) != 1 || h[0].Value() != "60" {
				t.Errorf("%q: %s", headers, res)
			}
		}
		if st := s.r.State(); !st.Registered {
			t.Error("a registration that was too brief has ended the one before")
		}
	})
}

func TestAPBXTakesItsRegistrationBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t), newWire(policy.UDP, fromOffice)
		const here = "Contact: <sip:office@192.0.2.20:5060>"
		for name, headers := range map[string][]string{
			"all":                     {"Contact: *", "Expires: 0"},
			"its Contact":             {here, "Expires: 0"},
			"the parameter":           {here + ";expires=0"},
			"with another Call-ID":    {"Contact: *", "Expires: 0", "Call-ID: another", "CSeq: 1 REGISTER"},
			"with other parameters":   {"Contact: <sip:office@192.0.2.20:5060;ob>;expires=0"},
			"beside what never was":   {"Contact: <sip:office@192.0.2.99>;expires=0, <sip:office@192.0.2.20:5060>;expires=0"},
			"in a list of one header": {"Contact: <sip:x@192.0.2.99>;expires=0", here + ";expires=0"},
		} {
			s.expect(200, w, here)
			s.told()
			if got := s.expect(200, w, headers...); got != "" {
				t.Errorf("%s: still listed %q", name, got)
			}
			s.same(name, s.told(), "false  the PBX has taken its registration back")
		}
		s.expect(200, w, here)
		if got := s.expect(200, w, "Contact: <sip:office@192.0.2.99:5060>;expires=0"); got == "" {
			t.Error("taking another Contact back has ended the binding")
		}
	})
}

func TestAStarThatDoesMoreThanRemoveIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t), newWire(policy.UDP, fromOffice)
		s.expect(200, w, "Contact: <sip:office@192.0.2.20>")
		s.told()
		for _, headers := range [][]string{
			{"Contact: *"}, {"Contact: *", "Expires: 60"}, {"Contact: *, <sip:office@192.0.2.20>", "Expires: 0"},
			{"Contact: <tel:+33123456789>"}, {"Contact: <mailto:office@192.0.2.20>"},
			{"Contact: " + strings.TrimSuffix(strings.Repeat("<sip:office@192.0.2.20>, ", maxContacts+1), ", ")},
		} {
			s.expect(400, w, headers...)
			s.same(headers[0], s.told(), "400 malformed registration 192.0.2.20:5060")
		}
		if !s.r.State().Registered {
			t.Error("the binding is gone")
		}
	})
}

func TestThereIsOneBindingAndTheLastWordCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t), newWire(policy.UDP, fromOffice)
		got := s.expect(200, w, "Contact: <sip:a@192.0.2.20>;q=0.2, <sip:b@192.0.2.20>;q=0.9, <sip:c@192.0.2.20>;q=0.9, <sip:d@192.0.2.20>;expires=0")
		if got != "<sip:b@192.0.2.20>;expires=600" {
			t.Errorf("of several: %q", got)
		}
		if got := s.expect(200, w, "Contact: <sip:e@192.0.2.20>"); got != "<sip:e@192.0.2.20>;expires=600" {
			t.Errorf("replaced: %q", got)
		}
		other := newWire(policy.UDP, "192.0.2.21:5060")
		s.told()
		if got := s.expect(200, other, "Call-ID: another", "CSeq: 1 REGISTER", "Contact: <sip:f@192.0.2.21>"); got != "<sip:f@192.0.2.21>;expires=600" {
			t.Errorf("from another address: %q", got)
		}
		s.same("told about the move", s.told(), "true 192.0.2.21:5060 ")
	})
}

func TestAnOldRegisterChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t), newWire(policy.UDP, fromOffice)
		s.expect(200, w, "CSeq: 7 REGISTER", "Contact: <sip:office@192.0.2.20>")
		s.expect(500, w, "CSeq: 6 REGISTER", "Contact: <sip:old@192.0.2.20>")
		s.expect(500, w, "CSeq: 7 REGISTER", "Contact: *", "Expires: 0")
		if got := s.expect(200, w, "CSeq: 1 REGISTER"); got != "<sip:office@192.0.2.20>;expires=600" {
			t.Errorf("a question is never old; it got %q", got)
		}
		if got := s.expect(200, w, "CSeq: 8 REGISTER", "Contact: <sip:new@192.0.2.20>"); got != "<sip:new@192.0.2.20>;expires=600" {
			t.Errorf("the next one got %q", got)
		}
	})
}

func TestOnlyTheUserOfThePolicyIsRegistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t), newWire(policy.UDP, fromOffice)
		contact := "Contact: <sip:office@192.0.2.20>"
		for _, to := range []string{"<sip:other@192.0.2.1>", "<sip:192.0.2.1>", "<sip:Office@192.0.2.1>", "<tel:+33123456789>"} {
			s.expect(403, w, "To: "+to, contact)
			s.same(to, s.told(), "403 wrong address of record 192.0.2.20:5060")
		}
		s.expect(200, w, "To: <sip:%6fffice@tollgate.office.example>", contact)
		res := s.register(w, "Require: gin, path", contact)
		if h := res.GetHeaders("Unsupported"); res.StatusCode != 420 || len(h) != 1 || h[0].Value() != "path" {
			t.Errorf("an extension that is lacking: %s", res)
		}
		s.r.Set(policy.PBX{ReachedBy: policy.ReachAddress, User: "office"}, local)
		s.expect(403, w, contact)
	})
}

func TestANewPolicyKeepsTheBindingUnlessItIsAboutIt(t *testing.T) {
	for name, change := range map[string]func(*policy.PBX){
		"user":      func(p *policy.PBX) { p.User = "other" },
		"secret":    func(p *policy.PBX) { p.Secret = "another-secret-of-24-let" },
		"transport": func(p *policy.PBX) { p.Transport = policy.TCP },
		"sources":   func(p *policy.PBX) { p.Sources = p.Sources[:0] },
		"address":   func(p *policy.PBX) { *p = policy.PBX{Address: netip.MustParseAddrPort(fromOffice)} },
		"":          func(p *policy.PBX) { p.Codecs, p.Overflow = []string{"PCMA"}, "+33612345678" },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t)
			s.expect(200, newWire(policy.UDP, fromOffice), "Contact: <sip:office@192.0.2.20>")
			p := office()
			change(&p)
			s.r.Set(p, local)
			if kept := s.r.State().Registered; kept != (name == "") {
				t.Errorf("after a change of %q: registered %v", name, kept)
			}
		})
	}
}

func TestTheEndOfItsConnectionEndsTheBinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, first := newScene(t), newWire(policy.TCP, "192.0.2.20:40001")
		s.expect(200, first, "Contact: <sip:office@192.0.2.20:5060;transport=tcp>")
		path := s.r.State().Path()
		on := func(want *wire) {
			t.Helper()
			if c, err := path.Conn(t.Context()); err != nil || c != sip.Connection(want) {
				t.Errorf("reached by %v, %v", c, err)
			}
		}
		on(first)
		second := newWire(policy.TCP, "192.0.2.20:40002")
		s.expect(200, second, "Contact: <sip:office@192.0.2.20:5060;transport=tcp>")
		on(first) // a call that began there stays there
		s.told()
		close(first.end)
		synctest.Wait()
		s.same("the old connection has ended", s.told())
		on(second)
		close(second.end)
		synctest.Wait()
		s.same("the new one too", s.told(), "false  the PBX's connection, by which it had registered, has ended")
		if _, err := path.Conn(t.Context()); err == nil || s.r.State().Registered {
			t.Errorf("still reached: %v", err)
		}
		third := newWire(policy.TCP, "192.0.2.20:40003")
		s.expect(200, third, "Contact: <sip:office@192.0.2.20:5060;transport=tcp>")
		on(third)
	})
}

func TestDatagramsGoToThePortOfTheContactOrBackThroughTheNAT(t *testing.T) {
	for _, c := range []struct{ source, contact, want string }{
		{"192.0.2.20:5060", "<sip:office@192.0.2.20:5060>", "192.0.2.20:5060"},
		{"192.0.2.20:35000", "<sip:office@192.0.2.20:5080>", "192.0.2.20:5080"},
		{"192.0.2.20:35000", "<sip:office@192.0.2.20>", "192.0.2.20:5060"},
		{"192.0.2.20:35000", "<sip:office@10.1.2.3:5060>", "192.0.2.20:35000"},
		{"192.0.2.20:35000", "<sip:office@pbx.office.example>", "192.0.2.20:35000"},
		{"192.0.2.20:35000", "<sip:office@198.51.100.7:5060>", "192.0.2.20:35000"}, // nobody else's address is taken
		{"[2001:db8::20]:35000", "<sip:office@[2001:db8::20]:5080>", "[2001:db8::20]:5080"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t)
			s.expect(200, newWire(policy.UDP, c.source), "Contact: "+c.contact)
			if _, err := s.r.State().Path().Conn(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := ua.Target{Owner: policy.PeerPBX, Side: policy.SideInside, Transport: policy.UDP, Addr: netip.MustParseAddrPort(c.want)}
			if len(s.dialed) != 1 || s.dialed[0] != want {
				t.Errorf("%s with %s: dialled %+v, want %s", c.source, c.contact, s.dialed, c.want)
			}
		})
	}
}

// questions are the OPTIONS that came, repetitions too.
func (s *scene) questions() []*sip.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.options)
}

func (s *scene) answers(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = status
}

func TestAPBXThatFallsSilentIsAwayBeforeItsRegistrationLapses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t), newWire(policy.UDP, fromOffice)
		const contact = "Contact: <sip:office@192.0.2.20:5060;line=7>"
		s.answers(404) // whatever it says, it is there
		s.expect(200, w, contact)
		time.Sleep(61 * time.Second)
		if got := s.questions(); len(got) != 2 || got[0].Recipient.String() != "sip:office@192.0.2.20:5060;line=7" {
			t.Fatalf("asked %v", got)
		}
		s.same("while it answers", s.told(), "true 192.0.2.20:5060 ")

		s.answers(0)
		time.Sleep(35 * time.Second)
		if !s.r.State().Reachable {
			t.Error("one answer that is missing is no outage")
		}
		time.Sleep(15 * time.Second)
		const silence = "the PBX is registered, but does not answer"
		s.same("after two", s.told(), "false 192.0.2.20:5060 "+silence)
		if st := s.r.State(); !st.Registered || st.Reachable || st.Reason != silence || st.Path() == nil {
			t.Errorf("silent: %+v", st)
		}
		s.answers(200)
		time.Sleep(15 * time.Second)
		s.same("when it answers again", s.told(), "true 192.0.2.20:5060 ")

		s.answers(0)
		time.Sleep(60 * time.Second)
		s.told()
		s.expect(200, w, contact)
		s.same("when it registers again", s.told(), "true 192.0.2.20:5060 ")
		time.Sleep(60 * time.Second)
		s.same("a renewal is not forgiven for ever", s.told(), "false 192.0.2.20:5060 "+silence)
		time.Sleep(10 * time.Minute)
		s.same("in the end", s.told(), "false  the PBX has not renewed its registration in time")
	})
}

func TestAPBXThatNeverAnswersOPTIONSIsNotJudgedByIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.expect(200, newWire(policy.UDP, fromOffice), "Contact: <sip:office@192.0.2.20:5060>")
		time.Sleep(9 * time.Minute)
		if st := s.r.State(); !st.Reachable || len(s.questions()) < 10 {
			t.Errorf("after %d questions: %+v", len(s.questions()), st)
		}
	})
}

func TestTheURIOfACallIsThatOfTheContact(t *testing.T) {
	for contact, want := range map[string][2]string{
		"<sip:office@192.0.2.20>":                               {"192.0.2.20", ""},
		"<sip:office@192.0.2.20:5080;transport=tcp;line=7;ob>":  {"192.0.2.20:5080", ";transport=tcp;line=7;ob"},
		"<sip:192.0.2.20;bnc>":                                  {"192.0.2.20", ""}, // RFC 6140
		"<sip:gw+tollgate@pbx.office.example:5060;gw=tollgate>": {"pbx.office.example:5060", ";gw=tollgate"},
		"<sip:office@[2001:db8::20]:5080>":                      {"[2001:db8::20]:5080", ""},
		"<sip:office@[2001:db8::20]>":                           {"[2001:db8::20]", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t)
			s.expect(200, newWire(policy.UDP, fromOffice), "Require: gin", "Contact: "+contact)
			b := s.r.State().Binding
			if got := [2]string{b.Host(), b.Params()}; got != want {
				t.Errorf("%s: %q, want %q", contact, got, want)
			}
			var uri sip.Uri
			if err := sip.ParseUri("sip:+33123456700@"+b.Host()+b.Params(), &uri); err != nil || uri.User != "+33123456700" {
				t.Errorf("%s: %v", contact, err)
			}
		})
	}
}

func FuzzARegisterNeverPanicsAndNeverBindsMoreThanItMay(f *testing.F) {
	for _, seed := range []string{"*", "<sip:office@192.0.2.20>;expires=0", `"a, b" <sip:x@[::1]:5060;transport=tcp>;q=0.5, sip:y@z`, "<sip:>", "<", ";;=", "<sip:a@b;c=\"d>"} {
		f.Add(seed, "60")
	}
	f.Fuzz(func(t *testing.T, value, expires string) {
		req := sip.NewRequest(sip.REGISTER, sip.Uri{Scheme: "sip", Host: "192.0.2.1"})
		req.AppendHeader(sip.NewHeader("Contact", value))
		req.AppendHeader(sip.NewHeader("Expires", expires))
		w, err := readWish(&ua.Incoming{Request: req})
		if err != nil {
			return
		}
		if len(w.contacts) > maxContacts || w.all && len(w.contacts) > 0 {
			t.Errorf("%+v", w)
		}
		if best, ok := w.best(); ok {
			b := Binding{Contact: best.uri}
			_, _ = b.Host(), b.Params()
			if best.expires <= 0 || best.uri.Host == "" || w.all {
				t.Errorf("bound to %+v", best)
			}
		}
	})
}
