package trunk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// How often the carrier's names are looked up, and how long one look-up or one connection may take.
const (
	resolveEvery   = 60 * time.Second
	resolveTimeout = 5 * time.Second
	dialTimeout    = 8 * time.Second
)

// Path leads to the outbound proxy.
func (t *Trunk) Path() ua.Path { return hostPath{t, t.hosts()[0]} }

type hostPath struct {
	trunk *Trunk
	host  string
}

// Conn tries each address of the host until one takes the connection.
func (p hostPath) Conn(ctx context.Context) (sip.Connection, error) {
	t := p.trunk
	addrs, port, err := t.resolve(ctx, p.host)
	if err != nil {
		return nil, err
	}
	var failures []error
	for _, a := range addrs {
		dialCtx, cancel := context.WithTimeout(ctx, dialTimeout)
		conn, err := t.o.Dialer.Dial(dialCtx, ua.Target{
			Owner: t.Policy.Name, Side: policy.SideOutside, Transport: t.Policy.Transport,
			Addr: netip.AddrPortFrom(a, port), TLS: t.tls,
		})
		cancel()
		if err == nil {
			t.noteTLS(conn)
			return conn, nil
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

func (t *Trunk) noteTLS(conn sip.Connection) {
	c, ok := conn.(interface{ TLS() *tls.ConnectionState })
	if !ok {
		return
	}
	if s := c.TLS(); s != nil {
		t.mu.Lock()
		t.tlsUsed = tls.VersionName(s.Version)
		t.mu.Unlock()
	}
}

// resolve returns the addresses and the port of a host[:port]. When DNS fails, the addresses known before serve on.
func (t *Trunk) resolve(ctx context.Context, hostport string) ([]netip.Addr, uint16, error) {
	host, port := splitHostPort(hostport, t.Policy.Transport.DefaultPort())
	if a, err := netip.ParseAddr(host); err == nil {
		t.learn(hostport, []netip.Addr{a})
		return []netip.Addr{a}, port, nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	found, err := t.o.Resolver.LookupNetIP(ctx, "ip", host)
	addrs := slices.Clone(found) // the resolver's own is not ours to change
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	if err == nil && len(addrs) > 0 {
		t.learn(hostport, addrs)
		return addrs, port, nil
	}
	t.mu.Lock()
	known := slices.Clone(t.known[hostport])
	t.mu.Unlock()
	if len(known) > 0 {
		return known, port, nil
	}
	return nil, 0, fmt.Errorf("no address for %s: %w", host, err)
}

// learn keeps the addresses of a host and reports all of the trunk's when they have changed.
func (t *Trunk) learn(hostport string, addrs []netip.Addr) {
	addrs = slices.Clone(addrs)
	slices.SortFunc(addrs, netip.Addr.Compare)
	t.mu.Lock()
	changed := !slices.Equal(t.known[hostport], addrs)
	t.known[hostport] = addrs
	var all []netip.Addr
	for _, a := range t.known {
		all = append(all, a...)
	}
	t.mu.Unlock()
	if changed {
		slices.SortFunc(all, netip.Addr.Compare)
		t.o.Addresses.Resolved(t.Policy.Name, slices.Compact(all))
	}
}

// keepAddresses looks the carrier's names up at once and then again and again.
func (t *Trunk) keepAddresses(ctx context.Context) {
	for {
		for _, h := range t.hosts() {
			if _, _, err := t.resolve(ctx, h); err != nil && ctx.Err() == nil {
				t.o.Log.Warn("carrier's address not found", "trunk", t.Policy.Name, "host", h, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(resolveEvery):
		}
	}
}

func splitHostPort(s string, port uint16) (string, uint16) {
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		return s, port
	}
	if n, err := strconv.ParseUint(p, 10, 16); err == nil {
		port = uint16(n)
	}
	return host, port
}
