package link

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// freshTime is for how long an answer counts. RFC 5227 lets two seconds pass before an address is announced; a slow machine has more to
// do meanwhile.
const freshTime = 5 * time.Second

// Inquiry is the question whether other machines have the IPv4 addresses that ports are to be given, asked while the caller does
// something else. Set waits for its answers instead of asking itself (Config.Asked).
type Inquiry struct {
	begun   time.Time
	answers map[question]*answer
}

type question struct {
	port string
	addr netip.Addr
}

type answer struct {
	done  chan struct{} // closed when the rest is known
	who   net.HardwareAddr
	taken bool
}

// Inquire switches the ports of c on, as Set does, and begins to ask on all links at once for the addresses that they lack. It does
// not wait for the answers.
func Inquire(ctx context.Context, c Config) (*Inquiry, error) {
	all, err := read()
	if err != nil {
		return nil, err
	}
	if err := c.bringUp(all); err != nil {
		return nil, err
	}
	q := &Inquiry{begun: time.Now(), answers: map[question]*answer{}}
	for _, p := range c.Ports {
		for _, a := range p.Addresses {
			if !lacks(all, p.Interface, a) {
				continue
			}
			at := &answer{done: make(chan struct{})}
			q.answers[question{p.Interface, a.Addr()}] = at
			go func() {
				defer close(at.done)
				at.who, at.taken = Probe(ctx, p.Interface, a.Addr())
			}()
		}
	}
	return q, nil
}

// answer waits for what the link says of an address; known is false when that was not asked, or too long ago.
func (q *Inquiry) answer(port string, a netip.Addr) (who net.HardwareAddr, taken, known bool) {
	if q == nil || time.Since(q.begun) > freshTime {
		return nil, false, false
	}
	at := q.answers[question{port, a}]
	if at == nil {
		return nil, false, false
	}
	<-at.done
	return at.who, at.taken, true
}

// probe takes the answer that there is already, or asks.
func (c Config) probe(ctx context.Context, port string, a netip.Addr) (who net.HardwareAddr, taken bool) {
	if who, taken, known := c.Asked.answer(port, a); known {
		return who, taken
	}
	return Probe(ctx, port, a)
}
