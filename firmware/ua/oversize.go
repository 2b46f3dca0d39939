package ua

import (
	"context"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Roomy is a Path that has another way for requests too long for a datagram (RFC 3261 §18.1.1). size is in bytes.
type Roomy interface {
	ConnFor(ctx context.Context, size int) (sip.Connection, error)
}

// ConnFor returns the connection of path for a message of size bytes.
func ConnFor(ctx context.Context, path Path, size int) (sip.Connection, error) {
	if r, ok := path.(Roomy); ok {
		return r.ConnFor(ctx, size)
	}
	return path.Conn(ctx)
}

// connFor returns the connection of path for req.
func connFor(ctx context.Context, path Path, req *sip.Request) (sip.Connection, error) {
	if r, ok := path.(Roomy); ok && strings.EqualFold(req.Transport(), "UDP") {
		return r.ConnFor(ctx, sizeOf(req))
	}
	return path.Conn(ctx)
}

// sizeOf is how many bytes m has on the wire.
func sizeOf(m sip.Message) int {
	var n size
	m.StringWrite(&n)
	return int(n)
}

// size counts what is written to it.
type size int

// WriteString makes it an io.StringWriter.
func (n *size) WriteString(s string) (int, error) {
	*n += size(len(s))
	return len(s), nil
}

// carry makes req say the transport that conn has: what is too long for UDP goes over TCP, and its Via says so.
func carry(req *sip.Request, conn sip.Connection) {
	if !isStream(conn) || !strings.EqualFold(req.Transport(), "UDP") {
		return
	}
	req.SetTransport("TCP")
	if v := req.Via(); v != nil {
		v.Transport = "TCP"
	}
}

// reroute finds the way for a request that credentials have made longer. The same server gets it in any case.
func (o *Outgoing) reroute(next *sip.Request) {
	if o.path == nil || !strings.EqualFold(next.Transport(), "UDP") {
		return
	}
	roomy, ok := o.path.(Roomy)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), rerouteTimeout)
	defer cancel()
	conn, err := roomy.ConnFor(ctx, sizeOf(next))
	if err != nil {
		return // the connection in use still serves
	}
	o.mu.Lock()
	o.conn = conn
	o.mu.Unlock()
}

// rerouteTimeout bounds how long a call waits for a connection while it answers a challenge.
const rerouteTimeout = 4 * time.Second
