package bench

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// The floods come from sources that the policy lists and from strangers, beside an office that calls by another carrier.
const (
	// tenfold is ten times what the box is held to set up a second.
	tenfold = 10 * cleanRate
	// synRate is how many connections a second are begun and left.
	synRate = 50_000
	// beside are the calls over each transport during a flood, at besideRate a second.
	beside     = 75
	besideRate = 25
	// floodedMemory is how much memory the box may have at any time in a flood, in MB.
	floodedMemory = 250
	// recoverable is within how many seconds after a flood calls must be as before.
	recoverable = 5
)

// flood is one kind of attack.
type flood struct {
	name  string
	begin beginning
}

// beginning starts a flood; what it returns ends it and tells how it was.
type beginning func(ctx context.Context, b *besieged) (end func() (flooded, error))

// flooded is how a flood was. With wanted it had to have a rate, or what was measured beside it says little.
type flooded struct {
	said         string
	rate, wanted float64 // packets a second
}

func floods() []flood {
	return []flood{
		{"REGISTER from strangers", requests("REGISTER", anybody)},
		{"INVITE from strangers", requests("INVITE", anybody)},
		{"REGISTER from a listed carrier", requests("REGISTER", nil)},
		{"INVITE from a listed carrier", requests("INVITE", nil)},
		{"REGISTER in the PBX's name", inThePBXsName("REGISTER")},
		{"SYN from strangers and a listed carrier", syns},
		{"TLS handshakes of a listed carrier", handshakes},
		{"1,000 slow connections of a listed carrier", slowConnections},
	}
}

// Floods has the office call beside each flood, and right after it.
func Floods(ctx context.Context, o Options) ([]Bar, error) {
	o.say("%d calls over UDP and %d over TLS beside each flood, and how soon all is as before", beside, beside)
	b, err := openBesieged(ctx, o)
	if err != nil {
		return nil, err
	}
	defer b.close()
	if err := b.warm(); err != nil {
		return nil, err
	}
	var bars []Bar
	for _, f := range floods() {
		more, err := b.under(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		bars = append(bars, more...)
	}
	for _, bar := range bars {
		if !bar.OK {
			b.world.keep("floods")
			break
		}
	}
	return bars, ctx.Err()
}

// under makes calls during a flood.
func (b *besieged) under(ctx context.Context, f flood) ([]Bar, error) {
	end := f.begin(ctx, b)
	most, stop := b.watchMemory()
	var plain, secured callsBeside
	var both sync.WaitGroup
	both.Go(func() { plain = b.office.calls(plainNumber, beside, besideRate) })
	both.Go(func() { secured = b.office.calls(securedNumber, beside, besideRate) })
	both.Wait()
	stop()
	how, err := end()
	if err != nil {
		return nil, err
	}
	seconds, last := b.recovery()
	o := b.world.options
	o.say("  %s: %s", f.name, how.said)
	o.say("    UDP   %v", plain)
	o.say("    TLS   %v", secured)
	o.say("    after %v", last)
	var bars []Bar
	if how.wanted > 0 {
		bars = append(bars, atLeast(f.name+": packets a second", how.rate, 0.98*how.wanted, "%.0f"))
	}
	return append(bars,
		atLeast(f.name+": calls over UDP and TLS", float64(plain.Calls+secured.Calls), 2*beside, "%.0f"),
		atMost(f.name+": memory", float64(most.Load())/1e6, floodedMemory, "%.0f MB"),
		atMost(f.name+": as before within", seconds, recoverable, "%.0f s"),
	), ctx.Err()
}

// recovery is after how many seconds calls are clean again.
func (b *besieged) recovery() (float64, callsBeside) {
	begun := time.Now()
	var last callsBeside
	for {
		began := time.Since(begun).Seconds()
		if last = b.office.calls(plainNumber, besideRate, besideRate); last.clean() || began > 3*recoverable {
			return began, last
		}
	}
}

// watchMemory keeps the most memory that the box has until it is stopped.
func (b *besieged) watchMemory() (most *atomic.Int64, stop func()) {
	most = &atomic.Int64{}
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			if now, err := memoryOf(b.box.PID()); err == nil {
				most.Store(max(most.Load(), now))
			}
			select {
			case <-done:
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	return most, func() { close(done); <-over }
}

// requests are of one method at ten times the capacity, each new, over UDP; of a carrier that the policy lists without a
// source.
func requests(method string, from func() netip.Addr) beginning {
	return func(ctx context.Context, b *besieged) func() (flooded, error) {
		n := b.world.lab.Net
		source := from
		if source == nil {
			source = always(n.Subscribers[0])
		}
		return flow(ctx, b.outside, tenfold, fresh(method, source, n.BoxOutside, "+33423456700"))
	}
}

func inThePBXsName(method string) beginning {
	return func(ctx context.Context, b *besieged) func() (flooded, error) {
		n := b.world.lab.Net
		return flow(ctx, b.inside, tenfold, fresh(method, always(n.PBX), n.BoxInside, "0123456701"))
	}
}

func flow(ctx context.Context, s *storm, rate int, packets func() []byte) func() (flooded, error) {
	calm := s.rage(ctx, rate, packets)
	return func() (flooded, error) {
		r, err := calm()
		return flooded{r.String(), r.rate, float64(rate)}, err
	}
}

// fresh writes requests that are each of another call, by changing what tells them apart in place.
func fresh(method string, from func() netip.Addr, box netip.Addr, user string) func() []byte {
	const mark = "########"
	source := from()
	text := fmt.Sprintf("%[1]s sip:%[4]s@%[2]s SIP/2.0\r\nVia: SIP/2.0/UDP %[3]s:5060;branch=z9hG4bK%[5]s\r\nMax-Forwards: 70\r\nFrom: <sip:+33612345678@%[3]s>;tag=%[5]s\r\n"+
		"To: <sip:%[4]s@%[2]s>\r\nCall-ID: %[5]s\r\nCSeq: 1 %[1]s\r\nContact: <sip:a@%[3]s:5060>\r\nUser-Agent: a telephone system of some kind\r\nContent-Length: 0\r\n\r\n",
		method, box, source, user, mark)
	packet := datagram(source, box, sipPort, sipPort, []byte(text))
	var places []int
	for i := range packet {
		if i+len(mark) <= len(packet) && string(packet[i:i+len(mark)]) == mark {
			places = append(places, i)
		}
	}
	n := 0
	return func() []byte {
		n++
		for _, i := range places {
			for j, v := 7, n; j >= 0; j, v = j-1, v/16 {
				packet[i+j] = "0123456789abcdef"[v%16]
			}
		}
		copy(packet[12:16], from().AsSlice())
		return checked(packet)
	}
}

func syns(ctx context.Context, b *besieged) func() (flooded, error) {
	box := b.world.lab.Net.BoxOutside
	listed := b.world.lab.Net.Subscribers[1]
	return flow(ctx, b.outside, synRate, inTurn(
		prepared(func() []byte { return syn(anybody(), box, securedPort) }), prepared(func() []byte { return syn(listed, box, securedPort) })))
}

// handshakes are begun and ended by a listed carrier as fast as it is let in.
func handshakes(ctx context.Context, b *besieged) func() (flooded, error) {
	const workers = 100
	w := b.world
	raging, stop := context.WithCancel(ctx)
	var made, tried atomic.Int64
	var all sync.WaitGroup
	begun := time.Now()
	to := netip.AddrPortFrom(w.lab.Net.BoxOutside, securedPort).String()
	for range workers {
		all.Go(func() {
			for raging.Err() == nil {
				tried.Add(1)
				patient, done := context.WithTimeout(raging, 300*time.Millisecond)
				if c, err := w.lab.Subscribers[1].Dial(patient, "tcp", to); err == nil {
					if tls.Client(c, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(patient) == nil {
						made.Add(1)
					}
					c.Close()
				}
				done()
			}
		})
	}
	return func() (flooded, error) {
		took := time.Since(begun).Seconds()
		stop()
		all.Wait()
		return flooded{said: fmt.Sprintf("%.0f a second tried, %.0f let in", float64(tried.Load())/took, float64(made.Load())/took)}, nil
	}
}

// slowConnections are held by a listed carrier, each of which sends a byte a second of a handshake that never ends, and begins
// anew when the box has had enough of it.
func slowConnections(ctx context.Context, b *besieged) func() (flooded, error) {
	w := b.world
	raging, stop := context.WithCancel(ctx)
	var open, most atomic.Int64
	var all sync.WaitGroup
	to := netip.AddrPortFrom(w.lab.Net.BoxOutside, securedPort).String()
	for range loris {
		all.Go(func() {
			for raging.Err() == nil {
				patient, done := context.WithTimeout(raging, 3*time.Second)
				c, err := w.lab.Subscribers[1].Dial(patient, "tcp", to)
				done()
				if err != nil {
					continue
				}
				most.Store(max(most.Load(), open.Add(1)))
				trickle(raging, c)
				open.Add(-1)
			}
		})
	}
	time.Sleep(3 * time.Second) // the kernel lets a hundred a second begin
	return func() (flooded, error) {
		stop()
		all.Wait()
		return flooded{said: fmt.Sprintf("%d held at most", most.Load())}, nil
	}
}

// trickle sends the beginning of a TLS record that promises 16 kB, a byte a second, until the other side hangs up.
func trickle(ctx context.Context, c net.Conn) {
	defer c.Close()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = c.Read(make([]byte, 1))
	}()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	for _, one := range []byte{22, 3, 1, 64, 0, 1, 0, 63, 252, 3} {
		if _, err := c.Write([]byte{one}); err != nil {
			break
		}
		select {
		case <-over:
			return
		case <-time.After(time.Second):
		}
	}
}
