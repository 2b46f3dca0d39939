package policy

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

const givenDocument = `version: 1
site: {name: Lyon, country: FR, time_zone: Europe/Paris}
network:
  inside: {interface: onboard, address: dhcp}
  outside: {interface: usb, address: dhcp}
pbx: {address: "192.0.2.20:5060"}
trunks:
  - name: carrier-a
    domain: carrier.example
    accounts: [{user: alice, numbers: [+33423456700]}]
`

func TestWhatTheNetworkGivesIsAWordInTheDocumentAndAnAddressInForce(t *testing.T) {
	p, err := Parse([]byte(givenDocument))
	if err != nil {
		t.Fatal(err)
	}
	if !p.Network.Wandering() || p.Network.Inside.Address.IsValid() || len(p.Network.Inside.Prefixes) > 0 {
		t.Errorf("as written: %+v", p.Network)
	}
	doc, err := p.Canonical()
	if err != nil || strings.Count(string(doc), "address: dhcp") != 2 {
		t.Errorf("as kept: %v\n%s", err, doc)
	}
	inside := Place{Interface: "end0", Address: netip.MustParsePrefix("192.0.2.10/24")}
	outside := Place{Interface: "enx02", Address: netip.MustParsePrefix("198.51.100.10/24"), Router: netip.MustParseAddr("198.51.100.1")}
	q := p.Placed(inside, outside)
	if faults := q.Check(); len(faults) > 0 {
		t.Error(faults)
	}
	n := q.Network
	if n.Inside.Interface != "end0" || n.Inside.Address.Prefix != inside.Address || len(n.Inside.Prefixes) != 1 || n.Inside.Prefixes[0] != netip.MustParsePrefix("192.0.2.0/24") {
		t.Errorf("inside: %+v", n.Inside)
	}
	if n.Outside.Interface != "enx02" || n.Gateway != outside.Router || n.PublicAddress != outside.Address.Addr() || len(q.Admin.Sources) != 1 {
		t.Errorf("outside: %+v, by %v, seen at %v; page for %v", n.Outside, n.Gateway, n.PublicAddress, q.Admin.Sources)
	}
	if p.Network.Inside.Address.IsValid() || len(p.Admin.Sources) > 0 || p.Network.PublicAddress.IsValid() {
		t.Errorf("the document has changed: %+v", p.Network)
	}
	// What a server lends can be wrong for this office: that is a fault with its place.
	outside.Address = netip.MustParsePrefix("192.0.2.99/24")
	if faults := p.Placed(inside, outside).Check(); !slices.ContainsFunc(faults, func(f Fault) bool { return f.Path == "network.outside.address" }) {
		t.Errorf("one network on both ports: %v", faults)
	}
}

func TestADocumentThatNamesEverythingIsWhereItSays(t *testing.T) {
	p, err := Parse([]byte(strings.NewReplacer("onboard, address: dhcp", "eth0, address: 192.0.2.10/24", "usb, address: dhcp", "eth1, address: 198.51.100.10/24").Replace(givenDocument)))
	if err != nil || p.Network.Wandering() {
		t.Errorf("%v: %+v", err, p.Network)
	}
}
