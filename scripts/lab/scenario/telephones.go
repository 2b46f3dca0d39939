package scenario

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// A telephone system holds several dialogs at once and knows how each is called; sipp knows one. These flows are played by
// user agents of our own, over UDP.

// system is one such peer: its telephones share a socket.
type system struct {
	peer
	core  *ua.Core
	conn  net.PacketConn
	asked chan *ua.Incoming // requests outside any dialog
	ended chan struct{}     // nobody reads the socket any more
	count int
}

var theBox = policy.Peer{Name: "box"}

// newSystem begins to listen at the peer's address.
func (w *world) newSystem(name string) (*system, error) {
	p := w.peers[name]
	conn, err := p.host.ListenPacket(netip.AddrPortFrom(p.address, sipPort).String())
	if err != nil {
		return nil, err
	}
	s := &system{peer: p, conn: conn, asked: make(chan *ua.Incoming, 8), ended: make(chan struct{})}
	s.core = ua.New(func(in *ua.Incoming) { s.asked <- in }, slog.New(slog.DiscardHandler))
	go s.listen()
	return s, nil
}

func (s *system) listen() {
	defer close(s.ended)
	buf, parser := make([]byte, 65536), sip.NewParser()
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		m, err := parser.ParseSIP(buf[:n])
		if err != nil {
			continue // keep-alives
		}
		m.SetTransport("UDP")
		m.SetSource(from.String())
		s.core.Receive(m, s, theBox)
	}
}

// hangUp frees the port for the next flow: it is taken until its reader has gone.
func (s *system) hangUp() {
	s.conn.Close()
	<-s.ended
}

// Conn, LocalAddr, Ref, TryClose, Close and WriteMsg make it the path to the box and the connection there.
func (s *system) Conn(context.Context) (sip.Connection, error) { return s, nil }

// LocalAddr is where it listens.
func (s *system) LocalAddr() net.Addr { return s.conn.LocalAddr() }

// Ref does nothing.
func (s *system) Ref(int) int { return 1 }

// TryClose does nothing.
func (s *system) TryClose() (int, error) { return 1, nil }

// Close does nothing.
func (s *system) Close() error { return nil }

// WriteMsg sends m to the box.
func (s *system) WriteMsg(m sip.Message) error {
	_, err := s.conn.WriteTo([]byte(m.String()), net.UDPAddrFromAddrPort(netip.AddrPortFrom(s.box, sipPort)))
	return err
}

// line is one dialog of a system.
type line struct {
	of     *system
	inbox  *ua.Inbox
	dialog *ua.Dialog
	out    *ua.Outgoing
	in     *ua.Incoming
}

func (s *system) local() ua.Local {
	return ua.Local{Host: s.address.String(), Port: sipPort, Transport: "UDP"}
}

func (s *system) contact() string {
	s.count++
	return fmt.Sprintf("sip:%s-%d@%s:%d", s.marker(), s.count, s.address, sipPort)
}

// begin sends a request outside any dialog to a number.
func (s *system) begin(ctx context.Context, method sip.RequestMethod, number, kind, body string, headers ...sip.Header) (*line, error) {
	uri := "sip:" + number + "@" + s.box.String()
	d := ua.Draft{
		Method: method, URI: uri, From: "sip:+33987654321@" + s.marker() + ".example", To: uri, FromTag: s.marker() + ua.NewTag(),
		CallID: ua.NewCallID() + "-" + s.marker(), Seq: 1, Contact: s.contact(), Local: s.local(), MaxForwards: 70, Body: []byte(body), ContentType: kind, Headers: headers,
	}
	req, err := d.Request()
	if err != nil {
		return nil, err
	}
	l := &line{of: s, inbox: s.core.NewInbox(), dialog: d.Begin()}
	l.inbox.Attach(d.CallID, d.FromTag, theBox)
	l.out, err = l.inbox.Send(ctx, req, theBox, s, l.dialog, nil)
	return l, err
}

// gets waits for a request outside any dialog.
func (s *system) gets(ctx context.Context, method sip.RequestMethod) (*line, error) {
	select {
	case in := <-s.asked:
		if in.Method != method {
			return nil, fmt.Errorf("the %s got %s instead of %s", s.name, in.Method, method)
		}
		l := &line{of: s, inbox: in.Inbox, in: in, dialog: ua.Accept(in, s.local(), s.contact())}
		if l.inbox == nil {
			l.inbox = s.core.NewInbox()
			l.inbox.Attach(in.CallID().Value(), in.Tag, theBox)
		}
		return l, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("the %s did not get %s", s.name, method)
	}
}

// answer answers the request that was got last.
func (l *line) answer(status int, kind, body string, headers ...sip.Header) error {
	return l.in.Respond(l.inbox, ua.Reply{Status: status, Contact: l.dialog.Contact, Body: []byte(body), ContentType: kind, Headers: headers})
}

// ask sends a request within the dialog.
func (l *line) ask(ctx context.Context, method sip.RequestMethod, kind, body string, headers ...sip.Header) (err error) {
	req := l.dialog.RequestWith(method, []byte(body), kind)
	if method == sip.NOTIFY {
		req.AppendHeader(sip.NewHeader("Contact", "<"+l.dialog.Contact+">"))
	}
	for _, h := range headers {
		req.AppendHeader(h)
	}
	l.out, err = l.inbox.Send(ctx, req, theBox, l.of, l.dialog, nil)
	return err
}

// hears waits for the answer to what was sent last; the dialog is what it says.
func (l *line) hears(ctx context.Context, status int) (*sip.Response, error) {
	e, err := l.inbox.Next(ctx)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the %s did not hear %d: %w", l.of.name, status, err)
	case e.Response == nil || e.Response.StatusCode != status:
		return nil, fmt.Errorf("the %s got %s instead of %d", l.of.name, what(e), status)
	}
	if l.out.Is(sip.INVITE) || l.out.Is(sip.SUBSCRIBE) {
		l.dialog.Established(e.Response)
	}
	if l.out.Is(sip.INVITE) && status == 200 {
		err = l.out.Ack(nil)
	}
	return e.Response, err
}

// within waits for a request within the dialog.
func (l *line) within(ctx context.Context, method sip.RequestMethod) error {
	e, err := l.inbox.Next(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("the %s did not get %s: %w", l.of.name, method, err)
	case e.Cancelled != nil && method == sip.CANCEL:
		return nil
	case e.Request == nil || e.Request.Method != method:
		return fmt.Errorf("the %s got %s instead of %s", l.of.name, what(e), method)
	}
	l.in = e.Request
	return nil
}

func what(e ua.Event) string {
	switch {
	case e.Response != nil:
		return e.Response.StartLine()
	case e.Request != nil:
		return e.Request.StartLine()
	case e.Cancelled != nil:
		return "CANCEL"
	}
	return fmt.Sprint("the failure ", e.Err)
}

// replaces names the line's dialog for another telephone of the same system (RFC 3891 §3: to-tag is the box's).
func (l *line) replaces(more string) sip.Header {
	d := l.dialog
	return sip.NewHeader("Replaces", d.CallID+";to-tag="+d.RemoteTag+";from-tag="+d.LocalTag+more)
}

// play runs steps one after the other until one fails.
func play(steps ...func() error) error {
	for _, s := range steps {
		if err := s(); err != nil {
			return err
		}
	}
	return nil
}

// systems are those of the office and of the carrier; shut closes them.
func (w *world) systems() (pbx, exchange *system, shut func(), err error) {
	if pbx, err = w.newSystem(office); err != nil {
		return nil, nil, nil, err
	}
	if exchange, err = w.newSystem(carrier); err != nil {
		pbx.hangUp()
		return nil, nil, nil, err
	}
	return pbx, exchange, func() { pbx.hangUp(); exchange.hangUp() }, nil
}

const sdpType = "application/sdp"

// hangUp ends a call from one side.
func hangUp(ctx context.Context, one, other *line) error {
	return play(
		func() error { return one.ask(ctx, sip.BYE, "", "") },
		func() error { return other.within(ctx, sip.BYE) },
		func() error { return other.answer(200, "", "") },
		func() error { _, err := one.hears(ctx, 200); return err },
	)
}
