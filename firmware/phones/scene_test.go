package phones

import (
	"context"
	"errors"
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

// scene is the box between phones and their PBX, for which a function of the test answers.
type scene struct {
	t       *testing.T
	p       *Phones
	core    *ua.Core
	writes  int // of records
	records map[string][]byte
	config  Config
	seq     int

	mu      sync.Mutex
	facts   []event.Event
	dialed  []ua.Target
	pinged  []string
	asked   []*sip.Request // by the box, of the PBX
	avoided []string
	answer  func(*sip.Request) *sip.Response // of the PBX; nil: silence
	options int                              // its answer to OPTIONS; 0: silence
}

func branch() policy.Phones {
	return policy.Phones{
		Domain: "cloud.example", Proxy: "cloud.example", Transport: policy.UDP, SRTP: policy.SRTPOff, Codecs: []string{"PCMA"},
		Sources: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, PhoneTransports: []policy.Transport{policy.UDP, policy.TCP, policy.TLSTransport},
		Survival: policy.SurvivalPhones, Most: 150,
	}
}

func newScene(t *testing.T) *scene {
	s := &scene{t: t, records: map[string][]byte{}, options: 200}
	s.config = Config{Policy: branch(), Local: func(tr policy.Transport) ua.Local {
		return ua.Local{Host: "192.0.2.1", Port: 5060, Transport: string(tr)}
	}}
	s.answer = s.granting(3600)
	s.start()
	t.Cleanup(func() { s.p.Close() })
	return s
}

// start runs the box, or runs it once more with what was kept.
func (s *scene) start() {
	s.t.Helper()
	log := slog.New(slog.DiscardHandler)
	s.core = ua.New(func(in *ua.Incoming) { s.p.Handle(in) }, log)
	var err error
	if s.p, err = New(Options{Core: s.core, Dialer: s, Upstream: s, Records: s, Sink: s, Log: log}); err != nil {
		s.t.Fatal(err)
	}
	s.p.Set(s.config)
}

func (s *scene) Put(kind, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[kind+"/"+key] = value
	s.writes++
	return nil
}

func (s *scene) Get(kind, key string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.records[kind+"/"+key]
	return v, ok, nil
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
		case event.RemotePBXChanged:
			list = append(list, fmt.Sprintf("reachable %v: %s", e.Reachable, e.Reason))
		case event.SourceRefused:
			list = append(list, fmt.Sprintf("%d %s: %s", e.Status, e.Rule, e.Reason))
		}
	}
	s.facts = nil
	return list
}

func (s *scene) Dial(_ context.Context, t ua.Target) (sip.Connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dialed = append(s.dialed, t)
	return &wire{scene: s, transport: t.Transport, source: t.Addr.String(), end: make(chan struct{})}, nil
}

// RemotePBX has one server.
func (s *scene) RemotePBX() (PBX, bool) {
	return PBX{Servers: []Server{server{s}}, Local: ua.Local{Host: "198.51.100.10", Port: 5060, Transport: "udp"}}, true
}

type server struct{ s *scene }

func (v server) Conn(context.Context) (sip.Connection, error) { return pbxWire(v), nil }
func (v server) Avoid(why string, _ time.Duration) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.s.avoided = append(v.s.avoided, why)
}

// pbxWire is the box's way to the PBX.
type pbxWire struct{ s *scene }

func (w pbxWire) LocalAddr() net.Addr {
	return &net.UDPAddr{IP: net.IPv4(198, 51, 100, 10), Port: 5060}
}
func (w pbxWire) Ref(int) int            { return 1 }
func (w pbxWire) TryClose() (int, error) { return 1, nil }
func (w pbxWire) Close() error           { return nil }

func (w pbxWire) WriteMsg(m sip.Message) error {
	parsed, err := sip.NewParser().ParseSIP([]byte(m.String()))
	if err != nil {
		return err
	}
	req := parsed.(*sip.Request)
	w.s.mu.Lock()
	var res *sip.Response
	if req.Method == sip.OPTIONS {
		if w.s.options > 0 {
			res = sip.NewResponseFromRequest(req, w.s.options, "Whatever", nil)
		}
	} else {
		w.s.asked = append(w.s.asked, req)
		if w.s.answer != nil {
			res = w.s.answer(req)
		}
	}
	w.s.mu.Unlock()
	if res != nil {
		go w.s.core.Receive(res, w, remotePBX())
	}
	return nil
}

// away has the PBX say nothing any more; back undoes it.
func (s *scene) away() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.options = nil, 0
}

func (s *scene) back() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.options = s.granting(3600), 200
}

// granting is a PBX that asks whoever sends no credentials for them, and grants lifetimes up to a bound.
func (s *scene) granting(most int) func(*sip.Request) *sip.Response {
	return func(req *sip.Request) *sip.Response {
		if len(req.GetHeaders("Authorization")) == 0 {
			res := sip.NewResponseFromRequest(req, 401, "Unauthorized", nil)
			res.AppendHeader(sip.NewHeader("WWW-Authenticate", `Digest realm="cloud.example", nonce="n1", qop="auth,auth-int"`))
			return res
		}
		return s.ok(req, most)
	}
}

// ok answers 200 with the Contacts of the request and one of somebody else.
func (s *scene) ok(req *sip.Request, most int) *sip.Response {
	res := sip.NewResponseFromRequest(req, 200, "OK", nil)
	for _, v := range ua.Values(req.GetHeaders("Contact")) {
		uri, params, _ := strings.Cut(v, ">")
		if strings.Contains(params, "expires=0") || v == "*" {
			continue
		}
		res.AppendHeader(sip.NewHeader("Contact", fmt.Sprintf("%s>;expires=%d", uri, most)))
	}
	res.AppendHeader(sip.NewHeader("Contact", "<sip:elsewhere@203.0.113.9>;expires=77"))
	res.AppendHeader(sip.NewHeader("Service-Route", "<sip:edge.cloud.example;lr>"))
	return res
}

// requests are the REGISTERs that the PBX has seen since the last time.
func (s *scene) requests() []*sip.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.asked = nil }()
	return slices.Clone(s.asked)
}

// wire is a phone's connection; it keeps what the box writes.
type wire struct {
	scene     *scene
	transport policy.Transport
	source    string
	end       chan struct{}

	mu      sync.Mutex
	written []*sip.Response
}

func (s *scene) phone(t policy.Transport, source string) *wire {
	return &wire{scene: s, transport: t, source: source, end: make(chan struct{})}
}

func (w *wire) LocalAddr() net.Addr    { return &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5060} }
func (w *wire) Ref(int) int            { return 1 }
func (w *wire) TryClose() (int, error) { return 1, nil }
func (w *wire) Close() error           { return nil }
func (w *wire) Done() <-chan struct{}  { return w.end }
func (w *wire) KeepAlive() error {
	w.scene.mu.Lock()
	defer w.scene.mu.Unlock()
	w.scene.pinged = append(w.scene.pinged, w.source)
	return nil
}

func (w *wire) WriteMsg(m sip.Message) error {
	parsed, err := sip.NewParser().ParseSIP([]byte(m.String()))
	if err != nil {
		return err
	}
	res, ok := parsed.(*sip.Response)
	if !ok {
		return errors.New("a request")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.written = append(w.written, res)
	return nil
}

const proof = `Authorization: Digest username="u101", realm="cloud.example", nonce="n1", uri="sip:cloud.example", response="r", qop=auth, nc=00000001, cnonce="c"`

// register sends a REGISTER of user 101 and returns the answer, which may take a while. Headers given take the place of the
// usual ones of that name.
func (s *scene) register(w *wire, headers ...string) *sip.Response {
	s.t.Helper()
	s.seq++
	host, _, _ := net.SplitHostPort(w.source)
	usual := []string{
		fmt.Sprintf("Via: SIP/2.0/%s %s;rport;branch=z9hG4bK%d", strings.ToUpper(string(w.transport)), w.source, s.seq),
		"From: <sip:101@cloud.example>;tag=of-the-phone", "To: <sip:101@cloud.example>", "Call-ID: of-the-phone@" + host,
		fmt.Sprintf("CSeq: %d REGISTER", s.seq), "Contact: <sip:101@" + w.source + ">", "Expires: 3600",
	}
	text := "REGISTER sip:cloud.example SIP/2.0\r\nMax-Forwards: 70\r\nUser-Agent: marked-agent\r\n"
	for _, u := range usual {
		name, _, _ := strings.Cut(u, ":")
		if !slices.ContainsFunc(headers, func(h string) bool { return strings.HasPrefix(h, name+":") }) {
			text += u + "\r\n"
		}
	}
	for _, h := range headers {
		if !strings.HasSuffix(h, ":") { // an empty one is left out
			text += h + "\r\n"
		}
	}
	m, err := sip.NewParser().ParseSIP([]byte(text + "Content-Length: 0\r\n\r\n"))
	if err != nil {
		s.t.Fatal(err)
	}
	m.SetTransport(strings.ToUpper(string(w.transport)))
	m.SetSource(w.source)
	before := w.count()
	s.core.Receive(m, w, policy.PhonePeer(netip.MustParseAddrPort(w.source).Addr()))
	for range 400 {
		synctest.Wait()
		if w.count() > before {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.written) == before {
		s.t.Fatal("no answer")
	}
	return w.written[len(w.written)-1]
}

func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.written)
}

// expect checks the status and the Contacts of an answer.
func expect(t *testing.T, res *sip.Response, status int, contacts ...string) {
	t.Helper()
	if got := ua.Values(res.GetHeaders("Contact")); res.StatusCode != status || !slices.Equal(got, contacts) {
		t.Errorf("answered %d with Contacts %q, want %d with %q", res.StatusCode, got, status, contacts)
	}
}

// tokenOf is the user part of the one Contact that the PBX was given.
func tokenOf(t *testing.T, req *sip.Request) string {
	t.Helper()
	var uri sip.Uri
	params := sip.NewParams()
	if list := ua.Values(req.GetHeaders("Contact")); len(list) != 1 {
		t.Fatalf("Contacts %q", list)
	} else if _, err := sip.ParseAddressValue(list[0], &uri, &params); err != nil {
		t.Fatal(err)
	}
	return uri.User
}

func inBubble(t *testing.T, f func(t *testing.T, s *scene)) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		f(t, s)
		s.p.Close()
		time.Sleep(time.Minute) // transactions end
	})
}
