package media

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/firmware/datagram"
	"tollgate/firmware/g711"
	"tollgate/firmware/policy"
)

// bench is a worker without its goroutine, turned by hand, between two peers of raw sockets: so that nothing but the
// relay is measured, the sending and the taking at the ends apart.
type bench struct {
	w              *worker
	inside, outer  *half
	phone, carrier datagram.Socket
	names          map[*half]datagram.Name // of the box, for the peers
	from           datagram.Name
	buffer         [largest]byte
}

func newBench(t testing.TB, keys *Keys, s *steering) *bench {
	t.Helper()
	w, err := newWorker(slog.New(slog.NewTextHandler(io.Discard, nil)), nil, newAudio())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.poll.close)
	if s != nil {
		if w.express, err = newExpress(s); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.express.close)
	}
	b := &bench{w: w, names: map[*half]datagram.Name{}}
	b.inside, b.phone = b.leg(t, "127.0.1.1", "127.0.1.9", nil, nil)
	b.outer, b.carrier = b.leg(t, "127.0.2.1", "127.0.2.9", keys, testKeys(keys.Suite, "box"))
	b.inside.far, b.outer.far = b.outer, b.inside
	return b
}

// leg makes one leg and its peer.
func (b *bench) leg(t testing.TB, box, peer string, receive, send *Keys) (*half, datagram.Socket) {
	t.Helper()
	h := &half{counters: &counters{}}
	s := setting{}
	s.translation = new(translation)
	*s.translation = *unchanged
	if receive != nil {
		s.open, _ = newOpener(*receive)
		s.seal, _ = newSealer(*send)
	}
	var local [3]netip.AddrPort
	var sockets [3]datagram.Socket
	for i, addr := range []string{box, box, peer} {
		sockets[i], local[i] = anyPort(t, addr)
	}
	h.rtp = &flow{half: h, socket: port{Socket: sockets[0], exit: sockets[0]}, local: local[0]}
	h.rtcp = &flow{half: h, socket: port{Socket: sockets[1], exit: sockets[1]}, local: local[1], control: true}
	for _, f := range []*flow{h.rtp, h.rtcp} {
		if err := b.w.attach(f); err != nil {
			t.Fatal(err)
		}
	}
	s.remote = local[2]
	h.apply(s, time.Now())
	b.names[h] = datagram.NameOf(local[0])
	return h, sockets[2]
}

// anyPort binds a socket to an even port; it ends with the test.
func anyPort(t testing.TB, addr string) (datagram.Socket, netip.AddrPort) {
	t.Helper()
	for {
		s, err := bind(netip.AddrPortFrom(netip.MustParseAddr(addr), 0))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		sa, err := unix.Getsockname(int(s))
		if err != nil {
			t.Fatal(err)
		}
		port := 0
		switch sa := sa.(type) {
		case *unix.SockaddrInet4:
			port = sa.Port
		case *unix.SockaddrInet6:
			port = sa.Port
		}
		if port%2 == 0 {
			return s, netip.AddrPortFrom(netip.MustParseAddr(addr), uint16(port))
		}
	}
}

// relay sends one packet in at a leg and takes it from the other peer. It reports false when it does not arrive.
func (b *bench) relay(from datagram.Socket, in *half, to datagram.Socket, packet []byte) bool {
	box := b.names[in]
	if from.Send(packet, &box) != 0 {
		return false
	}
	for range 100 {
		if b.w.poll.look() {
			b.w.turn()
		}
		if _, errno := to.Receive(b.buffer[:], &b.from); errno == 0 {
			return true
		}
	}
	return false
}

// packets makes n packets of 20 ms of G.711, under a key if there is one.
func packets(t testing.TB, n int, k *Keys) [][]byte {
	t.Helper()
	var all [][]byte
	p := &peer{t: t, pt: 8, ssrc: 1, seq: 1}
	if k != nil {
		p.encrypt = pionContext(t, *k)
	}
	for i := range n {
		all = append(all, p.next(tone(i%50, 440)))
	}
	return all
}

func TestRelayingAPacketAllocatesNothing(t *testing.T) {
	if underRaceDetector {
		t.Skip("the race detector empties the sync.Pool that pion/srtp takes its counters from")
	}
	bothWays(t, func(t *testing.T, s *steering) {
		for _, suite := range policy.Suites() {
			allocatesNothing(t, newBench(t, testKeys(suite, "carrier"), s), suite)
		}
	})
}

func allocatesNothing(t *testing.T, b *bench, suite policy.Suite) {
	t.Helper()
	b.inside.conversions[8], b.outer.conversions[8] = g711.AToMu, g711.MuToA // what a relayed packet costs at most
	plain, secure := packets(t, 1100, nil), packets(t, 1100, testKeys(suite, "carrier"))
	i := 0
	once := func() {
		if !b.relay(b.phone, b.inside, b.carrier, plain[i]) || !b.relay(b.carrier, b.outer, b.phone, secure[i]) {
			t.Fatalf("packet %d does not arrive", i)
		}
		i++
	}
	once() // the first packet of a source makes room for it
	if n := testing.AllocsPerRun(1000, once); n != 0 {
		t.Errorf("%s: %v allocations for a packet each way", suite, n)
	}
	if s := b.outer.counters.stats(); s.PacketsIn != uint64(i) || s.PacketsOut != uint64(i) || time.Since(s.LastIn) > patience {
		t.Errorf("%s: %+v", suite, s)
	}
}

// bothWays runs a test with every port read by itself, and steered where the kernel allows it.
func bothWays(t *testing.T, f func(*testing.T, *steering)) {
	t.Run("portable", func(t *testing.T) { f(t, nil) })
	t.Run("steered", func(t *testing.T) { f(t, steers(t)) })
}

// steers is a steering that ends with the test.
func steers(t testing.TB) *steering {
	t.Helper()
	s, err := newSteering()
	if err != nil {
		if os.Getuid() == 0 {
			t.Fatal(err)
		}
		t.Skip("needs root: ", err)
	}
	t.Cleanup(s.close)
	return s
}

// BenchmarkRelay is a packet's whole way: the sending of the one peer, waking, receive, decrypt or encrypt, send, and
// the taking of the other.
func BenchmarkRelay(b *testing.B) {
	for _, suite := range policy.Suites() {
		k := testKeys(suite, "carrier")
		b.Run(fmt.Sprintf("%s/encrypt", suite), func(b *testing.B) {
			l := newBench(b, k, nil)
			packet := packets(b, 1, nil)[0]
			run(b, func(i int) bool {
				binary.BigEndian.PutUint16(packet[2:], uint16(i))
				return l.relay(l.phone, l.inside, l.carrier, packet)
			})
		})
		b.Run(fmt.Sprintf("%s/encrypt steered", suite), func(b *testing.B) {
			l := newBench(b, k, steers(b))
			packet := packets(b, 1, nil)[0]
			run(b, func(i int) bool {
				binary.BigEndian.PutUint16(packet[2:], uint16(i))
				return l.relay(l.phone, l.inside, l.carrier, packet)
			})
		})
		b.Run(fmt.Sprintf("%s/decrypt", suite), func(b *testing.B) {
			l := newBench(b, k, nil)
			all := packets(b, b.N, k)
			run(b, func(i int) bool { return l.relay(l.carrier, l.outer, l.phone, all[i]) })
		})
	}
}

// BenchmarkCrypto is the share of a suite in that.
func BenchmarkCrypto(b *testing.B) {
	for _, suite := range policy.Suites() {
		k := testKeys(suite, "carrier")
		b.Run(fmt.Sprintf("%s/seal", suite), func(b *testing.B) {
			s, err := newSealer(*k)
			if err != nil {
				b.Fatal(err)
			}
			packet, tools, out := packets(b, 1, nil)[0], newTools(), make([]byte, largest)
			run(b, func(i int) bool {
				binary.BigEndian.PutUint16(packet[2:], uint16(i))
				_, v := s.rtp(tools, out, packet)
				return v == passed
			})
		})
		b.Run(fmt.Sprintf("%s/open", suite), func(b *testing.B) {
			o, err := newOpener(*k)
			if err != nil {
				b.Fatal(err)
			}
			all, tools, out := packets(b, b.N, k), newTools(), make([]byte, largest)
			run(b, func(i int) bool {
				_, v := o.rtp(tools, out, all[i])
				return v == passed
			})
		})
	}
}

func run(b *testing.B, once func(i int) bool) {
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if !once(i) {
			b.Fatalf("packet %d is lost", i)
		}
	}
}
