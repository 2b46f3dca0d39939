package apply

import (
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/board/link"
	"tollgate/firmware/policy"
)

var update = flag.Bool("update", false, "write the goldens anew")

func golden(t *testing.T, name string, config any) {
	t.Helper()
	text, err := json.MarshalIndent(config, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	got := string(text) + "\n"
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func example(t *testing.T, replace ...string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(document(t, "Lyon office", replace...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestACarriersNameMustNotLeadInside(t *testing.T) {
	p := example(t)
	for address, says := range map[string]string{
		"203.0.113.77": "", "2001:db8::77": "", "198.51.100.1": "", // the gateway
		"192.0.2.10": "the box's own address", "198.51.100.10": "the box's own address", "203.0.113.10": "the box's own address",
		"192.0.2.20": "inside the office", "127.0.0.1": "no address of a host", "0.0.0.0": "no address of a host",
		"224.0.0.1": "no address of a host", "169.254.1.1": "no address of a host", "::1": "no address of a host",
	} {
		err := Carrier(p, netip.MustParseAddr(address))
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", address, err, says)
		}
	}
}

func TestThePolicyOpensWhatItsPeersNeedAndNothingElse(t *testing.T) {
	resolved := map[string][]netip.Addr{"carrier-a": {netip.MustParseAddr("198.51.100.77"), netip.MustParseAddr("203.0.113.77")}, "carrier-b": {netip.MustParseAddr("203.0.113.78")}}
	golden(t, "two-ports.json", Filter(example(t), resolved))
	golden(t, "one-port.json", Filter(example(t, "interface: eth1", "interface: eth0"), resolved))
	passing := example(t, "passage: none", "passage: masquerade")
	golden(t, "passage.json", map[string]any{"filter": Filter(passing, nil), "forwarding": Forwarding(passing)})
	for passage, want := range map[policy.Passage]link.Forwarding{policy.PassageNone: {}, policy.PassageForward: {Inside: "eth0", Outside: "eth1"}} {
		passing.Network.Passage = passage
		if got := Forwarding(passing); got != want || string(Filter(passing, nil).Passage) != strings.TrimPrefix(string(passage), "none") {
			t.Errorf("%s: %+v", passage, got)
		}
	}
	own := []netip.Prefix{netip.MustParsePrefix("192.0.2.10/24")}
	golden(t, "set-up.json", SetupFilter("eth0", own, 443))
}

func TestTheCarrierSeesThePublicAddress(t *testing.T) {
	p := example(t)
	if got := Local(p, policy.SideOutside, policy.TLSTransport); got.Host != "203.0.113.10" || got.Port != 5061 {
		t.Errorf("outside the box calls itself %+v", got)
	}
	if got := Local(p, policy.SideInside, policy.UDP); got.Host != "192.0.2.10" || got.Port != 5060 {
		t.Errorf("inside the box calls itself %+v", got)
	}
	m := Media(p)
	if m.Outside.Address.String() != "198.51.100.10" || m.Outside.Advertised.String() != "203.0.113.10" || m.Inside.Advertised.String() != "192.0.2.10" {
		t.Errorf("media %+v", m)
	}
	for _, want := range []string{"192.0.2.10", "198.51.100.10", "203.0.113.10"} {
		found := false
		for _, a := range OwnAddresses(p) {
			found = found || a.String() == want
		}
		if !found {
			t.Errorf("the certificate does not name %s", want)
		}
	}
}

func TestTheGatewayIsNeverInside(t *testing.T) {
	p := example(t, "gateway: 198.51.100.1", "gateway: 192.0.2.1", "address: 198.51.100.10/24", "address: 192.0.2.11/24", "interface: eth1", "interface: eth0")
	side := SideOf(p)
	for addr, want := range map[string]policy.Side{
		"192.0.2.50": policy.SideInside, "192.0.2.1": policy.SideOutside, "203.0.113.9": policy.SideOutside, "::ffff:192.0.2.50": policy.SideInside,
	} {
		if got := side(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s is %s, want %s", addr, got, want)
		}
	}
	if n := len(Listeners(p, nil).Listeners); n != 6 {
		t.Errorf("%d listeners, want UDP, TCP and TLS on both sides", n)
	}
	p.Network.SIPDSCP = policy.DSCPAF31
	if c := Listeners(p, nil); c.DSCP != 26 || c.Calls != p.Limits.Calls || c.Calls == 0 {
		t.Errorf("signalling is marked %d, want AF31", c.DSCP)
	}
	if !strings.Contains(Filter(p, nil).Ruleset().String(), "192.0.2.1") {
		t.Error("the filter does not know the gateway")
	}
}

func TestAMachineOfItsOwnGetsThePortsOfThePolicy(t *testing.T) {
	golden(t, "ports-two.json", Ports(example(t)))
	golden(t, "ports-one.json", Ports(example(t, "interface: eth1", "interface: eth0")))
	golden(t, "ports-set-up.json", SetupPort("eth0", link.Lease{Address: netip.MustParsePrefix("192.0.2.50/24"), Router: netip.MustParseAddr("192.0.2.1")}))
}
