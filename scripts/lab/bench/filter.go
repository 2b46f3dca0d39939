package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os/exec"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
)

// Filter are the parts of the bench of the packet filter.
func Filter() []Part { return []Part{{"drops", Drops}, {"flood", Storm}} }

const (
	// stormRate is how many packets a second come from sources that may not reach the box.
	stormRate = 250_000
	// stormCalls are made meanwhile, at officeRate a second.
	stormCalls = 150
	officeRate = 50
	// stormMemory is how much more memory the box may need for it, in MB.
	stormMemory = 20
	// loris is how many connections are opened to the page and left alone.
	loris = 1000
	// admittedLoris is how many of them one source may have.
	admittedLoris = 64
	// dropCost is what a packet that is dropped may cost, with its sending, in microseconds of processor time.
	dropCost = 6
)

// storm sends packets of one kind after the other, as they are on the wire, from the carrier's network to the box.
type storm struct {
	fd   int
	to   unix.SockaddrLinklayer
	kind []kind
}

// kind is a packet that the filter drops, and the name of what drops it.
type kind struct {
	name   string
	packet func() []byte
}

// openStorm opens a raw socket on the carrier's link.
func (w *world) openStorm() (*storm, error) {
	s := &storm{fd: -1}
	var box net.HardwareAddr
	err := lab.Inside(w.lab.Box.Namespace, func() error {
		i, err := net.InterfaceByName(lab.BoxOutside)
		if err == nil {
			box = i.HardwareAddr
		}
		return err
	})
	if err == nil {
		err = lab.Inside(w.lab.Carrier.Namespace, func() error {
			i, err := net.InterfaceByName(w.lab.Carrier.Link)
			if err != nil {
				return err
			}
			s.to = unix.SockaddrLinklayer{Protocol: 0x0008, Ifindex: i.Index, Halen: 6}
			s.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open a raw socket on the carrier's link: %w", err)
	}
	copy(s.to.Addr[:], box)
	s.kind = w.kinds()
	return s, nil
}

func (s *storm) close() { unix.Close(s.fd) }

// banned is a source that the bench bans; the others are nobody's.
func banned() netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, 7}) }

func anybody() netip.Addr {
	return netip.AddrFrom4([4]byte{203, 0, 113, byte(64 + rand.IntN(128))})
}

// kinds are what the storm is made of.
func (w *world) kinds() []kind {
	box, office := w.lab.Net.BoxOutside, w.lab.Net.PBX
	sip := func(method string) []byte {
		return fmt.Appendf(nil, "%s sip:+33123456700@%s SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.7;branch=z9hG4bK1\r\nCall-ID: storm\r\n\r\n", method, box)
	}
	udp := func(from func() netip.Addr, port uint16, payload []byte) func() []byte {
		return func() []byte { return datagram(from(), box, uint16(1024+rand.IntN(60000)), port, payload) }
	}
	one := func(a netip.Addr) func() netip.Addr { return func() netip.Addr { return a } }
	return []kind{
		{"banned", udp(one(banned()), sipPort, sip("INVITE"))},
		{"unknown: INVITE", udp(anybody, sipPort, sip("INVITE"))},
		{"unknown: REGISTER", udp(anybody, sipPort, sip("REGISTER"))},
		{"spoofed: the office's", udp(one(office), sipPort, sip("INVITE"))},
		{"spoofed: the box's own", udp(one(box), sipPort, sip("INVITE"))},
		{"media without a call", udp(anybody, 20000, make([]byte, 172))},
		{"SYN to SIP over TLS", func() []byte { return syn(anybody(), box, 5061) }},
		{"SYN to the page", func() []byte { return syn(anybody(), box, 443) }},
		{"fragment", func() []byte {
			p := datagram(anybody(), box, 5060, sipPort, sip("INVITE"))
			binary.BigEndian.PutUint16(p[6:], 0x2000|uint16(rand.IntN(100)))
			return checked(p)
		}},
	}
}

// send sends n packets, at a rate if there is one, on the generator's core, and tells what processor time that took.
func (s *storm) send(ctx context.Context, core, n, rate int, packets func() []byte) (time.Duration, error) {
	runtime.LockOSThread() // and never unlocked: the thread ends with its goroutine, and its affinity with it
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return 0, fmt.Errorf("move to the generator's core: %w", err)
	}
	before, begun := threadTime(), time.Now()
	const burst = 250
	for sent := 0; sent < n; {
		for range burst {
			if err := unix.Sendto(s.fd, packets(), 0, &s.to); err != nil && err != unix.ENOBUFS {
				return 0, fmt.Errorf("send the storm: %w", err)
			}
			sent++
		}
		if ctx.Err() != nil {
			break
		}
		if rate > 0 {
			time.Sleep(time.Until(begun.Add(time.Duration(sent) * time.Second / time.Duration(rate))))
		}
	}
	return threadTime() - before, nil
}

func threadTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Drops tells what each kind of drop costs, its sending with it, since the same thread does both.
func Drops(ctx context.Context, o Options) ([]Bar, error) {
	o.say("cost of each drop, with its sending")
	w, s, _, err := stormy(ctx, o)
	if err != nil {
		return nil, err
	}
	defer w.close()
	defer s.close()
	n := o.Messages / 5
	var bars []Bar
	for _, k := range s.kind {
		done := make(chan error)
		var took time.Duration
		packets := prepared(k.packet)
		go func() {
			var err error
			took, err = s.send(ctx, o.Core, n, 0, packets)
			done <- err
		}()
		if err := <-done; err != nil {
			return nil, err
		}
		bars = append(bars, atMost("drop: "+k.name, float64(took.Microseconds())/float64(n), dropCost, "%.2f us"))
	}
	return bars, ctx.Err()
}

// prepared makes some packets beforehand and sends them in turn, so that their making is not measured.
func prepared(packet func() []byte) func() []byte {
	list := make([][]byte, 1024)
	for i := range list {
		list[i] = packet()
	}
	i := 0
	return func() []byte { i++; return list[i%len(list)] }
}

// stormy is a world whose box has banned a source.
func stormy(ctx context.Context, o Options) (*world, *storm, *lab.Process, error) {
	w, err := open(o)
	if err != nil {
		return nil, nil, nil, err
	}
	box, err := w.start(ctx, Box)
	if err == nil {
		state := (&branch.Box{Host: w.lab.Box}).State()
		var out []byte
		if out, err = exec.CommandContext(ctx, o.Binary, "ban", banned().String(), "--state", state).CombinedOutput(); err != nil {
			err = fmt.Errorf("ban a source: %w: %s", err, out)
		}
	}
	var s *storm
	if err == nil {
		s, err = w.openStorm()
	}
	if err != nil {
		w.close()
		return nil, nil, nil, err
	}
	return w, s, box, nil
}

// Storm has the office call while packets of every kind that the filter drops pour in, and 1,000 connections to the page lie
// idle.
func Storm(ctx context.Context, o Options) ([]Bar, error) {
	o.say("%d calls at %d/s under %d packets/s from banned, unknown and spoofed sources", stormCalls, officeRate, stormRate)
	w, s, box, err := stormy(ctx, o)
	if err != nil {
		return nil, err
	}
	defer w.close()
	defer s.close()
	c := calls{rate: officeRate, count: stormCalls, hold: shortHold}
	if _, err := w.measure(ctx, box, calls{rate: officeRate, count: officeRate, hold: shortHold}); err != nil { // warm
		return nil, err
	}
	before, err := memoryOf(box.PID())
	if err != nil {
		return nil, err
	}
	idle, admitted := w.loris(ctx)
	defer idle()
	under, sent, took, err := w.calling(ctx, s, box, c)
	if err != nil {
		return nil, err
	}
	after, err := memoryOf(box.PID())
	if err != nil {
		return nil, err
	}
	o.say("  under it             %v", under)
	recovered, err := w.measure(ctx, box, calls{rate: officeRate, count: officeRate, hold: shortHold}) // at once: well within 5 s
	if err != nil {
		return nil, err
	}
	o.say("  at once afterwards   %v", recovered)
	rate := float64(sent) / took.Seconds()
	return []Bar{
		atLeast("packets a second of the storm", rate, stormRate*0.95, "%.0f"),
		atLeast("calls through the storm, over UDP", float64(under.Calls), stormCalls, "%.0f"),
		atMost("messages of these calls sent again", float64(under.Repeated), 0, "%.0f"),
		atMost("memory that the storm cost", float64(after-before)/1e6, stormMemory, "%.1f MB"),
		atMost(fmt.Sprintf("idle connections to the page, of %d", loris), float64(admitted), admittedLoris, "%.0f"),
		atLeast("calls right after the storm", float64(recovered.Calls), officeRate, "%.0f"),
	}, nil
}

// calling makes calls while the storm lasts; it returns how many packets were sent in which time.
func (w *world) calling(ctx context.Context, s *storm, box *lab.Process, c calls) (Result, int64, time.Duration, error) {
	raging, calm := context.WithCancel(ctx)
	defer calm()
	var sent atomic.Int64
	turn := make([]func() []byte, len(s.kind))
	for i, k := range s.kind {
		turn[i] = prepared(k.packet)
	}
	over := make(chan error, 1)
	begun := time.Now()
	go func() {
		_, err := s.send(raging, w.options.Core, 1<<40, stormRate, func() []byte { return turn[int(sent.Add(1))%len(turn)]() })
		over <- err
	}()
	r, err := w.measure(ctx, box, c)
	packets, took := sent.Load(), time.Since(begun)
	calm()
	if e := <-over; err == nil {
		err = e
	}
	return r, packets, took, err
}

// loris opens connections to the page from one host of the office and sends nothing; it returns how many were let in.
func (w *world) loris(ctx context.Context) (closeAll func(), admitted int) {
	found := make(chan net.Conn)
	for range loris {
		go func() {
			patient, done := context.WithTimeout(ctx, 5*time.Second)
			defer done()
			c, _ := w.lab.PBX.Dial(patient, "tcp", net.JoinHostPort(w.lab.Net.BoxInside.String(), "443"))
			found <- c
		}()
	}
	var open []net.Conn
	for range loris {
		if c := <-found; c != nil {
			open = append(open, c)
		}
	}
	return func() {
		for _, c := range open {
			c.Close()
		}
	}, len(open)
}

// datagram is UDP over IPv4 (RFC 768, RFC 791), without the checksum that UDP may leave out.
func datagram(from, to netip.Addr, source, port uint16, payload []byte) []byte {
	udp := binary.BigEndian.AppendUint16(nil, source)
	udp = binary.BigEndian.AppendUint16(udp, port)
	udp = binary.BigEndian.AppendUint16(udp, uint16(8+len(payload)))
	return packet(from, to, unix.IPPROTO_UDP, append(append(udp, 0, 0), payload...))
}

// syn begins a TCP connection (RFC 9293 section 3.1); its checksum is never looked at, for the filter comes first.
func syn(from, to netip.Addr, port uint16) []byte {
	tcp := make([]byte, 20)
	binary.BigEndian.PutUint16(tcp, uint16(1024+rand.IntN(60000)))
	binary.BigEndian.PutUint16(tcp[2:], port)
	binary.BigEndian.PutUint32(tcp[4:], rand.Uint32())
	tcp[12], tcp[13] = 5<<4, 2
	return packet(from, to, unix.IPPROTO_TCP, tcp)
}

func packet(from, to netip.Addr, protocol byte, payload []byte) []byte {
	h := make([]byte, 12, 20+len(payload))
	h[0], h[8], h[9] = 0x45, 64, protocol
	binary.BigEndian.PutUint16(h[2:], uint16(20+len(payload)))
	h = slices.Concat(h, from.AsSlice(), to.AsSlice(), payload)
	return checked(h)
}

// checked sets the header's checksum (RFC 791 section 3.1).
func checked(p []byte) []byte {
	p[10], p[11] = 0, 0
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(p[10:], ^uint16(sum))
	return p
}
