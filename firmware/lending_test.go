package main

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/board/dhcpserver"
	"tollgate/firmware/api"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
)

func TestTelephonesAreLentWhatThePolicySays(t *testing.T) {
	p, err := policy.Parse([]byte(strings.NewReplacer("      sip_servers: [192.0.2.10]\n", "", "mac: 02:00:00:00:00:10", "mac: 02:00:00:00:00:AF").Replace(string(policy.Example()))))
	if err != nil {
		t.Fatal(err)
	}
	c := lending(p)
	if c.Interface != "eth0" || c.Own.String() != "192.0.2.10/24" || c.First.String() != "192.0.2.100" || c.Last.String() != "192.0.2.199" || c.Length != 12*time.Hour ||
		c.Router.String() != "192.0.2.1" || len(c.DNS) != 1 || len(c.Time) != 1 || c.Domain != "office.example" || c.Provisioning != "https://settings.office.example/" ||
		len(c.ProvisioningAddresses) != 1 || c.Reserved["02:00:00:00:00:af"] != netip.MustParseAddr("192.0.2.30") {
		t.Errorf("%+v", c)
	}
	if !slices.Equal(c.SIP, []string{"192.0.2.10"}) {
		t.Errorf("SIP is said to be at %v, not at the box", c.SIP)
	}
	if c := lending(nil); c.Interface != "" {
		t.Errorf("in set-up mode it lends %+v", c)
	}
}

func TestWhatIsLentIsKnownAfterARestart(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b := &box{store: s, log: log}
	c := dhcpserver.Config{Own: netip.MustParsePrefix("192.0.2.10/24")}
	if l := b.knownLent(c); len(l) != 0 {
		t.Errorf("before: %v", l)
	}
	lent := dhcpserver.Lease{Client: "02:00:00:00:00:01", Hardware: "02:00:00:00:00:01", Address: netip.MustParseAddr("192.0.2.100"), Name: "reception", Until: time.Now().UTC().Truncate(0)}
	b.keepLentOut(c.Own.Masked(), []dhcpserver.Lease{lent})
	if l := b.knownLent(c); len(l) != 1 || l[0] != lent {
		t.Errorf("after: %+v", l)
	}
	c.Own = netip.MustParsePrefix("198.51.100.10/24")
	if l := b.knownLent(c); len(l) != 0 {
		t.Errorf("on another network: %v", l)
	}
}

func TestTheOperatorIsToldWhyTelephonesGetNoAddress(t *testing.T) {
	for _, c := range []struct {
		shown *api.Lending
		want  string
	}{
		{nil, ""},
		{&api.Lending{Interface: "eth0", Lends: true, Size: 20, Free: 1}, ""},
		{&api.Lending{Interface: "eth0", Lends: true, First: "192.0.2.100", Last: "192.0.2.119", Size: 20}, "All 20 addresses from 192.0.2.100 to 192.0.2.119 are lent"},
		{&api.Lending{Interface: "eth0", Other: "192.0.2.66"}, "Another DHCP server, 192.0.2.66, answers on eth0"},
		{&api.Lending{Interface: "eth0", Lends: true, Size: 20, Free: 1, Aside: []api.Aside{{Address: "192.0.2.100", Hardware: "02:00:00:00:00:99"}, {Address: "192.0.2.101"}}},
			"that the box lends: 192.0.2.100 (02:00:00:00:00:99), 192.0.2.101. They"},
		{&api.Lending{Interface: "eth0", Lends: true, Size: 20, Aside: make([]api.Aside, 6)}, ", 2 more. They are lent to nobody"},
		{&api.Lending{Interface: "eth0", Lends: true, Size: 20, Aside: make([]api.Aside, 6)}, "are lent: another telephone gets none"},
		{&api.Lending{Interface: "eth0", Problem: "network is down"}, "network is down. See whether the cable is plugged in."},
	} {
		var got string
		for _, w := range unlent(c.shown) {
			got += w.Text
		}
		if !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
			t.Errorf("%+v: %q", c.shown, got)
		}
	}
}
