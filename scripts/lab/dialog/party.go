// Package dialog has peers of ours hold calls with the box: a PBX or a carrier (Party) that speaks SIP by wire over whatever
// connection there is, and the ends of its calls (End), with descriptions that its callers write.
//
// It leaves the audio to its callers, the text of messages to wire and the machines to lab.
package dialog

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/wire"
)

// Patience is how long a peer waits for the box.
const Patience = 10 * time.Second

// Port is where a transport is listened to.
func Port(transport string) uint16 {
	if transport == "tls" {
		return 5061
	}
	return 5060
}

// Party is a PBX or a carrier: it takes what the box sends, on whatever connection, and brings it to the call it is for.
type Party struct {
	Name    string
	Host    *lab.Host
	At, Box netip.Addr

	listeners []*wire.Listener
	calls     chan Arrival // INVITEs outside any dialog

	mu      sync.Mutex // guards everything below
	lines   map[string]*wire.Line
	dialogs map[string]chan Arrival // by Call-ID
	closed  bool
}

// Arrival is a message and the line it came by.
type Arrival struct {
	wire.Message
	line *wire.Line
}

// NewParty has a peer listen at an address of its host for the box at another one. certificate is for TLS.
func NewParty(name string, h *lab.Host, at, box netip.Addr, certificate *tls.Config, transports ...string) (*Party, error) {
	p := &Party{Name: name, Host: h, At: at, Box: box, calls: make(chan Arrival, 100), lines: map[string]*wire.Line{}, dialogs: map[string]chan Arrival{}}
	for _, transport := range transports {
		if transport == "udp" {
			l, err := wire.Dial(context.Background(), h, "udp", netip.AddrPortFrom(at, Port("udp")), netip.AddrPortFrom(box, Port("udp")))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			p.lines["udp"] = l
			go p.read("udp", l)
			continue
		}
		l, err := wire.Listen(h, transport, netip.AddrPortFrom(at, Port(transport)), certificate)
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
		p.bring(Arrival{m, l})
	}
}

func (p *Party) bring(a Arrival) {
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
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	l, err := wire.Dial(ctx, p.Host, transport, netip.AddrPortFrom(p.At, 0), netip.AddrPortFrom(p.Box, Port(transport)))
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
func (p *Party) attend(callID string) chan Arrival {
	c := make(chan Arrival, 64)
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

// Close ends the peer; nobody hangs up.
func (p *Party) Close() {
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
