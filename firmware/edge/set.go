package edge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"tollgate/firmware/policy"
)

var errClosed = errors.New("the signalling border is closed")

// socket is a listener of either kind.
type socket interface {
	serve()
	close()
	share(*sharing)
	sharing() *sharing
	address() netip.AddrPort
	mark(dscp uint8)
}

// Set makes c what listens. It is idempotent and all or nothing: when one address cannot be opened, everything stays as
// it was. Listeners that are in c already keep running, with their connections; those that are not are closed, with
// theirs. A connection whose side has changed is closed.
func (e *Edge) Set(ctx context.Context, c Config) error {
	wanted, err := c.sockets()
	if err != nil {
		return err
	}
	e.setting.Lock()
	defer e.setting.Unlock()
	opened, err := e.open(ctx, wanted)
	if err == nil {
		err = e.commit(wanted, opened, c.DSCP)
	}
	if err != nil {
		for _, s := range opened {
			s.close()
		}
		return err
	}
	e.pacing.calls.Store(int32(c.Calls))
	return nil
}

// open opens the sockets that are wanted and not there.
func (e *Edge) open(ctx context.Context, wanted map[socketKey]*sharing) (map[socketKey]socket, error) {
	opened := map[socketKey]socket{}
	for key, sh := range wanted {
		e.mu.Lock()
		_, there := e.sockets[key]
		e.mu.Unlock()
		if there {
			continue
		}
		s, err := e.listen(ctx, key, sh)
		if err != nil {
			return opened, fmt.Errorf("listen on %s: %w", key, err)
		}
		opened[key] = s
	}
	return opened, nil
}

func (e *Edge) listen(ctx context.Context, key socketKey, sh *sharing) (socket, error) {
	var lc net.ListenConfig
	family := "4"
	if key.addr.Addr().Is6() {
		family = "6"
	}
	if key.transport.Stream() {
		l, err := lc.Listen(ctx, "tcp"+family, key.addr.String())
		if err != nil {
			return nil, err
		}
		return newListener(e, key.transport, l, sh), nil
	}
	pc, err := lc.ListenPacket(ctx, "udp"+family, key.addr.String())
	if err != nil {
		return nil, err
	}
	s, err := newUDPSocket(e, pc, sh)
	if err != nil {
		pc.Close()
		return nil, err
	}
	return s, nil
}

// commit puts wanted into force; from here on nothing can fail.
func (e *Edge) commit(wanted map[socketKey]*sharing, opened map[socketKey]socket, dscp uint8) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errClosed
	}
	for key, s := range e.sockets {
		if sh, ok := wanted[key]; ok {
			s.share(sh)
			continue
		}
		s.close()
		delete(e.sockets, key)
	}
	for key, s := range opened {
		e.sockets[key] = s
	}
	e.remark(dscp)
	for _, s := range opened {
		e.running.Go(s.serve)
	}
	e.dropMisplaced()
	return nil
}

// dropMisplaced ends the accepted connections of listeners that are gone, and those that are on the wrong side now.
func (e *Edge) dropMisplaced() {
	for s := range e.streams {
		if s.listener == nil {
			continue
		}
		select {
		case <-s.listener.ended:
			s.finish()
			continue
		default:
		}
		if side, _ := s.listener.sharing().side(s.conn.remote.Addr()); side != s.conn.side {
			s.finish()
		}
	}
}

// Listening returns what listens, with the ports that the system chose where 0 was asked for. A socket that serves both
// sides is there twice.
func (e *Edge) Listening() []Listener {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []Listener
	for key, s := range e.sockets {
		for side, config := range s.sharing().sides {
			all = append(all, Listener{Side: side, Transport: key.transport, Addr: s.address(), TLS: config})
		}
	}
	slices.SortFunc(all, func(a, b Listener) int {
		return cmp.Or(cmp.Compare(a.Side, b.Side), cmp.Compare(a.Transport, b.Transport), a.Addr.Compare(b.Addr))
	})
	return all
}

// socketOf finds a socket of a side that reaches addresses of the family of to, one of the transport if there is any.
func (e *Edge) socketOf(side policy.Side, t policy.Transport, to netip.Addr) (best socket, same bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for key, s := range e.sockets {
		if !s.sharing().serves(side) || key.addr.Addr().Is4() != to.Is4() {
			continue
		}
		if key.transport == t {
			return s, true
		}
		best = s
	}
	return best, false
}
