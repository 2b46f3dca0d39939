package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"time"
)

const (
	// floodRate is how many messages come a second, more than a box on one core can judge.
	floodRate = 15000
	// floodBurst is how many are sent between two looks at the clock.
	floodBurst = 150
	// floodGrowth is how much more memory the last quarter of the flood may need than the second. The first quarter fills
	// what is bounded: half a minute of transactions. Garbage moves it by a tenth and more on a busy core.
	floodGrowth = 1.2
	// floodCalls is how many calls the box's policy admits at once meanwhile. The flood's own INVITEs take them all: the
	// policy has a route for their numbers, and nobody answers there.
	floodCalls = 100
	// afterRate is how many calls a second come when it is over, well below what is admitted.
	afterRate = 20
	// floodGoroutines is how many more there may be afterwards than on a box that saw none of it.
	floodGoroutines = 5
)

// Flood sends a million messages that nobody asked for: what is no SIP, requests of every method with new identifiers
// each time from peers and from strangers, and responses to nothing. Memory must stay level meanwhile, and when it is
// over the box must be as before and take calls.
func Flood(ctx context.Context, o Options) ([]Bar, error) {
	o.say("a flood of %d messages", o.Messages)
	still, err := quietGoroutines(ctx, o)
	if err != nil {
		return nil, err
	}
	w, err := open(o)
	if err != nil {
		return nil, err
	}
	defer w.close()
	w.admitted = floodCalls
	box, err := w.start(ctx, Box)
	if err != nil {
		return nil, err
	}
	var level [4]int64
	quarter := 0
	err = w.flood(ctx, o.Messages, func(sent int) error {
		quarter = min(4*sent/o.Messages, 3)
		now, err := memoryOf(box.PID())
		level[quarter] = max(level[quarter], now)
		return err
	})
	if err != nil {
		return nil, err
	}
	o.say("  memory in each quarter: %d, %d, %d, %d MB", level[0]/1e6, level[1]/1e6, level[2]/1e6, level[3]/1e6)
	time.Sleep(calm)
	r, err := w.measure(ctx, box, during(afterRate, 20*time.Second))
	if err != nil {
		return nil, err
	}
	o.say("  afterwards           %v", r)
	time.Sleep(calm)
	left, err := goroutines(box)
	if err != nil {
		return nil, err
	}
	return []Bar{
		atMost("memory late in the flood, against early", float64(level[3])/float64(level[1]), floodGrowth, "%.2f x"),
		atMost("memory in the flood", float64(max(level[0], level[1], level[2], level[3]))/1e6, mostMemory, "%.0f MB"),
		atMost(fmt.Sprintf("goroutines left by the flood (%d, without it %d)", left, still), float64(left-still), floodGoroutines, "%.0f"),
		atMost("calls that failed after the flood", float64(r.Failed), 0, "%.0f"),
	}, nil
}

// quietGoroutines is how many goroutines a box has that took a few calls and rests again.
func quietGoroutines(ctx context.Context, o Options) (int, error) {
	w, err := open(o)
	if err != nil {
		return 0, err
	}
	defer w.close()
	box, err := w.start(ctx, Box)
	if err != nil {
		return 0, err
	}
	if _, err := w.measure(ctx, box, during(liveRate, 5*time.Second)); err != nil {
		return 0, err
	}
	time.Sleep(calm)
	return goroutines(box)
}

// flood sends so many messages, each kind in turn, and has look called once a second.
func (w *world) flood(ctx context.Context, messages int, look func(sent int) error) error {
	n := w.lab.Net
	stranger, err := w.lab.AddCarrier("stranger", n.Stranger)
	if err != nil {
		return err
	}
	var senders []sender
	for _, s := range []struct {
		listen func(string) (net.PacketConn, error)
		from   string
		to     string
	}{
		{w.lab.PBX.ListenPacket, n.PBX.String(), n.BoxInside.String()},
		{w.lab.Carrier.ListenPacket, n.Carrier.String(), n.BoxOutside.String()},
		{stranger.ListenPacket, n.Stranger.String(), n.BoxOutside.String()},
	} {
		c, err := s.listen(net.JoinHostPort(s.from, fmt.Sprint(sipPort)))
		if err != nil {
			return fmt.Errorf("open a socket for the flood: %w", err)
		}
		defer c.Close()
		to, err := net.ResolveUDPAddr("udp", net.JoinHostPort(s.to, fmt.Sprint(sipPort)))
		if err != nil {
			return fmt.Errorf("read the box's address: %w", err)
		}
		senders = append(senders, sender{c, to, s.from})
	}
	tick := time.NewTicker(time.Second * floodBurst / floodRate)
	defer tick.Stop()
	looked := time.Now()
	for sent := 0; sent < messages; {
		for range floodBurst {
			s := senders[sent%len(senders)]
			if _, err := s.conn.WriteTo(s.message(sent/len(senders)), s.to); err != nil {
				return fmt.Errorf("send the flood: %w", err)
			}
			sent++
		}
		if time.Since(looked) >= time.Second {
			looked = time.Now()
			if err := look(sent); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// sender is where some of the flood comes from.
type sender struct {
	conn net.PacketConn
	to   net.Addr
	from string
}

// floodMethods are what requests of the flood ask for.
func floodMethods() []string {
	return []string{"INVITE", "REGISTER", "OPTIONS", "BYE", "SUBSCRIBE", "MESSAGE", "INVITE", "CANCEL", "REFER", "UPDATE"}
}

// message is the n-th of a sender: two requests in good form, one that is no SIP, one response.
func (s sender) message(n int) []byte {
	methods := floodMethods()
	method, id := methods[n/4%len(methods)], fmt.Sprintf("%x", rand.Uint64())
	to := fmt.Sprintf("<sip:+4999%d@%s>", n, s.to)
	if n%4 == 1 && method != "INVITE" {
		to += ";tag=" + id // as if it were in a dialog
	}
	head := fmt.Sprintf("Via: SIP/2.0/UDP %s:%d;branch=z9hG4bK%s\r\nFrom: <sip:a@%s>;tag=%s\r\nTo: %s\r\nCall-ID: %s@flood\r\n",
		s.from, sipPort, id, s.from, id, to, id)
	tail := fmt.Sprintf("CSeq: 1 %s\r\nMax-Forwards: 70\r\nContact: <sip:a@%s:%d>\r\nContent-Length: 0\r\n\r\n", method, s.from, sipPort)
	switch n % 4 {
	case 2:
		return []byte("SIP/2.0 200 OK\r\n" + head + tail)
	case 3:
		broken := method + " sip:box SIP/2.0\r\n" + head + tail
		return []byte(strings.Replace(broken, ":", "\x00", 1+n%5))
	}
	return []byte(fmt.Sprintf("%s sip:+4999%d@%s SIP/2.0\r\n", method, n, s.to) + head + tail)
}
