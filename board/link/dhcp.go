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
)

// Lease is what a DHCP server has lent (RFC 2131).
type Lease struct {
	Interface string        `json:"interface"`
	Address   netip.Prefix  `json:"address"`
	Router    netip.Addr    `json:"router"` // zero: none
	DNS       []netip.Addr  `json:"dns"`
	NTP       []netip.Addr  `json:"ntp"`
	Server    netip.Addr    `json:"server"`
	Length    time.Duration `json:"length"` // nanoseconds, from when it was lent
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
	Log     *slog.Logger

	inUse Lease
	lent  bool
}

// Errors that end what they are about.
var (
	errRefused = errors.New("the server refuses the address")
	errTaken   = errors.New("another machine has the address that the server lends")
)

// Run asks for a lease and renews it until ctx ends. The lease is not given back then: the box wants the same one again.
func (d *DHCP) Run(ctx context.Context) {
	for {
		l := d.obtain(ctx)
		if ctx.Err() != nil {
			return
		}
		d.use(l, true)
		d.hold(ctx)
	}
}

// use has an address used.
func (d *DHCP) use(l Lease, lent bool) {
	same := l.Address == d.inUse.Address && l.Router == d.inUse.Router && lent == d.lent
	d.inUse, d.lent = l, lent
	if !same {
		d.Changed(l, lent)
	}
}

// obtain asks until a server lends an address, or ctx ends.
func (d *DHCP) obtain(ctx context.Context) Lease {
	begun, wait := time.Now(), leastWait
	for ctx.Err() == nil {
		l, err := d.ask(ctx)
		if err == nil {
			return l
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
		pause(ctx, wait)
		wait = min(2*wait, mostWait)
	}
	return Lease{}
}

// ask asks for the lease that is known, and for any other where nobody wants to know of it.
func (d *DHCP) ask(ctx context.Context) (Lease, error) {
	c, err := nclient4.New(d.Interface, nclient4.WithTimeout(answerTime), nclient4.WithRetry(2))
	if err != nil {
		return Lease{}, fmt.Errorf("open a socket for DHCP: %w", err)
	}
	defer c.Close()
	if known := d.Known.Address; known.IsValid() {
		l, err := d.request(ctx, c, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(known.Addr().AsSlice()))) // INIT-REBOOT
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

// request asks for one address, by what more says, and takes what the server lends.
func (d *DHCP) request(ctx context.Context, c *nclient4.Client, more ...dhcpv4.Modifier) (Lease, error) {
	m, err := dhcpv4.New(append(append(d.modifiers(), dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest), dhcpv4.WithHwAddr(c.InterfaceAddr())), more...)...)
	if err != nil {
		return Lease{}, err
	}
	answer, err := c.SendAndRead(ctx, nclient4.DefaultServers, m, nclient4.IsMessageType(dhcpv4.MessageTypeAck, dhcpv4.MessageTypeNak))
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

// hold renews the lease in use, from half of its time on, and returns when it is over or refused: then it is used no more.
func (d *DHCP) hold(ctx context.Context) {
	ends := time.Now().Add(d.inUse.Length)
	for ctx.Err() == nil {
		pause(ctx, max(time.Until(ends)/2, leastLease/2))
		next, err := d.renew(ctx)
		if err == nil {
			d.use(next, true)
			ends = time.Now().Add(next.Length)
			continue
		}
		d.Log.Debug("lease not renewed", "port", d.Interface, "err", err)
		if errors.Is(err, errRefused) || ctx.Err() == nil && time.Now().After(ends) {
			d.Known = Lease{}
			d.use(Lease{}, false)
			return
		}
	}
}

// renew asks whoever has lent the address, by broadcast, as a client whose own server may be gone (RFC 2131 section 4.3.2, REBINDING).
func (d *DHCP) renew(ctx context.Context) (Lease, error) {
	c, err := nclient4.New(d.Interface, nclient4.WithTimeout(answerTime), nclient4.WithRetry(2))
	if err != nil {
		return Lease{}, fmt.Errorf("open a socket for DHCP: %w", err)
	}
	defer c.Close()
	return d.request(ctx, c, dhcpv4.WithClientIP(d.inUse.Address.Addr().AsSlice()))
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
