package resolve

import (
	"bufio"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// hostsFile names hosts by hand. It counts only with the name servers of the system: both are the system's.
const hostsFile = "/etc/hosts"

// hostsAnswer answers q from a hosts file; nil when the file does not know the name. A name that stands there has its
// addresses and nothing else: somebody has settled by hand where it is.
func hostsAnswer(file string, q question) *dns.Msg {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	name := q.name
	if q.kind == dns.TypeSRV { // _sip._udp.host
		for strings.HasPrefix(name, "_") {
			_, name, _ = strings.Cut(name, ".")
		}
	}
	m, known := new(dns.Msg), false
	header := dns.RR_Header{Name: q.name, Rrtype: q.kind, Class: dns.ClassINET, Ttl: uint32(shortestLife.Seconds())}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(line)
		if len(words) < 2 || !slices.ContainsFunc(words[1:], func(n string) bool { return sameName(n, name) }) {
			continue
		}
		a, err := netip.ParseAddr(words[0])
		if err != nil {
			continue
		}
		known = true
		switch {
		case a.Is4() && q.kind == dns.TypeA:
			m.Answer = append(m.Answer, &dns.A{Hdr: header, A: a.AsSlice()})
		case a.Is6() && q.kind == dns.TypeAAAA:
			m.Answer = append(m.Answer, &dns.AAAA{Hdr: header, AAAA: a.AsSlice()})
		}
	}
	if !known {
		return nil
	}
	return m
}
