package media

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"tollgate/firmware/datagram"
)

// Where the kernel allows it, a worker takes packets another way than one by one on the socket of each flow:
//
//	in    the kernel steers the packets of all of the worker's flows to one socket for each local address, the inlet, and
//	      recvmmsg takes many at a time; each says what port it was for
//	out   they are written with their IP and UDP headers, and sendmmsg sends many at a time by one raw socket a family
//
// The sockets of the flows stay bound, and are read: what is not steered, or came before, arrives there. They also send
// what is too long for one packet and what is no relayed packet. The packet filter sees everything either way.
type express struct {
	steering *steering
	inlets   []*inlet
	outlets  [2]*outlet // IPv4, IPv6; nil: the machine has none
	in       *datagram.Many
	coming   [datagram.Most]*flow // whose each of those that came is; nil: nobody's
}

// inlet is where packets to one local address arrive.
type inlet struct {
	address netip.Addr
	socket  datagram.Socket
	flows   byPort
}

// byPort finds a flow by its port, in pages of memory that are there when they are used. A packet asks it, and a map of Go would have it wait
// for memory three times.
type byPort [256]*[256]*flow

func (p *byPort) at(port uint16) *flow {
	if page := p[port>>8]; page != nil {
		return page[port&0xff]
	}
	return nil
}

// put takes nil for a port that has no flow any more.
func (p *byPort) put(port uint16, f *flow) {
	page := &p[port>>8]
	if *page == nil {
		*page = new([256]*flow)
	}
	(*page)[port&0xff] = f
}

// all are the flows.
func (p *byPort) all(yield func(*flow) bool) {
	for _, page := range p {
		if page == nil {
			continue
		}
		for _, f := range page {
			if f != nil && !yield(f) {
				return
			}
		}
	}
}

// inletPlace is the place of the first inlet in events; the next are below.
const inletPlace = bellPlace - 1

const (
	// inletBuffer holds some 20 ms of 1,000 calls. More would turn an overload into delay.
	inletBuffer = 2 << 20
	// helpings is how often an inlet is read before others have their turn.
	helpings = 8
)

// newExpress fails where raw sockets are not allowed.
func newExpress(s *steering) (*express, error) {
	x := &express{steering: s, in: datagram.NewMany()}
	for i, v4 := range []bool{true, false} {
		raw, err := datagram.OpenRaw(v4, dscpEF)
		if err != nil && v4 {
			return nil, err
		}
		if err == nil { // or else there is no IPv6 here
			x.outlets[i] = &outlet{raw: raw}
		}
	}
	return x, nil
}

// steer has the packets of a flow come by an inlet. When that is not possible they come to its own socket, as ever, and so does
// RTCP, which is rare.
func (w *worker) steer(f *flow) {
	x := w.express
	if x == nil || f.control || x.outlet(f.local.Addr()) == nil {
		return
	}
	in, err := x.inlet(w.poll, f.local.Addr())
	if err == nil {
		err = x.steering.put(f.local, in.socket)
	}
	if err != nil {
		w.log.Warn("a media port is read by itself", "port", f.local, "err", err)
		return
	}
	in.flows.put(f.local.Port(), f)
	f.inlet = in
}

// unsteer has them come to its own socket again.
func (w *worker) unsteer(f *flow) {
	if f.inlet == nil {
		return
	}
	w.unsteerPort(f.local)
	f.inlet.flows.put(f.local.Port(), nil)
	f.inlet = nil
}

func (w *worker) unsteerPort(local netip.AddrPort) {
	if err := w.express.steering.drop(local); err != nil {
		w.log.Warn("letting a media port go", "port", local, "err", err)
	}
}

// inlet returns that of a local address.
func (x *express) inlet(p *poll, a netip.Addr) (*inlet, error) {
	for _, in := range x.inlets {
		if in.address == a {
			return in, nil
		}
	}
	room := datagram.Option{Level: unix.SOL_SOCKET, Name: unix.SO_RCVBUFFORCE, Value: inletBuffer}
	s, err := datagram.Bind(netip.AddrPortFrom(a, 0), datagram.WantPort(a.Is4()), room, wantErrors(a))
	if err != nil {
		return nil, err
	}
	in := &inlet{address: a, socket: s}
	if err := p.add(int(s), inletPlace-int32(len(x.inlets))); err != nil {
		s.Close()
		return nil, err
	}
	x.inlets = append(x.inlets, in)
	return in, nil
}

// outlet returns that of a family; nil: there is none.
func (x *express) outlet(a netip.Addr) *outlet {
	if a.Is4() {
		return x.outlets[0]
	}
	return x.outlets[1]
}

func (x *express) close() {
	for _, in := range x.inlets {
		in.socket.Close()
	}
	for _, o := range x.outlets {
		if o != nil {
			o.raw.Close()
		}
	}
}

// serve takes what has come to an inlet, and tells how many packets.
func (w *worker) serve(in *inlet) (carried int) {
	many := w.express.in
	for range helpings {
		n, errno := many.Receive(in.socket)
		if errno != 0 {
			w.complainOf(in)
			break
		}
		w.warm(in, n)
		for i, f := range w.express.coming[:n] {
			if f != nil {
				b, length, from := many.Datagram(i)
				w.take(f, from.AddrPort(), b, length)
			}
		}
		carried += n
		w.flush()
		if !many.Full(n) {
			break
		}
	}
	return carried
}

// complainOf takes the messages of routers that wait at an inlet. They name whom a packet was for.
func (w *worker) complainOf(in *inlet) {
	for range batch {
		u, to, ok := takeError(in.socket)
		if !ok {
			return
		}
		for f := range in.flows.all {
			if f.to.IsValid() && f.to.AddrPort() == to {
				f.complained(u)
			}
		}
	}
}
