package api

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Bounds of one HTTP connection. An event stream lifts those that would end it.
const (
	headerTime     = 5 * time.Second // also for the TLS handshake
	readTime       = 30 * time.Second
	writeTime      = 90 * time.Second // an import may take importTime
	idleTime       = 2 * time.Minute
	maxHeaderBytes = 16 << 10
	shutTime       = 3 * time.Second // for requests under way when a door shuts
)

// door is one listener with its HTTP server.
type door struct {
	name     string
	log      *slog.Logger
	listener net.Listener
	server   *http.Server
	cancel   context.CancelFunc // ends what still streams
	done     chan struct{}      // closed when the server has ended
}

// newDoor makes a door that does not serve yet.
func (s *Server) newDoor(name string, l net.Listener, h http.Handler) *door {
	ctx, cancel := context.WithCancel(context.Background())
	return &door{
		name: name, log: s.log, listener: l, cancel: cancel, done: make(chan struct{}),
		server: &http.Server{
			Handler:           h,
			ReadHeaderTimeout: headerTime,
			ReadTimeout:       readTime,
			WriteTimeout:      writeTime,
			IdleTimeout:       idleTime,
			MaxHeaderBytes:    maxHeaderBytes,
			HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 32},
			BaseContext:       func(net.Listener) context.Context { return ctx },
			// What strangers do wrong in TLS or HTTP is no news.
			ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		},
	}
}

// openPage listens for the page on addr.
func (s *Server) openPage(addr netip.AddrPort) (*door, error) {
	l, err := net.Listen("tcp", addr.String())
	if err != nil {
		return nil, err
	}
	d := s.newDoor("page on "+addr.String(), &turnstile{Listener: l, server: s, bySource: map[netip.Prefix]int{}}, s.pageHandler())
	d.server.TLSConfig = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"h2", "http/1.1"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.tls.Load(), nil },
	}
	return d, nil
}

// pageTLS is c as the page uses it: TLS 1.2 or newer, HTTP/2 offered.
func pageTLS(c *tls.Config) *tls.Config {
	if c == nil {
		return nil
	}
	c = c.Clone()
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	c.NextProtos = []string{"h2", "http/1.1"}
	return c
}

func (d *door) serve() {
	go d.until(func() error { return d.server.Serve(d.listener) })
}

func (d *door) serveTLS() {
	go d.until(func() error { return d.server.ServeTLS(d.listener, "", "") })
}

func (d *door) until(serve func() error) {
	defer close(d.done)
	if err := serve(); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		d.log.Error("a listener ended", "listener", d.name, "error", err)
	}
}

// shut takes no new connection from here on, so that the address is free for another, and lets the requests under way
// end without waiting for them: the one that led here may be among them. Server.Close waits.
func (s *Server) shut(d *door) {
	d.cancel()
	if err := d.listener.Close(); err != nil {
		d.log.Warn("closing a listener", "listener", d.name, "error", err)
	}
	s.leave.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), shutTime)
		defer cancel()
		if err := d.server.Shutdown(ctx); err != nil {
			d.log.Warn("requests were cut off", "listener", d.name, "error", err)
			// Shutdown has said what there was to say.
			_ = d.server.Close()
		}
		<-d.done
	})
}

// isOpenTo tells whether connections from addr are taken at all.
func (s *Server) isOpenTo(addr netip.Addr) bool {
	r := s.reception.Load()
	return r != nil && r.allows(addr)
}

// addrOf is the other end of a connection.
func addrOf(c net.Conn) netip.Addr {
	a, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return a.AddrPort().Addr().Unmap()
}
