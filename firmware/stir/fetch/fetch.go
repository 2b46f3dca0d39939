// Package fetch brings the certificates that signatures of calls name (RFC 8226 §9, RFC 8224 §4), and keeps them.
//
// Where they are is written by whoever calls, so nothing here may be used against the box or the office: only https, to
// addresses that are public and not the box's own, looked at after the name was resolved and used as they were looked at;
// no redirection, no more than 64 kB, no longer than 3 s; few at once, one at a time for each place, and what has failed is
// not tried again at once. Slow servers do not keep those of others away (see share.go).
//
//	Get ── kept? ──► certificates
//	        │ no
//	        └─ one fetch for all who wait ── name ─► addresses ─► allowed? ─► TLS ─► GET ─► certificates, kept
//
// Who waits decides how long; the fetch goes on without him, for the next call. It leaves to others which certificates
// count (stir), and which addresses are the box's and the office's own (Options.Allowed).
package fetch

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Bounds of what is fetched and kept.
const (
	fetchTime = 3 * time.Second
	maxBody   = 64 << 10 // bytes
	maxKept   = 256      // places
	maxAtOnce = 16
	failedFor = 10 * time.Second // what has failed is not tried again
	usualLife = time.Hour        // when the server does not say
	leastLife = time.Minute
	mostLife  = 24 * time.Hour
)

// Options are what New needs.
type Options struct {
	// Resolve finds the addresses of a host name.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Allowed tells why nothing is fetched from a public address; nil: it may be.
	Allowed func(netip.Addr) error
	// Roots are the authorities for web sites.
	Roots func() (*x509.CertPool, error)
	// Parse reads what was fetched.
	Parse func([]byte) ([]*x509.Certificate, error)
	Now   func() time.Time
	dial  dial          // nil: the network
	most  time.Duration // that a fetch takes; 0: fetchTime

	patience time.Duration // that a fetch has for sure; 0: patience
}

// Certificates fetches and keeps. It is safe for concurrent use.
type Certificates struct {
	o Options

	mu      sync.Mutex // guards everything below
	kept    map[string]*entry
	flights []*flight        // under way, the oldest first
	slow    map[string]aside // by host
}

// entry is what came of a fetch, or will.
type entry struct {
	done    chan struct{} // closed when what follows is known
	certs   []*x509.Certificate
	err     error
	expires time.Time
}

// New makes a Certificates that has fetched nothing yet.
func New(o Options) *Certificates {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.dial == nil {
		o.dial = network
	}
	o.most = cmp.Or(o.most, fetchTime)
	o.patience = cmp.Or(o.patience, patience)
	return &Certificates{o: o, kept: map[string]*entry{}, slow: map[string]aside{}}
}

var (
	// errBusy is for who finds no place in time.
	errBusy = errors.New("too many certificates are being fetched")
	// errSlowHost is for who comes while a host is left alone.
	errSlowHost = errors.New("its certificate cannot be had: the server was too slow a moment ago")
)

// Get returns the certificates at an https URL, which a call of source names. It waits no longer than ctx; the error is a
// clause for people.
func (c *Certificates) Get(ctx context.Context, source, url string) ([]*x509.Certificate, error) {
	e, err := c.entry(source, url)
	for errors.Is(err, errBusy) {
		select {
		case <-time.After(retry):
			e, err = c.entry(source, url)
		case <-ctx.Done():
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	select {
	case <-e.done:
		return e.certs, e.err
	case <-ctx.Done():
		return nil, errors.New("its certificate did not come in time")
	}
}

// entry is what is known of a URL; when that is nothing, a fetch begins.
func (c *Certificates) entry(source, url string) (*entry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.kept[url]; ok && !c.expired(e) {
		return e, nil
	}
	f, ctx, err := c.board(source, hostOf(url))
	if err != nil {
		return nil, err
	}
	c.makeRoom()
	e := &entry{done: make(chan struct{})}
	c.kept[url] = e
	go c.fill(ctx, f, e, url)
	return e, nil
}

// hostOf is the host of a URL; "" of what is none, which is not fetched.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

// expired tells whether an entry has to be fetched again. c.mu is held.
func (c *Certificates) expired(e *entry) bool {
	return !e.expires.IsZero() && c.o.Now().After(e.expires)
}

// makeRoom drops what has expired, and when that is nothing what expires next. c.mu is held.
func (c *Certificates) makeRoom() {
	if len(c.kept) < maxKept {
		return
	}
	var next string
	for url, e := range c.kept {
		switch {
		case c.expired(e):
			delete(c.kept, url)
		case !e.expires.IsZero() && (next == "" || e.expires.Before(c.kept[next].expires)):
			next = url
		}
	}
	if len(c.kept) >= maxKept {
		delete(c.kept, next)
	}
}

// fill fetches for an entry and for all who wait for it.
func (c *Certificates) fill(ctx context.Context, f *flight, e *entry, url string) {
	ctx, cancel := context.WithTimeout(ctx, c.o.most)
	defer cancel()
	certs, life, err := c.fetch(ctx, url)
	tooSlow := err != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded)
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errGaveWay):
		life, err = gaveWay, errGaveWay
	case err != nil:
		life = failedFor
	}
	if err != nil {
		err = fmt.Errorf("its certificate cannot be had: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e.certs, e.err, e.expires = certs, err, c.o.Now().Add(life)
	if err == nil || tooSlow {
		c.remember(f.host, tooSlow)
	}
	c.land(f)
	f.cancel(nil)
	close(e.done)
}
