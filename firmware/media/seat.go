package media

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"

	"tollgate/firmware/datagram"
)

// port is the socket of a media port, and its seat from its first call on.
type port struct {
	datagram.Socket
	exit datagram.Socket // that it sends by: the same, or one beside it (bindPort)
	seat *seat
}

// Send sends by the exit.
func (p port) Send(b []byte, to *datagram.Name) unix.Errno { return p.exit.Send(b, to) }

// seat is a worker's for a socket that no call has: the worker goes on watching it, and the kernel steering its packets, so
// that the next call has but to sit down. While a call has the socket, it is empty.
type seat struct {
	worker *worker // nil: nobody watches the socket
	place  int32
	inlet  *inlet         // by which its packets come; nil: by the socket
	local  netip.AddrPort // that the socket is bound to
}

// noSocket says that no socket without a call is at a place.
const noSocket datagram.Socket = -1

// at is the worker who keeps a seat for the socket; nil: nobody does.
func (p port) at() *worker {
	if p.seat == nil {
		return nil
	}
	return p.seat.worker
}

// leave ends the reading of a flow's socket, which keeps its seat. What still comes is nobody's, and thrown away.
func (w *worker) leave(f *flow) {
	if f.place == nowhereRead {
		return
	}
	if f.socket.seat == nil {
		f.socket.seat = &seat{}
	}
	*f.socket.seat = seat{worker: w, place: f.place, inlet: f.inlet, local: f.local}
	if f.inlet != nil {
		f.inlet.flows.put(f.local.Port(), nil)
	}
	w.flows[f.place], w.vacant[f.place] = nil, f.socket.Socket
	f.owner.Store(nil)
	f.inlet, f.place = nil, nowhereRead
}

// sit has the worker read a flow's socket, which has a seat with it.
func (w *worker) sit(f *flow) {
	f.place, f.inlet = f.socket.seat.place, f.socket.seat.inlet
	*f.socket.seat = seat{}
	w.flows[f.place], w.vacant[f.place] = f, noSocket
	f.owner.Store(w)
	if f.inlet == nil {
		w.steer(f) // if it is possible now
		return
	}
	f.inlet.flows.put(f.local.Port(), f)
}

// vacate gives the seat up. Nobody uses the number of the file afterwards, so that it may be closed.
func (p port) vacate() {
	w := p.at()
	if w == nil {
		return
	}
	w.do(func() { // or else it has ended, and watches nothing
		if p.seat.inlet != nil {
			w.unsteerPort(p.seat.local)
		}
		w.unwatch(p.Socket)
		w.vacant[p.seat.place] = noSocket
		w.idle = append(w.idle, p.seat.place)
	})
	*p.seat = seat{}
}

// close gives the socket back, and its seat before.
func (p port) close() error {
	p.vacate()
	err := p.Socket.Close()
	if p.exit != p.Socket {
		err = errors.Join(err, p.exit.Close())
	}
	return err
}
