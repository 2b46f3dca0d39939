package outlive

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/wire"
)

// patience is how long a peer waits for the box.
const patience = 10 * time.Second

func port(transport string) uint16 {
	if transport == "tls" {
		return 5061
	}
	return 5060
}

// Party is a PBX or a carrier: it takes what the box sends, on whatever connection, and brings it to the call it is for.
type Party struct {
	Name    string
	host    *lab.Host
	at, box netip.Addr

	listeners []*wire.Listener
	calls     chan arrival // INVITEs outside any dialog

	mu      sync.Mutex // guards everything below
	lines   map[string]*wire.Line
	dialogs map[string]chan arrival // by Call-ID
	closed  bool
}

// arrival is a message and the line it came by.
type arrival struct {
	wire.Message
	line *wire.Line
}

func newParty(name string, h *lab.Host, at, box netip.Addr, certificate *tls.Config, transports ...string) (*Party, error) {
	p := &Party{Name: name, host: h, at: at, box: box, calls: make(chan arrival, 100), lines: map[string]*wire.Line{}, dialogs: map[string]chan arrival{}}
	for _, transport := range transports {
		if transport == "udp" {
			l, err := wire.Dial(context.Background(), h, "udp", netip.AddrPortFrom(at, port("udp")), netip.AddrPortFrom(box, port("udp")))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			p.lines["udp"] = l
			go p.read("udp", l)
			continue
		}
		l, err := wire.Listen(h, transport, netip.AddrPortFrom(at, port(transport)), certificate)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		p.listeners = append(p.listeners, l)
		go p.accept(transport, l)
	}
	return p, nil
}

func (p *Party) accept(transport string, l *wire.Listener) {
	for !p.isClosed() {
		if line, err := l.Accept(200 * time.Millisecond); err == nil {
			p.mu.Lock()
			p.lines[transport] = line
			p.mu.Unlock()
			go p.read(transport, line)
		}
	}
}

func (p *Party) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// read brings what comes by a line to its calls until the line ends.
func (p *Party) read(transport string, l *wire.Line) {
	for {
		m, err := l.Next(time.Hour)
		if err != nil {
			p.mu.Lock()
			if p.lines[transport] == l {
				delete(p.lines, transport)
			}
			p.mu.Unlock()
			l.Close()
			return
		}
		p.bring(arrival{m, l})
	}
}

func (p *Party) bring(a arrival) {
	p.mu.Lock()
	to := p.dialogs[a.Field("Call-ID")]
	p.mu.Unlock()
	switch {
	case a.Method() == "OPTIONS":
		_ = a.line.Send(answer(a.Message, 200, "", ""))
	case to != nil:
		select {
		case to <- a:
		default: // a repetition that nobody waits for
		}
	case a.Method() == "INVITE":
		p.calls <- a
	case a.Method() != "" && a.Method() != "ACK":
		_ = a.line.Send(answer(a.Message, 481, "", ""))
	}
}

// line is a way to the box: the connection there is, or a new one.
func (p *Party) line(transport string) (*wire.Line, error) {
	p.mu.Lock()
	l := p.lines[transport]
	p.mu.Unlock()
	if l != nil {
		return l, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l, err := wire.Dial(ctx, p.host, transport, netip.AddrPortFrom(p.at, 0), netip.AddrPortFrom(p.box, port(transport)))
	if err != nil {
		return nil, fmt.Errorf("%s cannot reach the box: %w", p.Name, err)
	}
	p.mu.Lock()
	p.lines[transport] = l
	p.mu.Unlock()
	go p.read(transport, l)
	return l, nil
}

// attend has what comes with a Call-ID brought to the channel.
func (p *Party) attend(callID string) chan arrival {
	c := make(chan arrival, 64)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialogs[callID] = c
	return c
}

func (p *Party) forget(callID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.dialogs, callID)
}

func (p *Party) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, l := range p.listeners {
		l.Close()
	}
	for _, l := range p.lines {
		l.Close()
	}
}

// answer writes a response; contact is the Contact URI, "" for none.
func answer(m wire.Message, status int, contact, body string) []byte {
	to := m.Fields("To")
	if !strings.Contains(to, ";tag=") {
		to = strings.TrimSuffix(to, "\r\n") + ";tag=answered\r\n"
	}
	text := fmt.Sprintf("SIP/2.0 %d Whatever\r\n%s%s%s", status, m.Fields("Via"), m.Fields("From", "Call-ID", "CSeq"), to)
	if contact != "" {
		text += "Contact: <" + contact + ">\r\n"
	}
	if body != "" {
		text += "Content-Type: application/sdp\r\n"
	}
	return fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", text, len(body), body)
}

// End is one end of a call: a dialog of a party, and its audio.
type End struct {
	*Audio
	party     *Party
	transport string
	id        string
	self      string // our From or To, with the tag
	box       string // theirs
	target    string
	seq       int
	in        chan arrival
}

func (e *End) contact() string {
	return fmt.Sprintf("sip:me@%s;transport=%s", netip.AddrPortFrom(e.party.at, port(e.transport)), e.transport)
}

// request writes a request of ours within the dialog, or the INVITE that begins it.
func (e *End) request(method string, seq int, body string) []byte {
	via := netip.AddrPortFrom(e.party.at, port(e.transport))
	text := fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;rport;branch=z9hG4bK%s%s%d\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\nContact: <%s>\r\n",
		method, e.target, strings.ToUpper(e.transport), via, e.id, method, seq, e.self, e.box, e.id, seq, method, e.contact())
	if body != "" {
		text += "Content-Type: application/sdp\r\n"
	}
	return fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", text, len(body), body)
}

func (e *End) send(b []byte) error {
	l, err := e.party.line(e.transport)
	if err != nil {
		return err
	}
	return l.Send(b)
}

// ask sends a request and waits for its final response; over UDP it is sent again when that does not come.
func (e *End) ask(method, body string) (wire.Message, error) {
	e.seq++
	req := e.request(method, e.seq, body)
	for range 6 {
		if err := e.send(req); err != nil {
			return "", err
		}
		m, err := e.await(patience/6, func(m wire.Message) bool {
			return m.Status() >= 200 && strings.HasPrefix(m.Field("CSeq"), fmt.Sprint(e.seq, " "))
		})
		if err == nil {
			return m.Message, nil
		}
	}
	return "", fmt.Errorf("the %s has no answer to its %s", e.party.Name, method)
}

// errSilence says that nothing came in time.
var errSilence = errors.New("nothing came")

// await waits for a message; requests that were not waited for are refused.
func (e *End) await(wait time.Duration, wanted func(wire.Message) bool) (arrival, error) {
	late := time.After(wait)
	for {
		select {
		case a := <-e.in:
			if wanted(a.Message) {
				return a, nil
			}
		case <-late:
			return arrival{}, errSilence
		}
	}
}

// expect waits for a request of the box.
func (e *End) expect(method string) (arrival, error) {
	a, err := e.await(patience, func(m wire.Message) bool { return m.Method() == method })
	if err != nil {
		err = fmt.Errorf("the %s waits for %s: %w", e.party.Name, method, err)
	}
	return a, err
}
