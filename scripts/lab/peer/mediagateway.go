package peer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"tollgate/scripts/lab"
)

// MediaGateway is how a carrier takes audio from customers behind routers: it sends where the first packet of each side
// came from, whatever the description says, and stays with that until signalling names another address. It is driven by
// Kamailio's rtpproxy module, in the commands of RTPproxy's protocol.
type MediaGateway struct {
	Host *lab.Host

	control net.PacketConn

	mu    sync.Mutex // guards everything below
	calls map[string]*gatewayCall
	port  int // the last one given out
}

// gatewayControl is where Kamailio finds the gateway, on its own loopback.
const gatewayControl = "127.0.0.1:7722"

// gatewayFirstPort is the first port for audio; none is used twice.
const gatewayFirstPort = 40000

// gatewayCall relays between the two sides of a call.
type gatewayCall struct {
	mu    sync.Mutex // guards everything below
	first string     // tag of side 0
	sides [2]gatewaySide
}

// gatewaySide is one side of a call.
type gatewaySide struct {
	sockets [2]net.PacketConn // where the side sends RTP and RTCP to
	said    netip.AddrPort    // by its description
	latched [2]netip.AddrPort // where it sends from; zero: it has not yet
}

// Start opens the control socket.
func (g *MediaGateway) Start() (err error) {
	g.calls, g.port = map[string]*gatewayCall{}, gatewayFirstPort-2
	if g.control, err = g.Host.ListenPacket(gatewayControl); err != nil {
		return fmt.Errorf("start the media gateway: %w", err)
	}
	go g.serve()
	return nil
}

// Stop closes everything.
func (g *MediaGateway) Stop() {
	if g.control == nil {
		return
	}
	g.control.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, c := range g.calls {
		c.close()
		delete(g.calls, id)
	}
}

func (g *MediaGateway) serve() {
	b := make([]byte, 4096)
	for {
		n, from, err := g.control.ReadFrom(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		cookie, command, _ := strings.Cut(strings.TrimSpace(string(b[:n])), " ")
		g.control.WriteTo([]byte(cookie+" "+g.answer(strings.Fields(command))+"\n"), from)
	}
}

// answer carries one command out. What it lacks is answered as an error, which fails the call.
func (g *MediaGateway) answer(words []string) string {
	const wrong = "E1"
	switch {
	case len(words) == 0:
		return wrong
	case words[0] == "V":
		return "20040107"
	case words[0] == "VF": // the one extension that Kamailio insists on: tags name their stream
		return map[bool]string{true: "1", false: "0"}[slices.Contains(words, "20050322")]
	case words[0][0] == 'D' && len(words) > 1:
		g.end(words[1])
		return "0"
	case (words[0][0] == 'U' || words[0][0] == 'L') && len(words) >= 5:
		return g.offer(words[0][0] == 'L', words[1], words[2], words[3], words[4])
	}
	return wrong
}

func (g *MediaGateway) end(call string) {
	g.mu.Lock()
	c := g.calls[call]
	delete(g.calls, call)
	g.mu.Unlock()
	if c != nil {
		c.close()
	}
}

// offer takes where one side wants its audio, that of the tag or, in an answer, the other one, and returns where the
// partner is to send to.
func (g *MediaGateway) offer(isAnswer bool, call, host, port, tag string) string {
	tag, _, _ = strings.Cut(tag, ";")
	address, err := netip.ParseAddr(host)
	number, err2 := strconv.ParseUint(port, 10, 16)
	if err != nil || err2 != nil {
		return "E2"
	}
	c, err := g.call(call, tag)
	if err != nil {
		return "E3"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	side := 1
	if (tag == c.first) != isAnswer {
		side = 0
	}
	if said := netip.AddrPortFrom(address, uint16(number)); said != c.sides[side].said {
		c.sides[side].said, c.sides[side].latched = said, [2]netip.AddrPort{}
	}
	local := c.sides[1-side].sockets[0].LocalAddr().(*net.UDPAddr)
	return fmt.Sprintf("%d %s", local.Port, local.IP)
}

// call returns a call, with its sockets open.
func (g *MediaGateway) call(id, tag string) (*gatewayCall, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c := g.calls[id]; c != nil {
		return c, nil
	}
	c := &gatewayCall{first: tag}
	for side := range c.sides {
		g.port += 2
		for i := range c.sides[side].sockets {
			socket, err := g.Host.ListenPacket(netip.AddrPortFrom(g.Host.Address, uint16(g.port+i)).String())
			if err != nil {
				c.close()
				return nil, err
			}
			c.sides[side].sockets[i] = socket
		}
	}
	for side := range c.sides {
		for i := range c.sides[side].sockets {
			go c.relay(side, i)
		}
	}
	g.calls[id] = c
	return c, nil
}

// relay passes on what a side sends.
func (c *gatewayCall) relay(side, i int) {
	b := make([]byte, 2048)
	for {
		n, from, err := c.sides[side].sockets[i].ReadFrom(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if to, ok := c.latch(side, i, from.(*net.UDPAddr).AddrPort()); ok {
			c.sides[1-side].sockets[i].WriteTo(b[:n], net.UDPAddrFromAddrPort(to))
		}
	}
}

// latch notes where a side sends from and returns where its partner is; false when the packet is a stranger's, or the
// partner is not known.
func (c *gatewayCall) latch(side, i int, from netip.AddrPort) (to netip.AddrPort, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	self, partner := &c.sides[side], &c.sides[1-side]
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	if !self.latched[i].IsValid() {
		self.latched[i] = from
	}
	if from != self.latched[i] {
		return to, false
	}
	if to = partner.latched[i]; !to.IsValid() && partner.said.IsValid() {
		to = netip.AddrPortFrom(partner.said.Addr(), partner.said.Port()+uint16(i))
	}
	return to, to.IsValid()
}

func (c *gatewayCall) close() {
	for _, s := range c.sides {
		for _, socket := range s.sockets {
			if socket != nil {
				socket.Close()
			}
		}
	}
}
