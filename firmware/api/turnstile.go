package api

import (
	"net"
	"net/netip"
	"sync"
)

// How many connections are open at once. A browser needs one or two, six without HTTP/2.
const (
	maxConnections = 256
	maxPerSource   = 32
)

// turnstile is a listener that takes connections from listed sources only, and not too many.
type turnstile struct {
	net.Listener
	server *Server

	mu       sync.Mutex // guards everything below
	total    int
	bySource map[netip.Prefix]int
}

// Accept returns the next connection that is let in; the others are closed before a byte of theirs is read.
func (t *turnstile) Accept() (net.Conn, error) {
	for {
		c, err := t.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := addrOf(c)
		if t.server.isOpenTo(addr) && t.enter(sourceOf(addr)) {
			return &counted{Conn: c, leave: sync.OnceFunc(func() { t.exit(sourceOf(addr)) })}, nil
		}
		t.server.log.Debug("connection to the page closed", "source", addr)
		// Nothing was written, nothing can be lost.
		_ = c.Close()
	}
}

func (t *turnstile) enter(source netip.Prefix) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.total >= maxConnections || t.bySource[source] >= maxPerSource {
		return false
	}
	t.total++
	t.bySource[source]++
	return true
}

func (t *turnstile) exit(source netip.Prefix) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total--
	t.bySource[source]--
	if t.bySource[source] == 0 {
		delete(t.bySource, source)
	}
}

// counted is a connection that gives its place back.
type counted struct {
	net.Conn
	leave func()
}

// Close closes the connection; the first time its place becomes free.
func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}
