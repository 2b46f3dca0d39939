package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	systemFile = "/etc/resolv.conf"
	// tryTimeout is for one question to one name server; each is asked twice.
	tryTimeout = 2 * time.Second
	rounds     = 2
	// udpSize is the datagram a name server may answer with; more would be fragmented (RFC 9715).
	udpSize = 1232
)

// wire asks over the network.
type wire struct {
	servers func() []netip.AddrPort // none: those of the system
	hosts   string                  // file of the system's own names

	mu   sync.Mutex // guards everything below
	good netip.AddrPort
}

// inTurn puts the name server first that has answered last: a dead one must not cost time with every question.
func (w *wire) inTurn(servers []netip.AddrPort) []netip.AddrPort {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(servers, w.good)
	if i <= 0 {
		return servers
	}
	return slices.Concat(servers[i:i+1], servers[:i], servers[i+1:])
}

func (w *wire) answered(s netip.AddrPort) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.good = s
}

// ask puts the question to one name server after the other until one can answer it.
func (w *wire) ask(ctx context.Context, q question) (*dns.Msg, error) {
	servers := w.servers()
	if len(servers) == 0 {
		if m := hostsAnswer(w.hosts, q); m != nil {
			return m, nil
		}
		var err error
		if servers, err = systemServers(systemFile); err != nil {
			return nil, err
		}
	}
	var failures []error
	servers = w.inTurn(servers)
	for range rounds {
		for _, s := range servers {
			m, err := askOne(ctx, s, q)
			if err == nil {
				w.answered(s)
				return m, nil
			}
			failures = append(failures, fmt.Errorf("name server %s: %w", s, err))
			if ctx.Err() != nil {
				return nil, errors.Join(failures...)
			}
		}
	}
	return nil, errors.Join(failures[len(failures)-len(servers):]...)
}

// systemServers reads the name servers of the system. The file is small and may change with every lease of an address.
func systemServers(file string) ([]netip.AddrPort, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("no name servers: %w", err)
	}
	defer f.Close()
	config, err := dns.ClientConfigFromReader(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	var list []netip.AddrPort
	for _, s := range config.Servers {
		if a, err := netip.ParseAddr(s); err == nil {
			list = append(list, netip.AddrPortFrom(a, 53))
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s names no name server: write network.dns_servers", file)
	}
	return list, nil
}

// askOne asks one name server: over UDP, and over TCP when the answer was too long for a datagram (RFC 7766).
func askOne(ctx context.Context, server netip.AddrPort, q question) (*dns.Msg, error) {
	ask := new(dns.Msg)
	ask.SetQuestion(q.name, q.kind)
	ask.SetEdns0(udpSize, false)
	m, err := send(ctx, "udp", server, ask)
	if err == nil && m.Rcode == dns.RcodeFormatError { // knows no EDNS (RFC 6891 §7)
		ask.Extra = nil
		m, err = send(ctx, "udp", server, ask)
	}
	if err == nil && m.Truncated {
		m, err = send(ctx, "tcp", server, ask)
	}
	switch {
	case err != nil:
		return nil, err
	case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		return nil, errors.New(dns.RcodeToString[m.Rcode])
	}
	return m, nil
}

func send(ctx context.Context, network string, server netip.AddrPort, ask *dns.Msg) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	client := dns.Client{Net: network, Timeout: tryTimeout, UDPSize: udpSize}
	m, _, err := client.ExchangeContext(ctx, ask, server.String())
	switch {
	case err != nil:
		return nil, err
	case !m.Response || len(m.Question) != 1 || m.Question[0].Qtype != ask.Question[0].Qtype || !sameName(m.Question[0].Name, ask.Question[0].Name):
		return nil, errors.New("its answer is to another question")
	}
	return m, nil
}
