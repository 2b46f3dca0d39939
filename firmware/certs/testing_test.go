package certs

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// memory is a Keeper that can be told to fail.
type memory struct {
	mu      sync.Mutex
	records map[string][]byte
	broken  bool
	puts    int
}

func newMemory() *memory { return &memory{records: map[string][]byte{}} }

func (m *memory) Put(kind, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return errors.New("disk full")
	}
	m.records[kind+"/"+key] = value
	m.puts++
	return nil
}

func (m *memory) Get(kind, key string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.records[kind+"/"+key]
	return v, ok, nil
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

const day = 24 * time.Hour

func open(t *testing.T, k Keeper, c *clock) *Authority {
	t.Helper()
	a, err := Open(k, c.now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func server(t *testing.T, a *Authority, names []string, addrs ...string) *tls.Config {
	t.Helper()
	var ips []netip.Addr
	for _, s := range addrs {
		ips = append(ips, netip.MustParseAddr(s))
	}
	c, err := a.Server(names, ips)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// shake runs one handshake over loopback and returns what each end thinks of it.
func shake(t *testing.T, server, client *tls.Config) (clientErr, serverErr error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			defer c.Close()
			err = tls.Server(c, server).Handshake()
		}
		served <- err
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	clientErr = tls.Client(c, client).Handshake()
	return clientErr, <-served
}

// presented returns the certificate that a handshake would show.
func presented(t *testing.T, server *tls.Config) *x509.Certificate {
	t.Helper()
	c, err := server.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf
}
