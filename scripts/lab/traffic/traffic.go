// Package traffic is both ends of many calls through a relay: plain RTP on the office's end, SRTP on the carrier's, a packet
// each 20 ms each way. It verifies every packet that comes out - whose it is, that it comes from the call's own port and in
// order, in the clear also that it is what was sent - and of every fourth that it decrypts to that, and how long it took.
//
//	Spec     the two ends, the calls and for how long; read as JSON
//	Ports    where the generator is; Run has one thread: sends what is due, takes what is there
//	voice    one way of one call
//	pipe     one end: a socket that sends and takes many packets a system call, or a link by which they go and come as frames
//	Report   what came of it
//
// The load costs less than the relay, or the relay's limit could not be seen: every call of an end shares one socket, a call
// being told by the relay's port; what has to be encrypted is encrypted before it begins; and packets leave and arrive as Ethernet
// frames where the lab says by which link. Packets arrive by the kernel's clock, not ours, and what the generator itself did too late or lost is counted apart, so
// that it is never taken for the relay's. It leaves to others how calls are set up (bench).
package traffic

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"runtime/debug"
	"time"

	"tollgate/scripts/lab"
)

// Spec is what is to be sent.
type Spec struct {
	Inside, Outside End
	Calls           []Call
	First           uint32        // number of the first packets: Report.Next of the time before, when calls go on
	Warm, Span      time.Duration // before anything counts, and while it does
	Shared          bool          // the processor is the relay's as well: the generator leaves it whenever it can, and sends a little later
}

// End is where the generator stands on one side.
type End struct {
	Namespace string // network namespace; "": the one that the generator is started in
	Address   netip.AddrPort
	Link      *Link // by which to send and take Ethernet frames, which costs the generator less; nil: by the socket
}

// Link is an interface, and who is at the other end of its cable: the relay.
type Link struct {
	Name string
	Far  net.HardwareAddr
}

// within runs f where the end is.
func (e End) within(f func() error) error {
	if e.Namespace == "" {
		return f()
	}
	return lab.Inside(e.Namespace, f)
}

// Call is one call: where the relay takes its media on each side, and the keys of the encrypted one, with salts.
type Call struct {
	Inside, Outside netip.AddrPort
	Send, Receive   []byte // SRTP, AES_CM_128_HMAC_SHA1_80: the generator's own, the relay's
}

// packets is how many packets a voice says at most: until the last ones have arrived, and some more on a machine that is late.
func (s Spec) packets() int { return int((s.Warm+s.Span+tail+time.Second)/every) + 1 }

// Report is what came of it. Everything is of the packets that were sent while it counted.
type Report struct {
	Sent, Received int
	Broken         int           // came, and did not decrypt or was not what had been sent, or from the call's port
	Disordered     int           // came after a later one, or twice
	Median, P99    time.Duration // from sending to arrival
	Late           time.Duration // 99 of 100 packets were sent less after they were due
	Dropped        int           // lost by the generator's own sockets
	Busy           float64       // how much of the time the generator had something to do
	Next           uint32        // number that no packet has had
}

// Loss is the share of what was sent that did not come out right.
func (r Report) Loss() float64 {
	if r.Sent == 0 {
		return 1
	}
	return float64(r.Sent-r.Received) / float64(r.Sent)
}

// mostLate is how late the generator may be before it is to blame for what it measures.
const mostLate = 2 * time.Millisecond

// Trusted tells whether the generator itself kept up.
func (r Report) Trusted() bool { return r.Late <= mostLate && r.Dropped == 0 }

// The lines that Serve writes when what it sends begins and ceases to count, for whoever measures the relay meanwhile.
const (
	Begun = "begun"
	Ended = "ended"
)

// Serve reads one Spec after the other, and for each writes the lines Begun and Ended and the Report. In between the ports
// stay open, so that nobody learns of closed ones; the ends are those of the first.
func Serve(in io.Reader, out io.Writer) error {
	var p *Ports
	defer func() { p.Close() }()
	for specs := json.NewDecoder(in); ; {
		var s Spec
		err := specs.Decode(&s)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read what to send: %w", err)
		}
		if p == nil {
			if p, err = Open(s.Inside, s.Outside); err != nil {
				return err
			}
		}
		r, err := p.Run(s, func(what string) { fmt.Fprintln(out, what) })
		if err == nil {
			err = json.NewEncoder(out).Encode(r)
		}
		if err != nil {
			return err
		}
	}
}

// Ports are the generator's at both ends: of RTP, and of RTCP, at which nobody listens.
type Ports struct {
	inside, outside *pipe
	all             []*pipe        // with those of RTCP
	ahead           [][sealed]byte // room for what is encrypted beforehand
	room            []kept         // room for what is decrypted afterwards
}

// Open takes the ports.
func Open(inside, outside End) (*Ports, error) {
	p := &Ports{}
	for _, e := range []End{inside, outside} {
		control := End{Namespace: e.Namespace, Address: netip.AddrPortFrom(e.Address.Addr(), e.Address.Port()+1)}
		for _, port := range []End{e, control} {
			opened, err := openPipe(port)
			if err != nil {
				p.Close()
				return nil, err
			}
			p.all = append(p.all, opened)
		}
		if e.Link == nil {
			continue
		}
		if err := p.all[len(p.all)-2].byLink(e); err != nil {
			p.Close()
			return nil, err
		}
	}
	p.inside, p.outside = p.all[0], p.all[2]
	return p, nil
}

// Close gives them back.
func (p *Ports) Close() {
	if p == nil {
		return
	}
	for _, o := range p.all {
		o.close()
	}
}

// Run sends and takes. It has a thread for itself meanwhile, in real time where that is allowed, and no garbage is collected.
func (p *Ports) Run(s Spec, tell func(string)) (Report, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if back, err := lab.Prefer(); err == nil { // or else it is late on a machine that is busy, and says so
		defer back()
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	if n := len(s.Calls) * s.packets(); n > len(p.ahead) {
		p.ahead, p.room = make([][sealed]byte, n), make([]kept, n/sampled+n/8)
	}
	clear(p.room) // so that the memory is there when packets come
	g, err := newGenerator(s, p.inside, p.outside, p.ahead, p.room)
	if err != nil {
		return Report{}, err
	}
	return g.run(s, tell)
}
