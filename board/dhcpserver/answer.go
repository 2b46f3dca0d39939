package dhcpserver

import (
	"net"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// mostIdentifier is how long an identifier can be in one option. A longer one, in several, would make answers that no Ethernet carries.
const mostIdentifier = 255

// key is what a client is known by: its identifier (option 61), or its hardware address (RFC 2131 section 2).
func key(m *dhcpv4.DHCPv4) string {
	if id := m.Options.Get(dhcpv4.OptionClientIdentifier); len(id) >= 2 {
		return "id " + net.HardwareAddr(id).String()
	}
	return m.ClientHWAddr.String()
}

// heard tells whether a message is one that a client on this link sends.
func heard(m *dhcpv4.DHCPv4) bool {
	odd := len(m.ClientHWAddr) != 6 || m.ClientHWAddr[0]&1 != 0
	relayed := address(m.GatewayIPAddr).IsValid()
	long := len(m.Options.Get(dhcpv4.OptionClientIdentifier)) > mostIdentifier
	return m.OpCode == dhcpv4.OpcodeBootRequest && !odd && !relayed && !long
}

// address is an IPv4 address of a message; the zero value where there is none.
func address(ip net.IP) netip.Addr {
	a, ok := netip.AddrFromSlice(ip.To4())
	if !ok || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// answer judges a message of a client, and returns what it is told; nil: nothing.
func (t *table) answer(m *dhcpv4.DHCPv4, now time.Time) *dhcpv4.DHCPv4 {
	if !heard(m) {
		return nil
	}
	l := Lease{Client: key(m), Hardware: m.ClientHWAddr.String(), Name: tidy(m.HostName())}
	wanted, server := address(m.RequestedIPAddress()), address(m.ServerIdentifier())
	toUs := server == t.c.Own.Addr()
	switch m.MessageType() {
	case dhcpv4.MessageTypeDiscover:
		a := t.choose(l.Client, l.Hardware, wanted, now)
		if !a.IsValid() {
			return nil
		}
		t.offer(a, l, now)
		return t.lending(m, dhcpv4.MessageTypeOffer, a)
	case dhcpv4.MessageTypeRequest:
		return t.request(m, l, wanted, server, now)
	case dhcpv4.MessageTypeDecline:
		if toUs && wanted.IsValid() && t.of[l.Client] == wanted {
			t.putAside(wanted, "", now)
		}
	case dhcpv4.MessageTypeRelease:
		if a := address(m.ClientIPAddr); toUs && a.IsValid() && t.of[l.Client] == a {
			t.giveBack(l.Client, now)
		}
	case dhcpv4.MessageTypeInform:
		if a := address(m.ClientIPAddr); a.IsValid() && t.c.Own.Contains(a) {
			r := t.reply(m, dhcpv4.MessageTypeAck)
			r.ClientIPAddr = a.AsSlice()
			t.tell(r)
			return r
		}
	}
	return nil
}

// request answers in the four states that RFC 2131 section 4.3.2 has for clients that want an address to be theirs.
func (t *table) request(m *dhcpv4.DHCPv4, l Lease, wanted, server netip.Addr, now time.Time) *dhcpv4.DHCPv4 {
	uses := address(m.ClientIPAddr)
	has, known := t.of[l.Client]
	switch {
	case server.IsValid() && server != t.c.Own.Addr(): // SELECTING, and it has chosen another server
		if e := t.entries[has]; known && e != nil {
			e.offered = time.Time{}
		}
		return nil
	case server.IsValid(): // SELECTING
		if !known || has != wanted {
			return t.refuse(m, "this address was not offered")
		}
	case !uses.IsValid(): // INIT-REBOOT
		if wanted.IsValid() && !t.c.Own.Contains(wanted) {
			return t.refuse(m, "this address is of another network")
		}
		if !known || !wanted.IsValid() {
			return nil // another server may know it
		}
		if has != wanted {
			return t.refuse(m, "this client has another address")
		}
	default: // RENEWING or REBINDING; it uses the address, so that one that nobody else has is its own, known or not
		wanted = uses
		if known && has != wanted {
			return t.refuse(m, "this client has another address")
		}
	}
	if a := t.c.Reserved[l.Hardware]; a.IsValid() && a != wanted && t.free(a, l.Client, l.Hardware, now) {
		return t.refuse(m, "another address is reserved for this client")
	}
	if !t.free(wanted, l.Client, l.Hardware, now) {
		return t.refuse(m, "this address is not to be had")
	}
	t.lend(wanted, l, now)
	return t.lending(m, dhcpv4.MessageTypeAck, wanted)
}

// mostName is how much is kept of what a client calls itself.
const mostName = 63

// tidy makes what a client calls itself fit to be shown.
func tidy(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > mostName {
		name = string(runes[:mostName])
	}
	return name
}

// reply begins an answer to a message (RFC 2131 table 3), with the client's identifier in it (RFC 6842).
func (t *table) reply(m *dhcpv4.DHCPv4, kind dhcpv4.MessageType) *dhcpv4.DHCPv4 {
	r := &dhcpv4.DHCPv4{
		OpCode: dhcpv4.OpcodeBootReply, HWType: m.HWType, ClientHWAddr: m.ClientHWAddr, TransactionID: m.TransactionID, Flags: m.Flags,
		ClientIPAddr: net.IPv4zero, YourIPAddr: net.IPv4zero, ServerIPAddr: net.IPv4zero, GatewayIPAddr: net.IPv4zero, Options: dhcpv4.Options{},
	}
	r.UpdateOption(dhcpv4.OptMessageType(kind))
	r.UpdateOption(dhcpv4.OptServerIdentifier(t.c.Own.Addr().AsSlice()))
	if id := m.Options.Get(dhcpv4.OptionClientIdentifier); len(id) >= 2 {
		r.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionClientIdentifier, id))
	}
	return r
}

// refuse says no, to everybody on the link: the client's address is not to be used (RFC 2131 section 4.1).
func (t *table) refuse(m *dhcpv4.DHCPv4, why string) *dhcpv4.DHCPv4 {
	r := t.reply(m, dhcpv4.MessageTypeNak)
	r.SetBroadcast()
	r.UpdateOption(dhcpv4.OptMessage(why))
	return r
}

// lending says that an address is offered or lent, and for how long.
func (t *table) lending(m *dhcpv4.DHCPv4, kind dhcpv4.MessageType, a netip.Addr) *dhcpv4.DHCPv4 {
	r := t.reply(m, kind)
	r.YourIPAddr = a.AsSlice()
	if kind == dhcpv4.MessageTypeAck {
		r.ClientIPAddr = m.ClientIPAddr
	}
	r.UpdateOption(dhcpv4.OptIPAddressLeaseTime(t.c.Length))
	r.UpdateOption(dhcpv4.OptRenewTimeValue(t.c.Length / 2))
	r.UpdateOption(dhcpv4.OptRebindingTimeValue(t.c.Length / 8 * 7))
	t.tell(r)
	return r
}

// optionProvisioningAddresses is option 150 (RFC 5859).
const optionProvisioningAddresses = dhcpv4.GenericOptionCode(150)

// tell adds all that a client can learn. Telephones often want what they do not ask for.
func (t *table) tell(r *dhcpv4.DHCPv4) {
	c := t.c
	r.UpdateOption(dhcpv4.OptSubnetMask(net.CIDRMask(c.Own.Bits(), 32)))
	if c.Router.IsValid() {
		r.UpdateOption(dhcpv4.OptRouter(c.Router.AsSlice()))
	}
	for code, list := range map[dhcpv4.OptionCode][]netip.Addr{
		dhcpv4.OptionDomainNameServer: c.DNS, dhcpv4.OptionNTPServers: c.Time, optionProvisioningAddresses: c.ProvisioningAddresses,
	} {
		if len(list) > 0 {
			r.UpdateOption(dhcpv4.OptGeneric(code, octets(list)))
		}
	}
	if c.Domain != "" {
		r.UpdateOption(dhcpv4.OptDomainName(c.Domain))
	}
	if c.Provisioning != "" {
		r.UpdateOption(dhcpv4.OptTFTPServerName(c.Provisioning))
	}
	if value := sipServers(c.SIP); value != nil {
		r.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionSIPServers, value))
	}
}

func octets(list []netip.Addr) (b []byte) {
	for _, a := range list {
		b = append(b, a.AsSlice()...)
	}
	return b
}

// How option 120 says what follows (RFC 3361 section 3).
const (
	sipNames     = 0
	sipAddresses = 1
)

// sipServers is the value of option 120: addresses, or names as DNS writes them, each label behind its length.
func sipServers(list []string) []byte {
	if len(list) == 0 {
		return nil
	}
	var addrs []netip.Addr
	names := []byte{sipNames}
	for _, s := range list {
		if a, err := netip.ParseAddr(s); err == nil {
			addrs = append(addrs, a)
			continue
		}
		for label := range strings.SplitSeq(s, ".") {
			names = append(append(names, byte(len(label))), label...)
		}
		names = append(names, 0)
	}
	if len(addrs) > 0 {
		return append([]byte{sipAddresses}, octets(addrs)...)
	}
	return names
}
