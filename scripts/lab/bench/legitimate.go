package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"tollgate/scripts/lab/peer"
	"tollgate/scripts/lab/wire"
)

// legitimate is an office that calls by two carriers, one over UDP and one over TLS, beside a flood: the bench itself plays
// PBX and carriers, on the box's core, so that the generator's is the flood's alone.
type legitimate struct {
	box     netip.AddrPort // inside
	self    netip.AddrPort // of the PBX
	pbx     *wire.Line
	plain   *wire.Line     // the carrier over UDP
	secured *wire.Listener // the one over TLS

	mu       sync.Mutex // guards everything below
	made     int
	waiting  map[string]chan wire.Message // by Call-ID
	heard    map[string]bool              // requests that the carriers have had: a second one was sent again
	repeated int
}

// The numbers that the policy of floods leads to the one carrier and to the other.
const (
	plainNumber   = "00123456705"
	securedNumber = "00223456705"
)

// callsBeside are how they went. Repeated are the messages that anybody sent again meanwhile, of other calls too.
type callsBeside struct {
	Calls, Failed, Repeated int
	slowest                 time.Duration // from INVITE to 200
	first                   error         // why the first one failed
}

func (c callsBeside) clean() bool { return c.Failed == 0 && c.Repeated == 0 }

func (c callsBeside) String() string {
	s := fmt.Sprintf("%d calls, %d failed, %d messages sent again, the slowest set up in %d ms", c.Calls, c.Failed, c.Repeated, c.slowest.Milliseconds())
	if c.first != nil {
		s += ": " + c.first.Error()
	}
	return s
}

// carrierCertificate is of an authority that the policy trusts for the carrier over TLS.
func (w *world) carrierCertificate() (*tls.Config, error) {
	authority, err := peer.NewAuthority("Bench")
	if err != nil {
		return nil, err
	}
	key, certificate, err := authority.Issue(carrierName, w.lab.Net.Carrier)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("the carrier's certificate: %w", err)
	}
	w.trust = string(authority.PEM())
	return &tls.Config{Certificates: []tls.Certificate{pair}}, nil
}

// openLegitimate has PBX and carriers listen; the box can be started once it is done.
func (w *world) openLegitimate(ctx context.Context) (*legitimate, error) {
	n := w.lab.Net
	conf, err := w.carrierCertificate()
	if err != nil {
		return nil, err
	}
	l := &legitimate{
		box: netip.AddrPortFrom(n.BoxInside, sipPort), self: netip.AddrPortFrom(n.PBX, sipPort), waiting: map[string]chan wire.Message{}, heard: map[string]bool{},
	}
	if l.secured, err = wire.Listen(w.lab.Carrier, "tls", netip.AddrPortFrom(n.Carrier, securedPort), conf); err != nil {
		return nil, fmt.Errorf("the carrier over TLS: %w", err)
	}
	if l.plain, err = wire.Dial(ctx, w.lab.Carrier, "udp", netip.AddrPortFrom(n.Carrier, sipPort), netip.AddrPortFrom(n.BoxOutside, sipPort)); err == nil {
		l.pbx, err = wire.Dial(ctx, w.lab.PBX, "udp", l.self, l.box)
	}
	if err != nil {
		l.close()
		return nil, fmt.Errorf("PBX and carrier over UDP: %w", err)
	}
	go l.listen()
	go l.serve(l.plain, fmt.Sprintf("<sip:line@%s:%d>", n.Carrier, sipPort), n.Carrier)
	go l.accept(fmt.Sprintf("<sip:line@%s:%d;transport=tls>", n.Carrier, securedPort), n.Carrier)
	return l, nil
}

func (l *legitimate) close() {
	l.secured.Close()
	for _, line := range []*wire.Line{l.plain, l.pbx} {
		if line != nil {
			line.Close()
		}
	}
}

// listen gives the PBX's calls their answers; what the flood makes ring there nobody takes.
func (l *legitimate) listen() {
	for {
		m, err := l.pbx.Next(time.Hour)
		if err != nil {
			return
		}
		if m.Status() == 0 {
			continue
		}
		l.mu.Lock()
		call := l.waiting[m.Field("Call-ID")]
		l.mu.Unlock()
		select {
		case call <- m: // to none, when nobody waits for it
		default:
		}
	}
}

// accept serves every connection that the box makes.
func (l *legitimate) accept(contact string, self netip.Addr) {
	for {
		line, err := l.secured.Accept(time.Hour)
		if err != nil {
			return
		}
		go l.serve(line, contact, self)
	}
}

// serve answers every call and its end.
func (l *legitimate) serve(line *wire.Line, contact string, self netip.Addr) {
	e := &end{contact: contact, descriptions: map[string]string{}}
	for {
		m, err := line.Next(time.Hour)
		if err != nil {
			return
		}
		l.once(m)
		if m.Status() != 0 || m.Method() == "ACK" {
			continue
		}
		if m.Method() == "INVITE" {
			e.describe(m.Field("Call-ID"), describe(self, ""))
		}
		if line.Send(e.accept(m)) != nil {
			return
		}
	}
}

// once counts what comes again.
func (l *legitimate) once(m wire.Message) {
	key := m.Start() + m.Field("Via") + m.Field("CSeq") + m.Field("Call-ID")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.heard[key] {
		l.repeated++
	}
	l.heard[key] = true
}

// calls makes calls at a rate and waits for the end of each; each is up for half a second.
func (l *legitimate) calls(number string, count, rate int) callsBeside {
	type ending struct {
		setUp time.Duration
		err   error
	}
	l.mu.Lock()
	before := l.repeated
	l.mu.Unlock()
	ended := make(chan ending, count)
	begun := time.Now()
	for i := range count {
		time.Sleep(time.Until(begun.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		go func() {
			setUp, err := l.call(number)
			ended <- ending{setUp, err}
		}()
	}
	out := callsBeside{Calls: count}
	for range count {
		e := <-ended
		out.slowest = max(out.slowest, e.setUp)
		if e.err != nil {
			out.Calls, out.Failed = out.Calls-1, out.Failed+1
			if out.first == nil {
				out.first = e.err
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	out.Repeated = l.repeated - before
	return out
}

// call makes one call and tells how long it took to set up.
func (l *legitimate) call(number string) (setUp time.Duration, err error) {
	l.mu.Lock()
	l.made++
	id := fmt.Sprintf("beside-%d", l.made)
	in := make(chan wire.Message, 32)
	l.waiting[id] = in
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.waiting, id)
	}()
	begun := time.Now()
	ok, err := l.ask("INVITE", number, id, "", in)
	if err != nil {
		return time.Since(begun), err
	}
	setUp = time.Since(begun)
	to := ok.Field("To")
	if err := l.pbx.Send(l.request("ACK", number, id, to, "")); err != nil {
		return setUp, err
	}
	time.Sleep(500 * time.Millisecond)
	for len(in) > 0 {
		if m := <-in; m.Status() == 200 {
			l.again()
		}
	}
	_, err = l.ask("BYE", number, id, to, in)
	return setUp, err
}

// The timers of a client transaction over UDP (RFC 3261 section 17.1, T1), and how long anybody waits for a call.
const (
	firstRepeat  = 500 * time.Millisecond
	callPatience = 8 * time.Second
)

// ask sends a request, again and again like anybody over UDP, until the 200 comes; each repetition counts.
func (l *legitimate) ask(method, number, id, to string, in chan wire.Message) (wire.Message, error) {
	body := ""
	if method == "INVITE" {
		body = describe(l.self.Addr(), "")
	}
	request := l.request(method, number, id, to, body)
	if err := l.pbx.Send(request); err != nil {
		return "", err
	}
	patience, again := time.After(callPatience), firstRepeat
	repeat := time.NewTimer(again)
	defer repeat.Stop()
	for {
		select {
		case m := <-in:
			switch status := m.Status(); {
			case !strings.HasSuffix(m.Field("CSeq"), method):
			case status < 200 && method == "INVITE":
				repeat.Stop()
			case status == 200:
				return m, nil
			case status > 200:
				return "", fmt.Errorf("%s got %s", method, m.Start())
			}
		case <-repeat.C:
			l.again()
			again *= 2
			repeat.Reset(again)
			if err := l.pbx.Send(request); err != nil {
				return "", err
			}
		case <-patience:
			return "", errors.New("nobody answered the " + method)
		}
	}
}

func (l *legitimate) again() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.repeated++
}

func (l *legitimate) request(method, number, id, to, body string) []byte {
	sequence := 1 + slices.Index([]string{"INVITE", "BYE"}, method)
	if method == "ACK" {
		sequence = 1
	}
	if to == "" {
		to = fmt.Sprintf("<sip:%s@%s>", number, l.box)
	}
	text := fmt.Sprintf("%[1]s sip:%[6]s@%[2]s SIP/2.0\r\nVia: SIP/2.0/UDP %[3]s;rport;branch=z9hG4bK%[4]s%[1]s\r\nMax-Forwards: 70\r\n"+
		"From: <sip:0123456701@%[3]s>;tag=near\r\nTo: %[5]s\r\nCall-ID: %[4]s\r\nCSeq: %[7]d %[1]s\r\nContact: <sip:0123456701@%[3]s>\r\n",
		method, l.box, l.self, id, to, number, sequence)
	if body != "" {
		text += "Content-Type: application/sdp\r\n"
	}
	return fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", text, len(body), body)
}
