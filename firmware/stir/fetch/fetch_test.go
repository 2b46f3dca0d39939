package fetch

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// world is a web server, reached as certificates.example at a public address, and everything that was dialled.
type world struct {
	*Certificates
	server *httptest.Server
	asked  atomic.Int32
	now    atomic.Pointer[time.Time]
	names  map[string][]string

	mu      sync.Mutex
	dialled []string
}

func newWorld(t *testing.T, handler http.HandlerFunc) *world {
	t.Helper()
	w := &world{names: map[string][]string{"example.com": {"203.0.113.5"}}} // the name that the test server's certificate has
	w.server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		handler(rw, r)
	}))
	t.Cleanup(w.server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(w.server.Certificate())
	now := time.Now()
	w.now.Store(&now)
	w.Certificates = New(Options{
		Resolve: func(_ context.Context, host string) (list []netip.Addr, err error) {
			for _, a := range w.names[host] {
				list = append(list, netip.MustParseAddr(a))
			}
			return list, nil
		},
		Allowed: func(a netip.Addr) error {
			if a == netip.MustParseAddr("198.51.100.10") {
				return errors.New("198.51.100.10 is the box's own address")
			}
			return nil
		},
		Roots: func() (*x509.CertPool, error) { return pool, nil },
		Parse: func(b []byte) ([]*x509.Certificate, error) {
			if string(b) != "certificate" {
				return nil, errors.New("there is no certificate")
			}
			return []*x509.Certificate{w.server.Certificate()}, nil
		},
		Now:  func() time.Time { return *w.now.Load() },
		dial: w.dial,
	})
	return w
}

// dial leads every public address to the server, and remembers it.
func (w *world) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	w.mu.Lock()
	w.dialled = append(w.dialled, to.String())
	w.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, "tcp", w.server.Listener.Addr().String())
}

func (w *world) later(d time.Duration) {
	now := w.now.Load().Add(d)
	w.now.Store(&now)
}

func (w *world) connections() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dialled
}

func ok(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "certificate") }

const place = "https://example.com/office.pem"

func TestACertificateIsFetchedOnceAndKept(t *testing.T) {
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Cache-Control", "public, max-age=600")
		ok(rw, r)
	})
	get := func() {
		t.Helper()
		if certs, err := w.Get(t.Context(), "trunk", place); err != nil || len(certs) != 1 {
			t.Fatalf("%v, %v", certs, err)
		}
	}
	get()
	w.later(599 * time.Second)
	get()
	if n := w.asked.Load(); n != 1 {
		t.Errorf("asked %d times, want 1", n)
	}
	w.later(2 * time.Second)
	get()
	if n := w.asked.Load(); n != 2 {
		t.Errorf("asked %d times when it had expired, want 2", n)
	}
	if got := w.connections(); got[0] != "203.0.113.5:443" {
		t.Errorf("dialled %v", got)
	}
}

func TestLifeIsWithinBounds(t *testing.T) {
	for in, want := range map[string]time.Duration{"": time.Hour, "max-age=0": time.Minute, "no-store": time.Minute, "max-age=99999999": 24 * time.Hour, "max-age=x": time.Hour, `private, Max-Age="120"`: 2 * time.Minute} {
		if got := lifeOf(http.Header{"Cache-Control": {in}}); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

// Where a certificate is, whoever calls writes: acceptance case 20.
func TestNothingIsFetchedFromWhereItMustNotBe(t *testing.T) {
	w := newWorld(t, ok)
	w.names["rebind.example"] = []string{"203.0.113.5", "192.168.1.1"}
	w.names["inside.example"] = []string{"10.0.0.1"}
	w.names["own.example"] = []string{"198.51.100.10"}
	w.names["mapped.example"] = []string{"::ffff:127.0.0.1"}
	w.names["nat64.example"] = []string{"64:ff9b::7f00:1"}
	w.names["nowhere.example"] = nil
	for _, url := range []string{
		"https://127.0.0.1/a.pem", "https://[::1]/a.pem", "https://[::ffff:127.0.0.1]/a.pem", "https://169.254.169.254/latest", "https://[fe80::1]/a.pem",
		"https://10.1.2.3/a", "https://172.16.0.1/a", "https://192.168.0.1/a", "https://100.64.0.1/a", "https://[fd00::1]/a", "https://0.0.0.0/a", "https://255.255.255.255/a", "https://224.0.0.1/a",
		"https://198.51.100.10/a", "https://own.example/a", "https://inside.example/a", "https://rebind.example/a", "https://mapped.example/a", "https://nat64.example/a", "https://nowhere.example/a",
		"https://2130706433/a", "https://0x7f.1/a", "https://localhost/a",
		"file:///etc/passwd", "http://example.com/a.pem", "ftp://example.com/a.pem", "https://user:password@example.com/a.pem", "://", "",
	} {
		if certs, err := w.Get(t.Context(), "trunk", url); err == nil {
			t.Errorf("%s: %v", url, certs)
		}
	}
	if got := w.connections(); len(got) > 0 || w.asked.Load() > 0 {
		t.Errorf("dialled %v", got)
	}
}

// What a name leads to is looked at when the connection is made, and used as it was looked at: acceptance case 20.
func TestANameThatLeadsElsewhereAMomentLaterGainsNothing(t *testing.T) {
	w := newWorld(t, ok)
	var answers atomic.Int32
	w.o.Resolve = func(context.Context, string) ([]netip.Addr, error) {
		if answers.Add(1) == 1 {
			return []netip.Addr{netip.MustParseAddr("203.0.113.5")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	if _, err := w.Get(t.Context(), "trunk", place); err != nil {
		t.Fatal(err)
	}
	w.later(48 * time.Hour)
	if _, err := w.Get(t.Context(), "trunk", place); err == nil || !strings.Contains(err.Error(), "127.0.0.1 is no public address") {
		t.Errorf("%v", err)
	}
	if got := w.connections(); len(got) != 1 || got[0] != "203.0.113.5:443" {
		t.Errorf("dialled %v", got)
	}
}

// What a server may do: acceptance case 20.
func TestAServerThatMisbehavesIsNotFollowed(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"a redirection": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/other" {
				ok(w, r)
				return
			}
			http.Redirect(w, r, "/other", http.StatusFound)
		}, "the server answers 302"},
		"10 MB": {func(w http.ResponseWriter, _ *http.Request) {
			for range 160 {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, "longer than 64 kB"},
		"a long head": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
			ok(w, r)
		}, "cannot be reached"},
		"no certificate": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "no certificate"},
		"an error":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "the server answers 500"},
	} {
		w := newWorld(t, c.handler)
		if _, err := w.Get(t.Context(), "trunk", place); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if n := w.asked.Load(); n != 1 {
			t.Errorf("%s: asked %d times", name, n)
		}
		w.Get(t.Context(), "trunk", place)
		if n := w.asked.Load(); n != 1 {
			t.Errorf("%s: what has failed was tried again at once", name)
		}
		w.later(failedFor + time.Second)
		w.Get(t.Context(), "trunk", place)
		if n := w.asked.Load(); n != 2 {
			t.Errorf("%s: what has failed is never tried again", name)
		}
	}
}

func TestAnotherHostsCertificateIsNotBelieved(t *testing.T) {
	w := newWorld(t, ok)
	w.names["other.example"] = []string{"203.0.113.6"}
	if _, err := w.Get(t.Context(), "trunk", "https://other.example/a.pem"); err == nil || w.asked.Load() > 0 {
		t.Errorf("%v", err)
	}
}

// A server that is slow costs who waits what he would wait anyway, and is asked once for all: acceptance case 20.
func TestASlowServerIsWaitedForOnceAndNotLong(t *testing.T) {
	release := make(chan struct{})
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		<-release
		ok(rw, r)
	})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	for range 5 {
		go func() {
			_, err := w.Get(ctx, "trunk", place)
			failed <- err
		}()
	}
	cancel()
	for range 5 {
		if err := <-failed; err == nil || !strings.Contains(err.Error(), "in time") {
			t.Errorf("%v", err)
		}
	}
	close(release)
	if _, err := w.Get(t.Context(), "trunk", place); err != nil { // the fetch has gone on
		t.Error(err)
	}
	if n := w.asked.Load(); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
}

func TestAServerThatNeverEndsIsGivenUp(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"says nothing": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"a byte now and then": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := fmt.Fprint(w, "c"); err != nil {
					return
				}
				http.NewResponseController(w).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		},
	} {
		w := newWorld(t, handler)
		w.o.most = 300 * time.Millisecond
		if _, err := w.Get(t.Context(), "trunk", place); err == nil || w.asked.Load() > 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOnlySoManyAreFetchedAtOnceAndKept(t *testing.T) {
	release := make(chan struct{})
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		<-release
		ok(rw, r)
	})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	at := func(i int) string { return fmt.Sprintf("https://%d.example.com/office.pem", i) }
	for i := range maxAtOnce {
		w.names[fmt.Sprintf("%d.example.com", i)] = w.names["example.com"]
	}
	w.o.patience = time.Minute
	for i := range maxAtOnce {
		w.Get(gone, "trunk", at(i))
	}
	if _, err := w.Get(gone, "trunk", place); !errors.Is(err, errBusy) {
		t.Errorf("%v", err)
	}
	close(release)
	for i := range maxAtOnce {
		if _, err := w.Get(t.Context(), "trunk", at(i)); err != nil {
			t.Error(err)
		}
	}
	for i := range maxKept + 10 { // addresses that are refused at once are as good as others
		w.Get(t.Context(), "trunk", fmt.Sprintf("https://127.0.0.1/%d", i))
	}
	w.Certificates.mu.Lock()
	defer w.Certificates.mu.Unlock()
	if n := len(w.kept); n > maxKept {
		t.Errorf("%d are kept", n)
	}
}
