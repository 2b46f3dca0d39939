package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

// Lease is what a DHCP server has lent (RFC 2131).
type Lease struct {
	Interface string       `json:"interface"`
	Address   netip.Prefix `json:"address"`
	Router    netip.Addr   `json:"router"` // zero: none
	DNS       []netip.Addr `json:"dns"`
	NTP       []netip.Addr `json:"ntp"`
	Server    netip.Addr   `json:"server"`
	// Length is how long it is lent, Renew and Rebind after what time it is asked for again of its server and of every server (T1
	// and T2, RFC 2131 section 4.4.5). All are nanoseconds, from when it was asked for.
	Length time.Duration `json:"length"`
	Renew  time.Duration `json:"renew"`
	Rebind time.Duration `json:"rebind"`
}

// Times of the client.
const (
	answerTime = 2 * time.Second  // for an answer, before the question is sent a second time
	firstTry   = 10 * time.Second // before a lease is used that nobody has confirmed
	leastWait  = 4 * time.Second  // between tries without an answer, doubled each time (RFC 2131 section 4.1)
	mostWait   = time.Minute
	leastLease = time.Minute // a server that lends for less is asked no more often
)

// DHCP keeps one port's address lent. Run does the work.
type DHCP struct {
	Interface string
	HostName  string
	// Known is the lease that an earlier process had on this port: it is asked for again, and used when nobody answers. May be
	// the zero value.
	Known Lease
	// Changed is told the lease in use, each time it is another one; lent is false for one that no server has confirmed. The
	// zero Lease means that there is none.
	Changed func(l Lease, lent bool)
	// Renewed is told the lease in use when a server has prolonged it. May be nil.
	Renewed func(l Lease)
	// Linked tells when the cable leads somewhere again, which may be another network: the lease is asked for at once. May be nil.
	Linked <-chan struct{}
	Log    *slog.Logger

	inUse Lease
	lent  bool
	since time.Time // when the lease in use was asked for
}

// Errors that end what they are about.
var (
	errRefused = errors.New("the server refuses the address")
	errTaken   = errors.New("another machine has the address that the server lends")
)

// Run asks for a lease and renews it until ctx ends. The lease is not given back then: the box wants the same one again.
func (d *DHCP) Run(ctx context.Context) {
	for {
		l, asked := d.obtain(ctx)
		if ctx.Err() != nil {
			return
		}
		d.since = asked
		d.use(l, true)
		d.hold(ctx, d.extend)
	}
}

// use has an address used.
func (d *DHCP) use(l Lease, lent bool) {
	same := l.Address == d.inUse.Address && l.Router == d.inUse.Router && lent == d.lent
	d.inUse, d.lent = l, lent
	switch {
	case !same:
		d.Changed(l, lent)
	case lent && d.Renewed != nil:
		d.Renewed(l)
	}
}

// obtain asks until a server lends an address, or ctx ends. The lease runs from when it was asked for.
func (d *DHCP) obtain(ctx context.Context) (l Lease, asked time.Time) {
	begun, wait := time.Now(), leastWait
	for ctx.Err() == nil {
		asked = time.Now()
		l, err := d.ask(ctx)
		if err == nil {
			return l, asked
		}
		d.Log.Debug("no address by DHCP", "port", d.Interface, "err", err)
		if errors.Is(err, errRefused) {
			d.Known = Lease{}
		}
		if d.Known.Address.IsValid() && !d.inUse.Address.IsValid() && time.Since(begun) > firstTry {
			if _, taken := Probe(ctx, d.Interface, d.Known.Address.Addr()); !taken {
				d.use(d.Known, false)
			}
		}
		if d.pause(ctx, wait) {
			wait = leastWait
			continue
		}
		wait = min(2*wait, mostWait)
	}
	return Lease{}, asked
}

// ask asks for the lease that is known, and for any other where nobody wants to know of it.
func (d *DHCP) ask(ctx context.Context) (Lease, error) {
	c, err := nclient4.New(d.Interface, nclient4.WithTimeout(answerTime), nclient4.WithRetry(2))
	if err != nil {
		return Lease{}, fmt.Errorf("open a socket for DHCP: %w", err)
	}
	defer c.Close()
	if known := d.Known.Address; known.IsValid() {
		l, err := d.request(ctx, c, nclient4.DefaultServers, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(known.Addr().AsSlice()))) // INIT-REBOOT
		if err == nil || errors.Is(err, errRefused) {
			return l, err
		}
	}
	got, err := c.Request(ctx, d.modifiers()...)
	if err != nil {
		return Lease{}, err
	}
	l, err := d.lease(got.ACK)
	if err != nil {
		return Lease{}, err
	}
	if l.Address != d.inUse.Address {
		if who, taken := Probe(ctx, d.Interface, l.Address.Addr()); taken {
			return Lease{}, fmt.Errorf("%w: %v has %v", errors.Join(errTaken, d.decline(c, got)), who, l.Address.Addr())
		}
	}
	return l, nil
}

// decline says that an address is in use already (RFC 2131 section 3.1, step 5).
func (d *DHCP) decline(c *nclient4.Client, l *nclient4.Lease) error {
	m, err := dhcpv4.New(dhcpv4.WithMessageType(dhcpv4.MessageTypeDecline), dhcpv4.WithHwAddr(c.InterfaceAddr()),
		dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(l.ACK.YourIPAddr)), dhcpv4.WithOption(dhcpv4.OptServerIdentifier(l.ACK.ServerIdentifier())))
	if err != nil {
		return err
	}
	short, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err = c.SendAndRead(short, nclient4.DefaultServers, m, nil); errors.Is(err, context.DeadlineExceeded) {
		return nil // it has no answer
	}
	return err
}

// request asks a server, or all of them, for one address, by what more says, and takes what is lent.
func (d *DHCP) request(ctx context.Context, c *nclient4.Client, server *net.UDPAddr, more ...dhcpv4.Modifier) (Lease, error) {
	m, err := dhcpv4.New(append(append(d.modifiers(), dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest), dhcpv4.WithHwAddr(c.InterfaceAddr())), more...)...)
	if err != nil {
		return Lease{}, err
	}
	answer, err := c.SendAndRead(ctx, server, m, nclient4.IsMessageType(dhcpv4.MessageTypeAck, dhcpv4.MessageTypeNak))
	if err != nil {
		return Lease{}, err
	}
	if answer.MessageType() == dhcpv4.MessageTypeNak {
		return Lease{}, errRefused
	}
	return d.lease(answer)
}

func (d *DHCP) modifiers() []dhcpv4.Modifier {
	return []dhcpv4.Modifier{
		dhcpv4.WithOption(dhcpv4.OptHostName(d.HostName)),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer, dhcpv4.OptionNTPServers),
	}
}

// lease reads what a server lends. A server that lends nothing that can be used is no server.
func (d *DHCP) lease(m *dhcpv4.DHCPv4) (Lease, error) {
	a, ok := netip.AddrFromSlice(m.YourIPAddr.To4())
	bits, size := m.SubnetMask().Size()
	if !ok || a.IsUnspecified() || a.IsLoopback() || a.IsMulticast() {
		return Lease{}, fmt.Errorf("the DHCP server lends %v, which is no address of a host", m.YourIPAddr)
	}
	if size != 32 {
		bits = 24
	}
	l := Lease{Interface: d.Interface, Address: netip.PrefixFrom(a, bits), DNS: hosts(m.DNS()), NTP: hosts(m.NTPServers()), Length: max(m.IPAddressLeaseTime(time.Hour), leastLease)}
	l.Renew, l.Rebind = terms(m.IPAddressRenewalTime(0), m.IPAddressRebindingTime(0), l.Length)
	if routers := hosts(m.Router()); len(routers) > 0 && l.Address.Masked().Contains(routers[0]) {
		l.Router = routers[0]
	}
	l.Server, _ = netip.AddrFromSlice(m.ServerIdentifier().To4())
	return l, nil
}

func hosts(ips []net.IP) []netip.Addr {
	var list []netip.Addr
	for _, ip := range ips {
		if a, ok := netip.AddrFromSlice(ip.To4()); ok && !a.IsUnspecified() {
			list = append(list, a)
		}
	}
	return list
}

// terms are T1 and T2 of a lease as the server says, or as RFC 2131 section 4.4.5 has them where it says nothing that can be meant.
func terms(renew, rebind, length time.Duration) (t1, t2 time.Duration) {
	if renew <= 0 || rebind <= renew || length <= rebind {
		return length / 2, length / 8 * 7
	}
	return renew, rebind
}

// extender asks for the lease in use once more: of the server that has lent it, or of every server.
type extender func(ctx context.Context, everybody bool) (Lease, error)

// hold asks for the lease in use again in good time, and returns when it is over or refused: then it is used no more (RFC 2131
// section 4.4.5).
func (d *DHCP) hold(ctx context.Context, extend extender) {
	linked := d.pause(ctx, time.Until(d.since.Add(d.inUse.Renew)))
	for ctx.Err() == nil {
		asked, rebind, ends := time.Now(), d.since.Add(d.inUse.Rebind), d.since.Add(d.inUse.Length)
		if !asked.Before(ends) {
			break
		}
		next, err := extend(ctx, linked || !asked.Before(rebind))
		if err == nil {
			d.since = asked
			d.use(next, true)
			linked = d.pause(ctx, time.Until(asked.Add(next.Renew)))
			continue
		}
		d.Log.Debug("lease not renewed", "port", d.Interface, "err", err)
		if errors.Is(err, errRefused) {
			break
		}
		linked = d.pause(ctx, untilNext(time.Now(), rebind, ends))
	}
	if ctx.Err() == nil {
		d.Known = Lease{}
		d.use(Lease{}, false)
	}
}

// untilNext is the time to the next question: half of what is left until every server is asked, and then until the lease ends,
// but a minute at least.
func untilNext(now, rebind, ends time.Time) time.Duration {
	left := ends.Sub(now)
	if now.Before(rebind) {
		left = rebind.Sub(now)
	}
	return min(max(left/2, time.Minute), left)
}

// extend asks for the lease in use: by unicast, or by broadcast as a client whose own server may be gone (RFC 2131 section 4.3.2,
// RENEWING and REBINDING).
func (d *DHCP) extend(ctx context.Context, everybody bool) (Lease, error) {
	own, server := d.inUse.Address.Addr().AsSlice(), nclient4.DefaultServers
	if !everybody && d.inUse.Server.IsValid() {
		server = &net.UDPAddr{IP: d.inUse.Server.AsSlice(), Port: dhcpv4.ServerPort}
	}
	port, err := net.InterfaceByName(d.Interface)
	if err != nil {
		return Lease{}, fmt.Errorf("find port %s: %w", d.Interface, err)
	}
	// The socket is a raw one, which the packet filter does not see, and the address its own: no host takes a packet for itself
	// alone from 0.0.0.0.
	raw, err := packet.Listen(port, packet.Datagram, unix.ETH_P_IP, nil)
	if err != nil {
		return Lease{}, fmt.Errorf("open a socket for DHCP: %w", err)
	}
	conn := nclient4.NewBroadcastUDPConn(raw, &net.UDPAddr{IP: own, Port: dhcpv4.ClientPort})
	c, err := nclient4.NewWithConn(conn, port.HardwareAddr, nclient4.WithTimeout(answerTime), nclient4.WithRetry(2))
	if err != nil {
		return Lease{}, errors.Join(fmt.Errorf("open a socket for DHCP: %w", err), raw.Close())
	}
	defer c.Close()
	return d.request(ctx, c, server, dhcpv4.WithClientIP(own))
}

// pause waits, and tells whether that ended early because the cable leads somewhere again.
func (d *DHCP) pause(ctx context.Context, wait time.Duration) (linked bool) {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-d.Linked:
		return true
	}
	return false
}
