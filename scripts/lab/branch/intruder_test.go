package branch_test

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/capture"
	"tollgate/scripts/lab/peer"
	"tollgate/scripts/lab/tone"
)

// watch keeps the box's pinholes up to date until the test ends.
type watch struct {
	holes atomic.Pointer[[]branch.Pinhole]
}

func watchPinholes(t *testing.T, b *branch.Branch) *watch {
	w := &watch{}
	w.holes.Store(&[]branch.Pinhole{})
	over := make(chan struct{})
	go func() {
		defer close(over)
		for t.Context().Err() == nil {
			if holes, err := b.Box.Pinholes(t.Context()); err == nil {
				w.holes.Store(&holes)
			}
			select {
			case <-time.After(20 * time.Millisecond):
			case <-t.Context().Done():
			}
		}
	}()
	t.Cleanup(func() { <-over })
	return w
}

// ports are the live media ports at one of the box's addresses.
func (w *watch) ports(box netip.Addr) []uint16 {
	var list []uint16
	for _, h := range *w.holes.Load() {
		if h.Local.Addr() == box {
			list = append(list, h.Local.Port())
		}
	}
	return list
}

// intruders begin on a third address of each side.
func intruders(t *testing.T, b *branch.Branch, w *watch) (hosts []*lab.Host, list []*branch.Intruder) {
	t.Helper()
	net := b.Lab.Net
	outside, err := b.Lab.AddCarrier("intruder1", net.Stranger)
	if err != nil {
		t.Fatal(err)
	}
	inside, err := b.Lab.AddOffice("intruder2", net.OfficeStranger)
	if err != nil {
		t.Fatal(err)
	}
	for host, box := range map[*lab.Host]netip.Addr{outside: net.BoxOutside, inside: net.BoxInside} {
		if _, err := host.Capture(t.Context(), "eth0", b.Lab.Path(host.Name+".pcap")); err != nil {
			t.Fatal(err)
		}
		i, err := branch.Intrude(host, box, func() []uint16 { return w.ports(box) })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(i.Stop)
		hosts, list = append(hosts, host), append(list, i)
	}
	return hosts, list
}

// TestNobodyElseHearsOrIsHeardInACall has intruders on a third address of each side send before, at and after the start of
// calls, plain and with wrong tags, at three times the rate, and one forge 10,000 packets on the very host of a peer.
func TestNobodyElseHearsOrIsHeardInACall(t *testing.T) {
	b := build(t, branch.Wishes{})
	w := watchPinholes(t, b)
	hosts, list := intruders(t, b, w)
	pause(t, 1) // before

	for _, c := range []branch.Conversation{b.Outgoing(), b.Incoming()} {
		c.Seconds = 2
		var hangsUp time.Time
		c.During = func(ctx context.Context) error {
			defer func() { hangsUp = time.Now() }()
			return forge(ctx, t, b, w, c)
		}
		if err := b.Talk(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		shutInTime(t, b, hangsUp)
		clean(t, b, c.From, c.To)
		clean(t, b, c.To, c.From)
	}
	pause(t, 1) // after
	for _, i := range list {
		i.Stop()
		if i.Sent.Load() < 1500 || i.Got.Load() > 0 {
			t.Errorf("an intruder sent %d packets and got %d", i.Sent.Load(), i.Got.Load())
		}
	}
	nothingReached(t, b, hosts)
	nothingPassed(t, b)
	marked(t, b)
}

// forge has somebody on each peer's own host try what only the keys, or the locked port, can stop.
func forge(ctx context.Context, t *testing.T, b *branch.Branch, w *watch, c branch.Conversation) error {
	subscriber, phone := c.To.Host, c.From.Host
	if slices.Contains(b.Subscribers, c.From) {
		subscriber, phone = phone, subscriber
	}
	stream, err := streamOf(b, subscriber.Address)
	if err != nil {
		return err
	}
	const bad, rate = 10_000, 5_000
	// The even port is that of RTP; pinholes are listed in no order.
	outside, inside := slices.Min(w.ports(b.Lab.Net.BoxOutside)), slices.Min(w.ports(b.Lab.Net.BoxInside))
	begun := time.Now()
	if err := branch.Forge(ctx, subscriber, netip.AddrPortFrom(b.Lab.Net.BoxOutside, outside), stream, bad, rate); err != nil {
		return err
	}
	if err := branch.Forge(ctx, phone, netip.AddrPortFrom(b.Lab.Net.BoxInside, inside), stream, 450, 150); err != nil {
		return err
	}
	s, err := b.Box.Status(ctx)
	if err != nil {
		return err
	}
	if len(s.Calls) != 1 || s.Calls[0].State != "answered" {
		return fmt.Errorf("the call has not survived %d packets with wrong tags: %s", bad, s)
	}
	out := s.Calls[0].Outside()
	if out.AuthFailures < bad*95/100 { // the network may lose some
		t.Errorf("%d wrong tags were counted of %d", out.AuthFailures, bad)
	}
	t.Logf("%d wrong tags in %v", out.AuthFailures, time.Since(begun).Round(time.Millisecond))
	return nil
}

// streamOf finds out, as somebody on the way could, what a host's audio is like.
func streamOf(b *branch.Branch, host netip.Addr) (capture.Stream, error) {
	_, file := b.Captures()
	packets, err := capture.Read(file)
	if err != nil {
		return capture.Stream{}, err
	}
	for _, s := range capture.Streams(packets, 20) {
		if s.Source.Addr() == host {
			return s, nil
		}
	}
	return capture.Stream{}, fmt.Errorf("no audio of %v has been seen", host)
}

// shutInTime checks that the pinholes of a call that has just been hung up are shut within a second.
func shutInTime(t *testing.T, b *branch.Branch, hungUp time.Time) {
	t.Helper()
	for {
		holes, err := b.Box.Pinholes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(holes) == 0 {
			if took := time.Since(hungUp); took > time.Second {
				t.Errorf("pinholes were shut %v after the BYE", took)
			}
			return
		}
		if time.Since(hungUp) > 5*time.Second {
			t.Fatalf("pinholes are open five seconds after the BYE: %v", holes)
		}
	}
}

// clean checks that a phone has heard the other, and neither the intruders nor anybody else.
func clean(t *testing.T, b *branch.Branch, who, other *peer.Phone) {
	t.Helper()
	samples, err := who.Heard()
	if err != nil {
		t.Fatal(err)
	}
	others := []float64{branch.IntruderTone}
	for _, p := range b.Everyone() {
		if p != other {
			others = append(others, p.Tone)
		}
	}
	if j := tone.Judge(samples, other.Tone, others...); !j.Heard() {
		t.Errorf("%s did not hear %s alone: %s", who.Name, other.Name, j)
	}
}

// nothingReached looks at the intruders' links: nothing of the box's may have gone there.
func nothingReached(t *testing.T, b *branch.Branch, hosts []*lab.Host) {
	t.Helper()
	for _, h := range hosts {
		packets, err := capture.Read(b.Lab.Path(h.Name + ".pcap"))
		if err != nil {
			t.Fatal(err)
		}
		if len(packets) == 0 {
			t.Errorf("nothing was captured at %s, not even what it sent", h.Name)
		}
		for _, p := range packets {
			if p.Source.Addr() == b.Lab.Net.BoxInside || p.Source.Addr() == b.Lab.Net.BoxOutside {
				t.Errorf("%s gets a packet from %v", h.Name, p.Source)
				break
			}
		}
	}
}

// nothingPassed looks at both of the box's links: what it sends has no source of the intruders', and nothing they said.
func nothingPassed(t *testing.T, b *branch.Branch) {
	t.Helper()
	office, carrier := b.Captures()
	said := bytes.Repeat([]byte{0xaa, 0xaa, 0x2a, 0x2a}, 10)
	source := []byte{0x0b, 0xad, 0xca, 0xfe}
	for _, file := range []string{office, carrier} {
		packets, err := capture.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		arrived := 0
		for _, p := range packets {
			its := bytes.Contains(p.Payload, source) || bytes.Contains(p.Payload, said)
			switch from := p.Source.Addr(); {
			case its && (from == b.Lab.Net.BoxInside || from == b.Lab.Net.BoxOutside):
				t.Fatalf("what an intruder sent goes from %v to %v", p.Source, p.Destination)
			case its:
				arrived++
			}
		}
		if arrived < 1000 {
			t.Errorf("%s: only %d packets of intruders were on the link", file, arrived)
		}
	}
}

// marked checks how everything that the box has sent is marked for routers: audio and reports EF, signalling CS3.
func marked(t *testing.T, b *branch.Branch) {
	t.Helper()
	office, carrier := b.Captures()
	for _, file := range []string{office, carrier} {
		packets, err := capture.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[uint8]int{}
		for _, p := range packets {
			own, port := p.Source.Addr() == b.Lab.Net.BoxInside || p.Source.Addr() == b.Lab.Net.BoxOutside, p.Source.Port()
			want := uint8(24)
			switch {
			case !own || p.Protocol == capture.Fragment:
				continue
			case port >= 20000 && port <= 20999:
				want = 46
			case port != 5060 && p.Destination.Port() != 5060 && p.Destination.Port() != peer.CarrierPort:
				continue
			}
			seen[want]++
			if p.DSCP != want {
				t.Fatalf("%s: %s from %v to %v is marked %d, want %d", file, p.Protocol, p.Source, p.Destination, p.DSCP, want)
			}
		}
		if seen[24] < 5 || seen[46] < 100 {
			t.Errorf("%s: saw %v packets by mark", file, seen)
		}
	}
}

// TestAPortScanLearnsNothing has strangers and known peers knock at every media port, without a call and during one.
func TestAPortScanLearnsNothing(t *testing.T) {
	b := build(t, branch.Wishes{})
	stranger, err := b.Lab.AddCarrier("scanner", b.Lab.Net.Stranger)
	if err != nil {
		t.Fatal(err)
	}
	scan := func(when string) {
		for _, from := range []*lab.Host{stranger, b.Subscribers[1].Host} {
			learned, err := branch.Scan(t.Context(), from, b.Lab.Net.BoxOutside)
			if err != nil {
				t.Fatal(err)
			}
			if len(learned) > 0 {
				t.Errorf("%s: %s learns about %v", when, from.Name, learned)
			}
		}
	}
	closed := func() uint64 {
		s, err := b.Box.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range s.Counters {
			if c.Name == "outside_rtp_closed" {
				return c.Packets
			}
		}
		t.Fatal("the filter counts nothing on closed ports")
		return 0
	}
	before := closed()
	scan("idle")
	if holes, err := b.Box.Pinholes(t.Context()); err != nil || len(holes) > 0 {
		t.Errorf("idle: open are %v (%v)", holes, err)
	}
	if n := closed() - before; n < 2000 {
		t.Errorf("idle: the filter counts %d of 2000 knocks", n)
	}
	c := b.Outgoing()
	c.During = func(ctx context.Context) error {
		scan("during a call")
		holes, err := b.Box.Pinholes(ctx)
		for _, h := range holes {
			from := map[netip.Addr]netip.Addr{b.Lab.Net.BoxInside: c.From.Host.Address, b.Lab.Net.BoxOutside: c.To.Host.Address}[h.Local.Addr()]
			if h.From != from.String() {
				t.Errorf("%v is open to %s, want %v alone", h.Local, h.From, from)
			}
		}
		if len(holes) != 4 {
			t.Errorf("open are %v, want RTP and RTCP of two legs", holes)
		}
		return err
	}
	talk(t, b, c)
}

// A telephone that loses its power says no BYE.
func TestACallThatLosesAPeerIsHungUp(t *testing.T) {
	b := build(t, branch.Wishes{Amend: func(policy string) string {
		return strings.Replace(policy, "limits:\n", "limits:\n  silence_timeout: 10\n", 1)
	}})
	c := b.Outgoing()
	if err := c.From.Dial(t.Context(), c.Number); err != nil {
		t.Fatal(err)
	}
	if err := c.To.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	pause(t, 12) // longer than the time-out: a call that is heard goes on
	if s, err := b.Box.Status(t.Context()); err != nil || len(s.Calls) != 1 {
		t.Fatalf("the call has not gone on: %s (%v)", s, err)
	}
	if err := c.To.Freeze(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	err := b.Box.Process.Await(ctx, "without calls", func() bool { return strings.Contains(b.Box.Process.Output(), "carrier has sent no audio for 10s") })
	if err != nil || time.Since(begun) < 9*time.Second {
		t.Errorf("the record after %v: %v", time.Since(begun), err)
	}
	if err := c.From.Ended(ctx); err != nil {
		t.Error(err)
	}
	if err := c.To.Thaw(); err != nil {
		t.Error(err)
	}
}
