package media

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/firmware/datagram"
	"tollgate/firmware/policy"
)

// What a board carries is measured with a relay of its own, on the loopback network: plain audio in on one side of a few
// calls, SRTP out on the other. The thread that plays the peers is not counted.

const (
	measuredCalls = 16
	measuredBurst = 2 // packets on each call at once: few fit a socket's buffer
	warmUp        = 20
)

// measuredPorts are below those that the kernel gives out by itself. Those that are taken are passed over.
var measuredPorts = PortRange{Low: 30000, High: 32000}

// Measure finds out how much processor time a packet takes through the relay, encrypted on one side, and how much of it is
// encryption. It takes about as long as it is told.
func Measure(long time.Duration) (packet, encryption time.Duration, err error) {
	if encryption, err = measureSeal(long / 8); err != nil {
		return 0, 0, err
	}
	r, err := New(nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, 0, err
	}
	defer r.Close()
	own := SideConfig{Address: netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	if err := r.Set(context.Background(), Config{Inside: own, Outside: own, Ports: measuredPorts}); err != nil {
		return 0, 0, err
	}
	done := make(chan error)
	go func() { // a thread of its own, that ends with it
		runtime.LockOSThread()
		var err error
		packet, err = r.measure(long - long/8)
		done <- err
	}()
	err = <-done
	return packet, encryption, err
}

// measured is one call and the sockets of its peers.
type measured struct {
	in, out datagram.Socket
	to      datagram.Name
}

// measure keeps a few calls busy for a while.
func (r *Relay) measure(long time.Duration) (time.Duration, error) {
	var calls []measured
	defer func() {
		for _, c := range calls {
			c.in.Close()
			c.out.Close()
		}
	}()
	for i := range measuredCalls {
		c, err := r.measured(byte(i))
		if err != nil {
			return 0, fmt.Errorf("media: measuring: %w", err)
		}
		calls = append(calls, c)
	}
	var before, after usage
	arrived, end := 0, time.Now().Add(long)
	seq := uint16(1)
	for round := 0; time.Now().Before(end); round++ {
		if round == warmUp {
			arrived, before = 0, usageNow()
		}
		for range measuredBurst {
			for i := range calls {
				calls[i].say(seq)
			}
			seq++
		}
		for i := range calls {
			arrived += calls[i].hear(measuredBurst)
		}
	}
	after = usageNow()
	if before == (usage{}) || arrived < 1000 {
		return 0, errors.New("media: measuring: the machine is too busy")
	}
	return (after.process - before.process - (after.thread - before.thread)) / time.Duration(arrived), nil
}

// measured sets one call up.
func (r *Relay) measured(i byte) (c measured, err error) {
	s, err := r.Open("measured", policy.SideInside, policy.SideOutside)
	if err != nil {
		return c, err
	}
	own := netip.AddrPortFrom(r.config.Inside.Address, 0)
	var in, out netip.AddrPort
	if c.in, in, err = bound(own); err != nil {
		return c, err
	}
	if c.out, out, err = bound(own); err != nil {
		return c, errors.Join(err, c.in.Close())
	}
	box, _ := s.Leg(Caller).Local()
	c.to = datagram.NameOf(box)
	err = s.Leg(Caller).Set(Params{Remote: in})
	if err == nil {
		err = s.Leg(Callee).Set(Params{Remote: out, Send: measuredKeys(2 * i), Receive: measuredKeys(2*i + 1)})
	}
	if err != nil {
		err = errors.Join(err, c.in.Close(), c.out.Close())
	}
	return c, err
}

// bound opens a socket on any port.
func bound(a netip.AddrPort) (datagram.Socket, netip.AddrPort, error) {
	s, err := bind(a)
	if err != nil {
		return s, a, err
	}
	sa, err := unix.Getsockname(int(s))
	if v4, ok := sa.(*unix.SockaddrInet4); err == nil && ok {
		return s, netip.AddrPortFrom(a.Addr(), uint16(v4.Port)), nil
	}
	return s, a, errors.Join(err, s.Close())
}

// measuredKeys need no secret: nobody else hears what they encrypt.
func measuredKeys(i byte) *Keys {
	key := make([]byte, 30)
	key[0] = i
	return &Keys{Suite: policy.SuiteAESCM128SHA180, Key: key}
}

// say sends 20 ms of audio.
func (c *measured) say(seq uint16) {
	b := measuredPacket(seq)
	c.in.Send(b[:], &c.to)
}

func measuredPacket(seq uint16) (b [172]byte) {
	b[0], b[1] = 2<<6, 8
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], 160*uint32(seq))
	b[8] = 1
	return b
}

// hear takes packets of the box, as many as are to come unless one is late.
func (c *measured) hear(want int) (n int) {
	var b [largest]byte
	var from datagram.Name
	for n < want {
		if _, errno := c.out.Receive(b[:], &from); errno == 0 {
			n++
			continue
		}
		if ready, err := unix.Poll([]unix.PollFd{{Fd: int32(c.out), Events: unix.POLLIN}}, 20); ready <= 0 && err == nil {
			break
		}
	}
	return n
}

// usage is the processor time of this process, and of this thread.
type usage struct{ process, thread time.Duration }

func usageNow() usage { return usage{usageOf(unix.RUSAGE_SELF), usageOf(unix.RUSAGE_THREAD)} }

func usageOf(who int) time.Duration {
	var u unix.Rusage
	if unix.Getrusage(who, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measureSeal finds out how long the encryption of a packet takes.
func measureSeal(long time.Duration) (time.Duration, error) {
	s, err := newSealer(*measuredKeys(255))
	if err != nil {
		return 0, err
	}
	t, out := newTools(), [largest]byte{}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	n, end, before := 0, time.Now().Add(long), usageOf(unix.RUSAGE_THREAD)
	for time.Now().Before(end) {
		for range 100 {
			b := measuredPacket(uint16(n))
			s.rtp(t, out[:], b[:])
			n++
		}
	}
	return (usageOf(unix.RUSAGE_THREAD) - before) / time.Duration(n), nil
}
