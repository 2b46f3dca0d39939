package resolve

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/miekg/dns"
)

func TestANameInTheHostsFileHasItsAddressesAndNothingElse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hosts")
	text := "127.0.0.1 localhost\n198.51.100.1\tSIP.carrier.example other # by hand\n2001:db8::1 sip.carrier.example\nnonsense sip.carrier.example\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		q       question
		known   bool
		records int
	}{
		{question{"sip.carrier.example.", dns.TypeA}, true, 1},
		{question{"sip.carrier.example.", dns.TypeAAAA}, true, 1},
		{question{"_sip._udp.sip.carrier.example.", dns.TypeSRV}, true, 0},
		{question{"_sip._udp.carrier.example.", dns.TypeSRV}, false, 0},
		{question{"sip.carrier.example.", dns.TypeNAPTR}, true, 0},
		{question{"other.", dns.TypeAAAA}, true, 0},
		{question{"carrier.example.", dns.TypeA}, false, 0},
	}
	for _, tt := range tests {
		m := hostsAnswer(file, tt.q)
		if (m != nil) != tt.known || m != nil && len(m.Answer) != tt.records {
			t.Errorf("%s: got %v, want known %v with %d records", tt.q, m, tt.known, tt.records)
		}
	}
	if hostsAnswer(file+".not", tests[0].q) != nil {
		t.Error("an answer without a file")
	}
}

func TestTheHostsFileCountsOnlyWithTheNameServersOfTheSystem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(file, []byte("198.51.100.1 sip.carrier.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, `sip.carrier.example. 60 IN A 198.51.100.2`)
	r, _ := resolver(s)
	for _, tt := range []struct {
		w    *wire
		want string
	}{
		{&wire{servers: r.nameServers, hosts: file}, "198.51.100.2"},
		{&wire{servers: func() []netip.AddrPort { return nil }, hosts: file}, "198.51.100.1"},
	} {
		m, err := tt.w.ask(t.Context(), question{"sip.carrier.example.", dns.TypeA})
		if err != nil || len(m.Answer) != 1 || m.Answer[0].(*dns.A).A.String() != tt.want {
			t.Errorf("got %v, %v; want %s", m, err, tt.want)
		}
	}
}
