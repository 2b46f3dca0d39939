package policy

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"time"
)

// DHCPServer has the box lend addresses to telephones on its inside port (RFC 2131), and tell them where SIP is spoken.
type DHCPServer struct {
	Range        AddrRange `yaml:"range"`         // what is lent; zero: nothing, the section is not there
	LeaseMinutes int       `yaml:"lease_minutes"` // default 720
	// Router is the way out that telephones are told; zero: none, so that they reach their own network alone.
	Router      netip.Addr   `yaml:"router"`
	DNSServers  []netip.Addr `yaml:"dns_servers"`  // may be empty
	TimeServers []netip.Addr `yaml:"time_servers"` // option 42; may be empty
	Domain      string       `yaml:"domain"`       // may be empty
	// SIPServers are addresses, or names, but not both (option 120, RFC 3361); default: the box's inside address.
	SIPServers Hosts `yaml:"sip_servers"`
	// Provisioning is where telephones fetch their settings: a name or URL (option 66); may be empty.
	Provisioning string `yaml:"provisioning"`
	// ProvisioningAddresses are the same as addresses (option 150, RFC 5859); may be empty.
	ProvisioningAddresses []netip.Addr  `yaml:"provisioning_addresses"`
	Reservations          []Reservation `yaml:"reservations"` // may be empty
}

// Reservation is an address that one machine alone gets. It may lie outside the range.
type Reservation struct {
	MAC     string     `yaml:"mac"` // its hardware address, such as 02:00:00:00:00:10
	Address netip.Addr `yaml:"address"`
}

// Used tells whether the box lends addresses.
func (d DHCPServer) Used() bool { return d.Range.First.IsValid() }

// Lease is how long an address is lent.
func (d DHCPServer) Lease() time.Duration { return time.Duration(d.LeaseMinutes) * time.Minute }

// begin sets the fixed defaults of a section that is there, before it is read.
func (d *DHCPServer) begin() { d.LeaseMinutes = wholeDay / 2 }

// Bounds of a DHCP server. What it says has to fit into a message that every client takes (576 bytes, RFC 2131 section 2).
const (
	mostLent     = 1024 // addresses
	leastLease   = 5    // minutes
	mostLease    = 31 * wholeDay
	mostTold     = 4   // servers of one kind
	mostToldText = 160 // characters of all names together
)

func (c *checker) dhcpServer(n Network) {
	const path = "network.inside.dhcp_server"
	d, own := n.Inside.DHCPServer, n.Inside.Address
	if reflect.ValueOf(d).IsZero() {
		return
	}
	switch {
	case own.Given():
		c.fault(path, "write the box's own address as network.inside.address", "needs an inside address that stays, and this one is lent by another server")
		return
	case own.IsValid() && !own.Addr().Is4():
		c.fault(path, "leave it out, or write an IPv4 address as network.inside.address", "lends IPv4 addresses, and the inside address is one of IPv6")
		return
	case n.Inside.Interface != "" && n.OnePort():
		c.fault(path, "give the telephones a VLAN or a port of their own, or leave it out", "would lend addresses outside too, because one port serves both sides")
		return
	}
	c.between(path+".lease_minutes", d.LeaseMinutes, leastLease, mostLease)
	c.told(path, d)
	if !own.IsValid() || !c.required(path+".range", d.Used(), "write the first and the last address that is lent, such as 192.0.2.100-192.0.2.199") {
		return
	}
	c.reservations(path+".reservations", d, own.Prefix)
	c.lentRange(path+".range", d, n)
	if r := d.Router; r.IsValid() && !own.Masked().Contains(r) {
		c.fault(path+".router", "write a router on that network, or leave it out", "%s is not in the inside network %s", r, own.Masked())
	}
}

// lentRange checks the addresses that are lent to anybody.
func (c *checker) lentRange(path string, d DHCPServer, n Network) {
	r, own := d.Range, n.Inside.Address.Prefix
	switch {
	case !r.First.Is4() || !r.Last.Is4():
		c.fault(path, "write IPv4 addresses", "%s is not one of IPv4", r)
		return
	case r.Last.Less(r.First):
		c.fault(path, "write the lower address first", "%s runs backwards", r)
		return
	case !hostOf(own, r.First) || !hostOf(own, r.Last):
		c.fault(path, "write addresses of hosts on that network", "%s is not within the inside network %s", r, own.Masked())
		return
	case r.Size() > mostLent:
		c.fault(path, "make it smaller", "%s holds %d addresses where %d are the most", r, r.Size(), mostLent)
		return
	}
	taken := []struct {
		who string
		a   netip.Addr
	}{
		{"the box itself", own.Addr()}, {"the PBX", c.p.PBX.Address.Addr()}, {"the router that is told", d.Router}, {"the gateway", n.Gateway},
	}
	for _, t := range taken {
		if t.a.IsValid() && r.Contains(t.a) && (t.a == own.Addr() || !d.reserved(t.a)) {
			c.fault(path, "leave it out of the range", "%s holds %s, the address of %s", r, t.a, t.who)
		}
	}
}

func (d DHCPServer) reserved(a netip.Addr) bool {
	for _, r := range d.Reservations {
		if r.Address == a {
			return true
		}
	}
	return false
}

// hostOf tells whether a is an address that a host of a network can have.
func hostOf(network netip.Prefix, a netip.Addr) bool {
	return network.Masked().Contains(a) && a != network.Masked().Addr() && a != lastOf(network)
}

func (c *checker) reservations(path string, d DHCPServer, own netip.Prefix) {
	if !c.atMost(path, len(d.Reservations), mostLent) {
		return
	}
	macs, addresses := map[string]bool{}, map[netip.Addr]bool{}
	for i, r := range d.Reservations {
		at, mac := index(path, i), strings.ToLower(r.MAC)
		switch {
		case !c.required(at+".mac", mac != "", "write the machine's hardware address, such as 02:00:00:00:00:10"):
		case !hardware.matches(mac) || ofMany(mac):
			c.fault(at+".mac", "copy it from the telephone's label, such as 02:00:00:00:00:10", "%s is not the hardware address of one machine", quoted(r.MAC))
		case macs[mac]:
			c.fault(at+".mac", "keep one of the two", "%s has an address already", mac)
		}
		switch a := r.Address; {
		case !c.required(at+".address", a.IsValid(), "write the address that it gets"):
		case !hostOf(own, a):
			c.fault(at+".address", "write an address of a host on that network", "%s is not within the inside network %s", a, own.Masked())
		case a == own.Addr():
			c.fault(at+".address", "choose another", "%s is the box's own address", a)
		case addresses[a]:
			c.fault(at+".address", "choose another", "%s is reserved for another machine already", a)
		}
		macs[mac], addresses[r.Address] = true, true
	}
}

// told checks what telephones are told besides their address.
func (c *checker) told(path string, d DHCPServer) {
	c.toldAddresses(path+".dns_servers", d.DNSServers)
	c.toldAddresses(path+".time_servers", d.TimeServers)
	c.toldAddresses(path+".provisioning_addresses", d.ProvisioningAddresses)
	if d.Router.IsValid() {
		c.toldAddress(path+".router", d.Router)
	}
	if d.Domain != "" && !hostName(d.Domain) {
		c.fault(path+".domain", "write a name like office.example", "%s is not the name of a domain", quoted(d.Domain))
	}
	if d.Provisioning != "" && (!printable(d.Provisioning, mostToldText) || strings.ContainsAny(d.Provisioning, " \t")) {
		c.fault(path+".provisioning", "write a host name or a URL", "%s is neither", quoted(d.Provisioning))
	}
	c.sipServers(path+".sip_servers", d.SIPServers)
	if length := len(d.Domain) + len(d.Provisioning) + len(strings.Join(d.SIPServers, ".")); length > mostToldText {
		c.fault(path, "shorten domain, provisioning or sip_servers", "its names have %d characters together where %d are the most that fit into an answer", length, mostToldText)
	}
}

// sipServers checks that the list is of one kind: option 120 holds either (RFC 3361 section 3).
func (c *checker) sipServers(path string, list Hosts) {
	if !c.atMost(path, len(list), mostTold) {
		return
	}
	names := 0
	for i, s := range list {
		a, err := netip.ParseAddr(s)
		switch {
		case err == nil:
			c.toldAddress(index(path, i), a)
		case !hostName(s):
			c.fault(index(path, i), "write an address or a name, without a port", "%s is neither", quoted(s))
		default:
			names++
		}
	}
	if names > 0 && names < len(list) {
		c.fault(path, "write addresses alone, or names alone", "has both addresses and names, which telephones cannot be told at once")
	}
}

func (c *checker) toldAddresses(path string, list []netip.Addr) {
	if !c.atMost(path, len(list), mostTold) {
		return
	}
	for i, a := range list {
		if a.IsValid() {
			c.toldAddress(index(path, i), a)
		}
	}
}

func (c *checker) toldAddress(path string, a netip.Addr) {
	switch problem := notOneHost(a); {
	case problem != "":
		c.fault(path, "write the address of one machine", "%s %s", a, problem)
	case !a.Is4():
		c.fault(path, "write an IPv4 address", "%s is one of IPv6, which DHCP for IPv4 cannot tell", a)
	}
}

// AddrRange is a closed range of addresses, written "192.0.2.100-192.0.2.199".
type AddrRange struct{ First, Last netip.Addr }

// Size is how many IPv4 addresses a range holds.
func (r AddrRange) Size() int { return int(number(r.Last)) - int(number(r.First)) + 1 }

func number(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// Contains tells whether an address lies in the range.
func (r AddrRange) Contains(a netip.Addr) bool { return !a.Less(r.First) && !r.Last.Less(a) }

// String prints the range as a document has it; empty for the zero value.
func (r AddrRange) String() string {
	if !r.First.IsValid() {
		return ""
	}
	return fmt.Sprintf("%s-%s", r.First, r.Last)
}

// MarshalText prints String.
func (r AddrRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what String prints.
func (r *AddrRange) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*r = AddrRange{}
		return nil
	}
	first, last, _ := strings.Cut(string(b), "-")
	var read AddrRange
	var err error
	if read.First, err = netip.ParseAddr(strings.TrimSpace(first)); err != nil {
		return fmt.Errorf("reading the first address: %w", err)
	}
	if read.Last, err = netip.ParseAddr(strings.TrimSpace(last)); err != nil {
		return fmt.Errorf("reading the last address: %w", err)
	}
	*r = read
	return nil
}

func readAddrRange(v reflect.Value, s scalar) (string, string) {
	r := v.Addr().Interface().(*AddrRange)
	if s.text == "" || r.UnmarshalText([]byte(s.text)) != nil {
		return fmt.Sprintf("%s is not a range of addresses", quoted(s.text)), "write it like 192.0.2.100-192.0.2.199"
	}
	for _, a := range []netip.Addr{r.First, r.Last} {
		if problem, hint := strangeAddr(a); problem != "" {
			*r = AddrRange{}
			return problem, hint
		}
	}
	return "", ""
}
