package edge

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/goleak"

	"tollgate/firmware/access"
	"tollgate/firmware/certs"
	"tollgate/firmware/event"
	"tollgate/firmware/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rules is an Access whose parts a test may replace. By default everybody is known and accepted.
type rules struct {
	mu       sync.Mutex
	known    func(access.Source) bool
	identify func(access.Source, *sip.Request) access.Verdict
}

func (r *rules) Known(s access.Source) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known == nil || r.known(s)
}

func (r *rules) Identify(_ time.Time, s access.Source, req *sip.Request) access.Verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.identify != nil {
		return r.identify(s, req)
	}
	name := s.Dialled
	if name == "" {
		name = map[policy.Side]string{policy.SideInside: policy.PeerPBX, policy.SideOutside: "carrier"}[s.Side]
	}
	return access.Verdict{Action: access.Accept, Peer: policy.Peer{Side: s.Side, Name: name}}
}

// handed is what the Handler got.
type handed struct {
	m    sip.Message
	c    *Conn
	peer policy.Peer
}

// sink keeps the facts told.
type sink struct {
	mu    sync.Mutex
	facts []event.SourceRefused
}

func (s *sink) Tell(e event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.facts = append(s.facts, e.(event.SourceRefused))
}

func (s *sink) all() []event.SourceRefused {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]event.SourceRefused(nil), s.facts...)
}

// await waits for a fact of this rule.
func (s *sink) await(t *testing.T, rule string) event.SourceRefused {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for _, f := range s.all() {
			if f.Rule == rule {
				return f
			}
		}
	}
	t.Fatalf("nothing told under %q, only %v", rule, s.all())
	return event.SourceRefused{}
}

// bench is an Edge under test with what it talks to.
type bench struct {
	*Edge
	rules  *rules
	sink   *sink
	handed chan handed
}

type option func(*Options)

func newBench(t *testing.T, options ...option) *bench {
	t.Helper()
	b := &bench{rules: &rules{}, sink: &sink{}, handed: make(chan handed, 5000)}
	o := Options{Access: b.rules, Sink: b.sink, Log: quiet(),
		Handler: func(m sip.Message, c *Conn, p policy.Peer) { b.handed <- handed{m, c, p} }}
	for _, f := range options {
		f(&o)
	}
	b.Edge = New(o)
	t.Cleanup(func() { b.Close() })
	return b
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// listen sets one listener for each transport on side and returns their addresses.
func (b *bench) listen(t *testing.T, listeners ...Listener) map[policy.Transport]netip.AddrPort {
	t.Helper()
	if err := b.Set(t.Context(), Config{Listeners: listeners}); err != nil {
		t.Fatal(err)
	}
	m := map[policy.Transport]netip.AddrPort{}
	for _, l := range b.Listening() {
		m[l.Transport] = l.Addr
	}
	return m
}

func (b *bench) next(t *testing.T) handed {
	t.Helper()
	select {
	case h := <-b.handed:
		return h
	case <-time.After(5 * time.Second):
		t.Fatalf("nothing was handed on; refused: %v", b.sink.all())
		return handed{}
	}
}

func (b *bench) nothing(t *testing.T) {
	t.Helper()
	select {
	case h := <-b.handed:
		t.Fatalf("handed on: %s", h.m)
	case <-time.After(50 * time.Millisecond):
	}
}

func loopback(t policy.Transport) netip.AddrPort { return netip.MustParseAddrPort("127.0.0.1:0") }

// inside is a listener of the inside on a free port.
func inside(t policy.Transport, config *tls.Config) Listener {
	return Listener{Side: policy.SideInside, Transport: t, Addr: loopback(t), TLS: config}
}

// memory keeps the certificates of tests.
type memory map[string][]byte

func (m memory) Put(kind, key string, value []byte) error { m[kind+key] = value; return nil }
func (m memory) Get(kind, key string) ([]byte, bool, error) {
	v, ok := m[kind+key]
	return v, ok, nil
}

// certificates returns a server configuration for 127.0.0.1 and a client's that trusts it.
func certificates(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	a, err := certs.Open(memory{}, time.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	server, err = a.Server([]string{"localhost"}, []netip.Addr{netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	client, err = a.Client(policy.TLS{}, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

// peer is the other end of a connection: it writes text and reads whole messages.
type peer struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

// connect opens a connection to a listener as a peer would.
func connect(t *testing.T, tr policy.Transport, to netip.AddrPort, config *tls.Config) *peer {
	t.Helper()
	c, err := dialPeer(tr, to, config)
	if err != nil {
		t.Fatal(err)
	}
	return newPeer(t, c)
}

func dialPeer(tr policy.Transport, to netip.AddrPort, config *tls.Config) (net.Conn, error) {
	switch tr {
	case policy.UDP:
		return net.Dial("udp", to.String())
	case policy.TCP:
		return net.Dial("tcp", to.String())
	}
	return tls.Dial("tcp", to.String(), config)
}

func newPeer(t *testing.T, c net.Conn) *peer {
	t.Cleanup(func() { c.Close() })
	return &peer{t: t, Conn: c, r: bufio.NewReaderSize(c, 1<<16)}
}

func (p *peer) say(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.Conn, text); err != nil {
		p.t.Fatal(err)
	}
}

// hear reads one message: start line, headers, body by Content-Length.
func (p *peer) hear() string {
	p.t.Helper()
	text, err := p.read(5 * time.Second)
	if err != nil {
		p.t.Fatalf("heard %q and then %v", text, err)
	}
	return text
}

func (p *peer) read(patience time.Duration) (string, error) {
	p.SetReadDeadline(time.Now().Add(patience))
	var b strings.Builder
	length := 0
	for {
		line, err := p.r.ReadString('\n')
		b.WriteString(line)
		if err != nil {
			return b.String(), err
		}
		if n, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(n))
		}
		if line == "\r\n" && b.Len() > 2 {
			break
		}
	}
	_, err := io.CopyN(&b, p.r, int64(length))
	return b.String(), err
}

// silent wants nothing to come for a moment.
func (p *peer) silent() {
	p.t.Helper()
	if text, err := p.read(50 * time.Millisecond); text != "" {
		p.t.Fatalf("heard %q, %v", text, err)
	}
}

// hungUp wants the box to have closed the connection.
func (p *peer) hungUp() {
	p.t.Helper()
	p.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := io.Copy(io.Discard, p.r); err != nil && strings.Contains(err.Error(), "timeout") {
		p.t.Fatalf("the connection is still open after %d bytes: %v", n, err)
	}
}

// request is a good request of the peer; n makes its transaction its own.
func (p *peer) request(method string, n int, more ...string) string {
	return request(method, n, p.transport(), p.LocalAddr().String(), more...)
}

func (p *peer) transport() string {
	switch p.Conn.(type) {
	case *net.UDPConn:
		return "UDP"
	case *tls.Conn:
		return "TLS"
	}
	return "TCP"
}

func request(method string, n int, transport, sentBy string, more ...string) string {
	l := []string{
		method + " sip:box@127.0.0.1 SIP/2.0",
		"Via: SIP/2.0/" + transport + " " + sentBy + ";rport;branch=z9hG4bK" + strconv.Itoa(n),
		"Max-Forwards: 70",
		"Contact: <sip:pbx@192.0.2.20:5060>", // real ones are longer than the answers that need no state
		"User-Agent: office telephone system 12.1",
		"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, INFO, PRACK, UPDATE, SUBSCRIBE",
		"From: <sip:pbx@127.0.0.1>;tag=from",
		"To: <sip:box@127.0.0.1>",
		fmt.Sprintf("Call-ID: call-%d", n),
		fmt.Sprintf("CSeq: %d %s", n, method),
	}
	return lines(append(append(l, more...), "Content-Length: 0", "", "")...)
}

// headerOf returns the value of the first header of this name in a message.
func headerOf(message, name string) string {
	for line := range strings.SplitSeq(message, "\r\n") {
		if v, ok := strings.CutPrefix(line, name+": "); ok {
			return v
		}
	}
	return ""
}

func withTimeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	t.Cleanup(cancel)
	return ctx
}
