package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"go.uber.org/goleak"

	"tollgate/firmware/policy"
)

// The lab is a relay on the loopback network, with peers on addresses of their own: 127.0.1.x is inside, 127.0.2.x
// outside. The peers encrypt with pion/srtp, fed with their own copy of the keys.

// portable has every relay of the tests read its ports by themselves, as on kernels that steer nothing.
var portable = flag.Bool("portable", false, "test the way that every kernel allows, and not the quicker one")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	insideAddr  = "127.0.1.1"
	outsideAddr = "127.0.2.1"
)

var labPorts = PortRange{Low: 21000, High: 21999} // below those that the kernel gives to the peers

func labConfig() Config {
	return Config{
		Inside:  SideConfig{Address: netip.MustParseAddr(insideAddr)},
		Outside: SideConfig{Address: netip.MustParseAddr(outsideAddr)},
		Ports:   labPorts,
	}
}

// newRelay starts a relay that ends with the test.
func newRelay(t testing.TB, p Pinholes, c Config) *Relay {
	t.Helper()
	log := slog.New(slog.NewTextHandler(testWriter{t}, nil))
	build := New
	if *portable {
		build = func(p Pinholes, log *slog.Logger) (*Relay, error) { return start(p, log, nil) }
	}
	r, err := build(p, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	if err := r.Set(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	return r
}

func openSession(t testing.TB, r *Relay) *Session {
	t.Helper()
	s, err := r.Open(t.Name(), policy.SideInside, policy.SideOutside)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", bytes.TrimSpace(b))
	return len(b), nil
}

// peer is one end of a call: a pair of sockets and the keys of the leg towards the box.
type peer struct {
	t       testing.TB
	rtp     *net.UDPConn
	rtcp    *net.UDPConn
	leg     *Leg
	ours    *Keys         // the box sends with
	theirs  *Keys         // the peer sends with
	encrypt *srtp.Context // nil: plain
	decrypt *srtp.Context
	ssrc    uint32
	seq     uint16
	pt      uint8
}

// newPeer opens a peer's sockets on an address. The leg is not set yet.
func newPeer(t testing.TB, leg *Leg, addr string, suite policy.Suite) *peer {
	t.Helper()
	p := &peer{t: t, leg: leg, rtp: listen(t, addr), rtcp: listen(t, addr), ssrc: 0x5eed0001, seq: 100, pt: 8}
	if suite != "" {
		p.theirs, p.ours = testKeys(suite, "peer "+addr), testKeys(suite, "box to "+addr)
		p.encrypt, p.decrypt = pionContext(t, *p.theirs), pionContext(t, *p.ours)
	}
	return p
}

func listen(t testing.TB, addr string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func addrOf(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

// testKeys makes the keys that a word stands for.
func testKeys(suite policy.Suite, word string) *Keys {
	key, salt := keyAndSalt(suite)
	return &Keys{Suite: suite, Key: bytes.Repeat([]byte(word+" "), 46)[:key+salt]}
}

// keyAndSalt are the lengths of RFC 4568 §6.2, RFC 6188 §4 and RFC 7714 §12.
func keyAndSalt(s policy.Suite) (key, salt int) {
	key, salt = 16, 14
	if strings.Contains(string(s), "256") {
		key = 32
	}
	if strings.HasSuffix(string(s), "GCM") {
		salt = 12
	}
	return key, salt
}

// pionProfiles are the suites as the peers call them.
var pionProfiles = map[policy.Suite]srtp.ProtectionProfile{
	"AES_CM_128_HMAC_SHA1_80": srtp.ProtectionProfileAes128CmHmacSha1_80,
	"AES_CM_128_HMAC_SHA1_32": srtp.ProtectionProfileAes128CmHmacSha1_32,
	"AES_256_CM_HMAC_SHA1_80": srtp.ProtectionProfileAes256CmHmacSha1_80,
	"AES_256_CM_HMAC_SHA1_32": srtp.ProtectionProfileAes256CmHmacSha1_32,
	"AEAD_AES_128_GCM":        srtp.ProtectionProfileAeadAes128Gcm,
	"AEAD_AES_256_GCM":        srtp.ProtectionProfileAeadAes256Gcm,
}

func pionContext(t testing.TB, k Keys) *srtp.Context {
	t.Helper()
	keyLength, _ := keyAndSalt(k.Suite)
	options := []srtp.ContextOption{srtp.SRTPReplayProtection(64), srtp.SRTCPReplayProtection(64)}
	if k.MKI != nil {
		options = append(options, srtp.MasterKeyIndicator(k.MKI))
	}
	c, err := srtp.CreateContext(k.Key[:keyLength], k.Key[keyLength:], pionProfiles[k.Suite], options...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// params are what signalling would agree on with the peer.
func (p *peer) params() Params {
	return Params{Remote: addrOf(p.rtp), RemoteRTCP: addrOf(p.rtcp), Send: p.ours, Receive: p.theirs}
}

func (p *peer) set(change ...func(*Params)) {
	p.t.Helper()
	params := p.params()
	for _, c := range change {
		c(&params)
	}
	if err := p.leg.Set(params); err != nil {
		p.t.Fatal(err)
	}
}

// changeKeys gives both directions the keys that a word stands for.
func (p *peer) changeKeys(suite policy.Suite, word string) {
	p.t.Helper()
	p.theirs, p.ours = testKeys(suite, word+" of peer"), testKeys(suite, word+" of box")
	p.encrypt, p.decrypt = pionContext(p.t, *p.theirs), pionContext(p.t, *p.ours)
	p.set()
}

func (p *peer) boxRTP() netip.AddrPort  { a, _ := p.leg.Local(); return a }
func (p *peer) boxRTCP() netip.AddrPort { _, a := p.leg.Local(); return a }

// next makes the peer's next packet as it goes on the wire.
func (p *peer) next(payload []byte) []byte {
	p.t.Helper()
	h := rtp.Header{Version: 2, PayloadType: p.pt, SequenceNumber: p.seq, Timestamp: uint32(p.seq) * 160, SSRC: p.ssrc}
	p.seq++
	b, err := (&rtp.Packet{Header: h, Payload: payload}).Marshal()
	if err == nil && p.encrypt != nil {
		b, err = p.encrypt.EncryptRTP(nil, b, nil)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

func (p *peer) talk(payload []byte) { p.t.Helper(); write(p.t, p.rtp, p.boxRTP(), p.next(payload)) }

func write(t testing.TB, c *net.UDPConn, to netip.AddrPort, b []byte) {
	t.Helper()
	if _, err := c.WriteToUDPAddrPort(b, to); err != nil {
		t.Fatal(err)
	}
}

// patience is how long a packet may take, quiet how long a silence is watched.
const (
	patience = 5 * time.Second
	quiet    = 50 * time.Millisecond
)

// read takes one datagram; false when none comes in time.
func read(t testing.TB, c *net.UDPConn, wait time.Duration) (b []byte, from netip.AddrPort, ok bool) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(wait))
	b = make([]byte, 4096)
	n, from, err := c.ReadFromUDPAddrPort(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, from, false
	}
	if err != nil {
		t.Fatal(err)
	}
	return b[:n], from, true
}

// hear takes one packet that the box sends to the peer and decrypts it.
func (p *peer) hear() *rtp.Packet {
	p.t.Helper()
	b, from, ok := read(p.t, p.rtp, patience)
	if !ok {
		p.t.Fatalf("nothing arrives; %+v", p.leg.Stats())
	}
	if from.Port() != p.boxRTP().Port() {
		p.t.Fatalf("a packet comes from %v, not from the leg's own port %v", from, p.boxRTP())
	}
	return p.understand(b)
}

func (p *peer) understand(b []byte) *rtp.Packet {
	p.t.Helper()
	if p.decrypt != nil {
		var err error
		if b, err = p.decrypt.DecryptRTP(nil, b, nil); err != nil {
			p.t.Fatalf("what the box sends cannot be decrypted: %v", err)
		}
	}
	packet := &rtp.Packet{}
	if err := packet.Unmarshal(b); err != nil {
		p.t.Fatal(err)
	}
	return packet
}

// hears fails the test unless the next packet carries this payload.
func (p *peer) hears(payload []byte) {
	p.t.Helper()
	if got := p.hear(); !bytes.Equal(got.Payload, payload) {
		p.t.Fatalf("heard %q, want %q", got.Payload, payload)
	}
}

func silent(t testing.TB, c *net.UDPConn, who string) {
	t.Helper()
	if b, from, ok := read(t, c, quiet); ok {
		t.Fatalf("%s gets %d bytes from %v: %x", who, len(b), from, b)
	}
}

func (p *peer) hearsNothing() { p.t.Helper(); silent(p.t, p.rtp, "the peer") }

// call is a session with a peer on each side, set up.
type call struct {
	*Session
	relay *Relay
	a, b  *peer // inside, outside
}

// newCall sets up a call; a suite of "" is plain RTP.
func newCall(t testing.TB, inside, outside policy.Suite) *call {
	t.Helper()
	return callOn(t, newRelay(t, nil, labConfig()), inside, outside)
}

// callOn is newCall on a relay that is there.
func callOn(t testing.TB, r *Relay, inside, outside policy.Suite) *call {
	t.Helper()
	c := &call{Session: openSession(t, r), relay: r}
	c.a = newPeer(t, c.Leg(Caller), "127.0.1.9", inside)
	c.b = newPeer(t, c.Leg(Callee), "127.0.2.9", outside)
	c.b.ssrc = 0x5eed0002
	c.a.set()
	c.b.set()
	return c
}

// converse has both ends say and hear n packets each.
func (c *call) converse(n int) {
	c.a.t.Helper()
	for i := range n {
		there, back := tone(i, 440), tone(i, 1000)
		c.a.talk(there)
		c.b.hears(there)
		c.b.talk(back)
		c.a.hears(back)
	}
}

// stats waits until a condition on a side's counters is met, since a packet that is dropped leaves no other trace.
func (c *call) stats(role Role, what string, met func(LegStats) bool) LegStats {
	c.a.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		s := c.Leg(role).Stats()
		if met(s) {
			return s
		}
		if time.Now().After(end) {
			c.a.t.Fatalf("leg %d: %s; counters are %+v", role, what, s)
		}
	}
}

// tone is the i-th packet of 20 ms of a tone, eight bits a sample.
func tone(i int, hertz float64) []byte {
	b := make([]byte, 160)
	for k := range b {
		b[k] = byte(128 + 100*math.Sin(2*math.Pi*hertz*float64(160*i+k)/8000))
	}
	return b
}

// report makes an RTCP sender report with a source description.
func report(ssrc uint32) []byte {
	sr := make([]byte, 28)
	sr[0], sr[1] = 0x80, 200
	binary.BigEndian.PutUint16(sr[2:], 6)
	binary.BigEndian.PutUint32(sr[4:], ssrc)
	sdes := []byte{0x81, 202, 0, 3, 0, 0, 0, 0, 1, 4, 'n', 'a', 'm', 'e', 0, 0}
	binary.BigEndian.PutUint32(sdes[4:], ssrc)
	return append(sr, sdes...)
}

// filter is a packet filter that keeps account.
type filter struct {
	mu    sync.Mutex
	open  map[string]int
	moves []string
	calls int // of OpenPinholes that went well
	fail  func(side policy.Side, local netip.AddrPort) error
}

func newFilter() *filter { return &filter{open: map[string]int{}} }

// shut tells whether no pinhole is open.
func (f *filter) shut() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.open) == 0
}

func holeText(h Hole) string { return fmt.Sprintf("%s %v from %v", h.Side, h.Local, h.From) }

func (f *filter) OpenPinholes(holes []Hole) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range holes {
		if f.fail == nil {
			break
		}
		if err := f.fail(h.Side, h.Local); err != nil {
			return err
		}
	}
	f.calls++
	for _, h := range holes {
		f.open[holeText(h)]++
		f.moves = append(f.moves, "open "+holeText(h))
	}
	return nil
}

func (f *filter) ShutPinholes(holes []Hole) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range holes {
		if f.open[holeText(h)]--; f.open[holeText(h)] == 0 {
			delete(f.open, holeText(h))
		}
		f.moves = append(f.moves, "shut "+holeText(h))
	}
	return nil
}

// listenAt is listen on a port that was there before.
func listenAt(t testing.TB, a netip.AddrPort) (*net.UDPConn, error) {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(a))
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}
