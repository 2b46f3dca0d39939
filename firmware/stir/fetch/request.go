package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// dial opens a connection to an address.
type dial func(ctx context.Context, to netip.AddrPort) (net.Conn, error)

func network(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", to.String())
}

// fetch brings the certificates at a URL, and for how long they may be kept.
func (c *Certificates) fetch(ctx context.Context, url string) (certs []*x509.Certificate, life time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, 0, errors.New("where it is cannot be read")
	}
	if req.URL.Scheme != "https" || req.URL.User != nil {
		return nil, 0, errors.New("it is not offered by https")
	}
	roots, err := c.o.Roots()
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Accept", "application/pem-certificate-chain, application/pkix-cert, */*")
	req.Header.Set("User-Agent", "") // nobody is told who asks
	client := http.Client{
		Transport: &http.Transport{
			DialContext: c.connect, DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 16 << 10,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Time: c.o.Now},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, 0, cause(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("the server answers %d", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, 0, cause(err)
	case len(body) > maxBody:
		return nil, 0, fmt.Errorf("it is longer than %d kB", maxBody>>10)
	}
	certs, err = c.o.Parse(body)
	return certs, lifeOf(res.Header), err
}

// cause shortens what the library says, which repeats the URL of somebody else.
func cause(err error) error {
	var refused *notAllowed
	var timeout net.Error
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("the server is too slow")
	}
	return errors.New("its server cannot be reached, or not by https")
}

// notAllowed is why nothing is fetched from an address.
type notAllowed struct{ reason string }

func (e *notAllowed) Error() string { return e.reason }

// connect resolves a name, looks at what came of it and connects to that and nothing else: a name that leads somewhere else
// a moment later is not asked again.
func (c *Certificates) connect(ctx context.Context, _, address string) (net.Conn, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, err
	}
	addrs, err := c.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		if err := c.allowed(a); err != nil { // of a name that leads to such an address nothing is believed
			return nil, &notAllowed{err.Error()}
		}
	}
	var failed error
	for _, a := range addrs {
		conn, err := c.o.dial(ctx, netip.AddrPortFrom(a, uint16(port)))
		if err == nil {
			return conn, nil
		}
		failed = err
	}
	return nil, failed
}

// addresses are those of a host, which may be written as one.
func (c *Certificates) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	addrs, err := c.o.Resolve(ctx, host)
	if err == nil && len(addrs) == 0 {
		err = errors.New("the name has no address")
	}
	return addrs, err
}

// allowed tells why nothing is fetched from an address.
func (c *Certificates) allowed(a netip.Addr) error {
	a = a.Unmap()
	if !public(a) {
		return fmt.Errorf("%s is no public address", a)
	}
	if c.o.Allowed == nil {
		return nil
	}
	return c.o.Allowed(a)
}

// public tells whether an address is one of the Internet. Those of IPv6 that carry one of IPv4 in them are not: they lead to
// whatever that is.
func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" {
		return false
	}
	for _, p := range notPublic() {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// notPublic are ranges of RFC 6890 that IsGlobalUnicast and IsPrivate leave.
func notPublic() []netip.Prefix {
	var list []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2002::/16", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

// lifeOf is how long an answer may be kept (RFC 9111 §5.2.2), within bounds.
func lifeOf(h http.Header) time.Duration {
	life := usualLife
	for _, word := range strings.Split(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(word), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return leastLife
		case "max-age":
			if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				life = time.Duration(n) * time.Second
			}
		}
	}
	return min(max(life, leastLife), mostLife)
}
