package site

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/wire"
)

// patience is how long either peer waits for the box.
const patience = 12 * time.Second

// Far is the carrier: a listener for each transport. It speaks no SRTP.
type Far struct {
	Declined int // offers of SRTP that it has declined

	site      *Site
	listeners map[string]*wire.Listener
	lines     map[string]*wire.Line // what the box has opened
}

// Answer has the carrier wait for calls, over these transports or over all.
func (s *Site) Answer(transports ...string) (*Far, error) {
	if len(transports) == 0 {
		transports = []string{"udp", "tcp", "tls"}
	}
	f := &Far{site: s, listeners: map[string]*wire.Listener{}, lines: map[string]*wire.Line{}}
	for _, transport := range transports {
		l, err := wire.Listen(s.Lab.Carrier, transport, netip.AddrPortFrom(s.Carrier, Port(transport)), s.Certificate)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("the carrier's %s: %w", transport, err)
		}
		f.listeners[transport] = l
	}
	return f, nil
}

// Close ends the carrier.
func (f *Far) Close() {
	for _, l := range f.listeners {
		l.Close()
	}
	for _, l := range f.lines {
		l.Close()
	}
}

// line is where the box speaks on a transport; it keeps its connection from one call to the next.
func (f *Far) line(transport string) (*wire.Line, error) {
	if l := f.lines[transport]; l != nil {
		return l, nil
	}
	l, err := f.listeners[transport].Accept(patience)
	if err == nil {
		f.lines[transport] = l
	}
	return l, err
}

// ear is an RTP port of a peer.
type ear struct {
	net.PacketConn
	at    netip.AddrPort
	heard atomic.Int32
}

func listen(h *lab.Host, a netip.Addr) (*ear, error) {
	p, err := h.ListenPacket(netip.AddrPortFrom(a, 0).String())
	if err != nil {
		return nil, err
	}
	e := &ear{PacketConn: p, at: p.LocalAddr().(*net.UDPAddr).AddrPort()}
	go func() {
		b := make([]byte, 2000)
		for {
			n, _, err := p.ReadFrom(b)
			if err != nil {
				return
			}
			if n == 172 && b[0] == 0x80 && b[1] == 8 {
				e.heard.Add(1)
			}
		}
	}()
	return e, nil
}

// packets is how much each side says; most of it must be heard.
const packets = 20

// say sends PCMA to where a description says.
func (e *ear) say(to netip.AddrPort) error {
	for i := range packets {
		b := make([]byte, 172)
		b[0], b[1], b[3], b[7], b[11] = 0x80, 8, byte(i+1), byte(i*160), 7
		b[6] = byte(i * 160 >> 8)
		if _, err := e.WriteTo(b, net.UDPAddrFromAddrPort(to)); err != nil {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}

func (e *ear) describe() string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN %[1]s %[2]s\r\ns=-\r\nc=IN %[1]s %[2]s\r\nt=0 0\r\nm=audio %[3]d RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n",
		wire.Family(e.at.Addr()), e.at.Addr(), e.at.Port())
}

// Call places a call from the PBX to the carrier over a transport, and sends audio both ways.
func (s *Site) Call(ctx context.Context, far *Far, to string) error {
	return s.Dial(ctx, far, to, Number(to))
}

// Dial is Call for any number.
func (s *Site) Dial(ctx context.Context, far *Far, to, number string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	from := s.Wishes.OfficeTransport
	office, err := listen(s.Lab.PBX, s.PBX)
	if err != nil {
		return err
	}
	defer office.Close()
	carrier, err := listen(s.Lab.Carrier, s.Carrier)
	if err != nil {
		return err
	}
	defer carrier.Close()
	near, err := wire.Dial(ctx, s.Lab.PBX, from, netip.AddrPortFrom(s.PBX, Port(from)), netip.AddrPortFrom(s.Inside, Port(from)))
	if err != nil {
		return fmt.Errorf("the PBX: %w", err)
	}
	defer near.Close()
	c := &call{site: s, near: near, from: from, number: number, id: fmt.Sprintf("%s-%s-%d", from, to, time.Now().UnixNano())}
	if err := near.Send(c.request("INVITE", 1, office.describe())); err != nil {
		return err
	}
	answered := make(chan error, 1)
	var there netip.AddrPort
	go func() {
		var err error
		there, err = s.take(far, to, carrier)
		answered <- err
	}()
	ok, err := c.response(1, 200)
	if err != nil {
		return errors.Join(fmt.Errorf("the PBX: %w", err), <-answered)
	}
	here, err := ok.AudioAt()
	if err == nil {
		err = s.atBox(ok, s.Inside, here)
	}
	_, c.toTag, _ = strings.Cut(ok.Field("To"), ";tag=")
	err = errors.Join(err, near.Send(c.request("ACK", 1, "")), <-answered)
	if err != nil {
		return err
	}
	said := make(chan error, 1)
	go func() { said <- carrier.say(there) }()
	err = errors.Join(office.say(here), <-said)
	time.Sleep(100 * time.Millisecond)
	for who, e := range map[string]*ear{"PBX": office, "carrier": carrier} {
		if n := e.heard.Load(); n < packets*8/10 {
			err = errors.Join(err, fmt.Errorf("the %s heard %d of %d packets", who, n, packets))
		}
	}
	return errors.Join(err, c.hangUp(far, to))
}

// take answers the box's INVITE as the carrier and tells where the box wants audio.
func (s *Site) take(far *Far, transport string, audio *ear) (netip.AddrPort, error) {
	line, err := far.line(transport)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("the carrier: %w", err)
	}
	invite, err := await(line, func(m wire.Message) bool { return m.Method() == "INVITE" })
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("the carrier waits for the INVITE: %w", err)
	}
	for strings.Contains(invite.Body(), "RTP/SAVP") { // it speaks no SRTP
		if err := line.Send(response(invite, 488, "<sip:line@"+s.Carrier.String()+">", "")); err != nil {
			return netip.AddrPort{}, err
		}
		far.Declined++
		if invite, err = await(line, func(m wire.Message) bool { return m.Method() == "INVITE" }); err != nil {
			return netip.AddrPort{}, fmt.Errorf("the carrier waits for an INVITE in the clear: %w", err)
		}
	}
	there, err := invite.AudioAt()
	if err == nil {
		err = s.atBox(invite, s.Outside, there)
	}
	contact := fmt.Sprintf("<sip:line@%s;transport=%s>", netip.AddrPortFrom(s.Carrier, Port(transport)), transport)
	err = errors.Join(err, line.Send(response(invite, 200, contact, audio.describe())))
	if err != nil {
		return there, err
	}
	_, err = await(line, func(m wire.Message) bool { return m.Method() == "ACK" })
	return there, err
}

// atBox checks that a message of the box names the box at its own address on that side, IPv6 in brackets.
func (s *Site) atBox(m wire.Message, own netip.Addr, audio netip.AddrPort) error {
	host := own.String()
	if own.Is6() {
		host = "[" + host + "]"
	}
	switch {
	case audio.Addr() != own:
		return fmt.Errorf("audio is wanted at %s, and the box is at %s", audio, own)
	case m.Method() != "" && !strings.Contains(m.Field("Via"), " "+host):
		return fmt.Errorf("the Via does not name %s: %s", host, m.Field("Via"))
	case !strings.Contains(m.Field("Contact"), "@"+host) && !strings.Contains(m.Field("Contact"), ":"+host):
		return fmt.Errorf("the Contact does not name %s: %s", host, m.Field("Contact"))
	}
	return nil
}

func await(l *wire.Line, wanted func(wire.Message) bool) (wire.Message, error) {
	for deadline := time.Now().Add(patience); ; {
		m, err := l.Next(time.Until(deadline))
		if err != nil || wanted(m) {
			return m, err
		}
	}
}

// response answers a request of the box.
func response(m wire.Message, status int, contact, body string) []byte {
	to := m.Fields("To")
	if !strings.Contains(to, ";tag=") {
		to = strings.TrimSuffix(to, "\r\n") + ";tag=far\r\n"
	}
	text := fmt.Sprintf("SIP/2.0 %d Whatever\r\n%s%s%sContact: %s\r\n", status, m.Fields("Via"), m.Fields("From", "Call-ID", "CSeq"), to, contact)
	if body != "" {
		text += "Content-Type: application/sdp\r\n"
	}
	return fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", text, len(body), body)
}

// call is the PBX's half of a call.
type call struct {
	site             *Site
	near             *wire.Line
	from, number, id string
	toTag            string
}

// request writes a request of the PBX.
func (c *call) request(method string, seq int, body string) []byte {
	self, box := c.near.Local, netip.AddrPortFrom(c.site.Inside, Port(c.from))
	to := fmt.Sprintf("<sip:%s@%s>", c.number, box)
	if c.toTag != "" {
		to += ";tag=" + c.toTag
	}
	lines := []string{
		fmt.Sprintf("%s sip:%s@%s SIP/2.0", method, c.number, box),
		fmt.Sprintf("Via: SIP/2.0/%s %s;rport;branch=z9hG4bK%s-%s-%d", strings.ToUpper(c.from), self, c.id, method, seq),
		"Max-Forwards: 70",
		fmt.Sprintf("From: <sip:+33123456700@%s>;tag=near", self),
		"To: " + to,
		"Call-ID: " + c.id,
		fmt.Sprintf("CSeq: %d %s", seq, method),
		fmt.Sprintf("Contact: <sip:pbx@%s;transport=%s>", self, c.from),
	}
	if body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	return []byte(strings.Join(lines, "\r\n") + fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
}

// response waits for the final response to a request.
func (c *call) response(seq, status int) (wire.Message, error) {
	m, err := await(c.near, func(m wire.Message) bool {
		return m.Status() >= 200 && m.Field("Call-ID") == c.id && strings.HasPrefix(m.Field("CSeq"), fmt.Sprint(seq, " "))
	})
	if err == nil && m.Status() != status {
		err = fmt.Errorf("the box answers %s", m.Start())
	}
	return m, err
}

// hangUp ends the call from the office.
func (c *call) hangUp(far *Far, to string) error {
	if err := c.near.Send(c.request("BYE", 2, "")); err != nil {
		return err
	}
	line, err := far.line(to)
	if err != nil {
		return err
	}
	bye, err := await(line, func(m wire.Message) bool { return m.Method() == "BYE" })
	if err == nil {
		err = line.Send(response(bye, 200, "<sip:line@"+line.Local.String()+">", ""))
	}
	_, answer := c.response(2, 200)
	return errors.Join(err, answer)
}
