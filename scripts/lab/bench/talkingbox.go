package bench

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/traffic"
	"tollgate/scripts/lab/wire"
)

// talkingBox is the box with a PBX and a carrier who set calls up and then let the generator talk.
type talkingBox struct {
	process      *lab.Process
	net          lab.Addresses
	pbx, carrier *end
	listener     *wire.Listener // of a carrier over TLS, until the box has come; nil: over UDP
	contact      string         // of the carrier
	calls        int
	last         string // To of the call that was set up last
}

// end is one of the two who set calls up. What the box asks in a call, it answers by itself: the box may want to know why
// there is no audio yet.
type end struct {
	line    *wire.Line
	contact string
	in      chan wire.Message // what begins a call, and answers

	mu           sync.Mutex
	descriptions map[string]string // by Call-ID
}

func newEnd(line *wire.Line, contact string) *end {
	e := &end{line: line, contact: contact, in: make(chan wire.Message, 100), descriptions: map[string]string{}}
	go e.serve()
	return e
}

// serve ends when the line is closed.
func (e *end) serve() {
	for {
		m, err := e.line.Next(time.Hour)
		if err != nil {
			return
		}
		switch {
		case m.Status() != 0 || m.Method() == "ACK" || m.Method() == "INVITE" && !strings.Contains(m.Field("To"), ";tag="):
			select {
			case e.in <- m:
			default: // nobody waits for it
			}
		default:
			e.line.Send(e.accept(m))
		}
	}
}

func (e *end) description(call string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.descriptions[call]
}

func (e *end) describe(call, description string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.descriptions[call] = description
}

// startTalkingBox runs the box between a PBX that speaks RTP and a carrier that speaks SRTP.
func (w *world) startTalkingBox(ctx context.Context, portable bool) (relay, error) {
	w.encrypted = true
	if portable {
		w.without = []string{"bpf", "sys_admin"} // either would let it steer
	}
	ctx, cancel := context.WithTimeout(ctx, branch.Patience)
	defer cancel()
	p, err := w.start(ctx, Box)
	if err != nil {
		return nil, err
	}
	n := w.lab.Net
	at := func(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, sipPort) }
	b := &talkingBox{process: p, net: n, contact: fmt.Sprintf("<sip:line@%s:%d>", n.Carrier, sipPort)}
	pbx, err := wire.Dial(ctx, w.lab.PBX, "udp", at(n.PBX), at(n.BoxInside))
	if err != nil {
		return nil, fmt.Errorf("the PBX: %w", err)
	}
	b.pbx = newEnd(pbx, pbxContact(n))
	carrier, err := wire.Dial(ctx, w.lab.Carrier, "udp", at(n.Carrier), at(n.BoxOutside))
	if err != nil {
		pbx.Close()
		return nil, fmt.Errorf("the carrier: %w", err)
	}
	b.carrier = newEnd(carrier, b.contact)
	return b, nil
}

func (b *talkingBox) pid() int { return b.process.PID() }

func (b *talkingBox) close() {
	if b.pbx != nil {
		b.pbx.line.Close()
	}
	if b.carrier != nil {
		b.carrier.line.Close()
	}
	if b.listener != nil {
		b.listener.Close()
	}
}

// What the box may say to a call. One that was full until a moment ago takes calls again after ten seconds without audio.
var (
	errRefused = errors.New("the box refuses the call")
	errFull    = fmt.Errorf("%w for now", errRefused)
)

// answerPatience is how long a message of the box may take.
const answerPatience = 10 * time.Second

// add makes a call from the PBX to the carrier: INVITE, 200, ACK on both sides.
func (b *talkingBox) add() (c traffic.Call, err error) {
	b.calls++
	id := fmt.Sprintf("media-%d", b.calls)
	b.pbx.describe(id, describe(b.net.PBX, ""))
	if err := b.pbx.line.Send(b.request("INVITE", id, "", b.pbx.description(id))); err != nil {
		return c, err
	}
	if b.carrier == nil {
		line, err := b.listener.Accept(answerPatience)
		if err != nil {
			return c, fmt.Errorf("the carrier waits for the box: %w", err)
		}
		b.carrier = newEnd(line, b.contact)
	}
	invite, err := b.carrier.next(answerPatience, func(m wire.Message) bool { return m.Method() == "INVITE" })
	if err != nil {
		return c, b.refusal(id, fmt.Errorf("the carrier waits for the INVITE: %w", err))
	}
	key := newKey()
	if c, err = secured(invite.Body(), key); err != nil {
		return c, err
	}
	far := invite.Field("Call-ID")
	b.carrier.describe(far, describe(b.net.Carrier, cryptoLine(invite.Body(), key)))
	if err := b.carrier.line.Send(b.carrier.accept(invite)); err != nil {
		return c, err
	}
	ok, err := b.pbx.next(answerPatience, func(m wire.Message) bool { return m.Status() >= 200 && m.Field("Call-ID") == id })
	if err != nil || ok.Status() != 200 {
		return c, fmt.Errorf("the PBX waits for the answer: %q, %w", ok.Start(), err)
	}
	if c.Inside, _, err = audio(ok.Body()); err != nil {
		return c, err
	}
	b.last = ok.Field("To")
	if err := b.pbx.line.Send(b.request("ACK", id, b.last, "")); err != nil {
		return c, err
	}
	_, err = b.carrier.next(answerPatience, func(m wire.Message) bool { return m.Method() == "ACK" && m.Field("Call-ID") == far })
	return c, err
}

// refusal looks for the box's answer to a call that did not get through; without one, err stands.
func (b *talkingBox) refusal(id string, err error) error {
	m, none := b.pbx.next(time.Millisecond, func(m wire.Message) bool { return m.Status() >= 300 && m.Field("Call-ID") == id })
	if none != nil {
		return err
	}
	if m.Status() == 503 {
		err = errFull
	} else {
		err = errRefused
	}
	return fmt.Errorf("%w: %s", err, m.Start())
}

// next waits for a message.
func (e *end) next(patience time.Duration, wanted func(wire.Message) bool) (wire.Message, error) {
	late := time.After(patience)
	for {
		select {
		case m := <-e.in:
			if wanted(m) {
				return m, nil
			}
		case <-late:
			return "", errors.New("it does not come")
		}
	}
}

// pbxContact is where the PBX is called.
func pbxContact(n lab.Addresses) string { return fmt.Sprintf("<sip:0123456701@%s:%d>", n.PBX, sipPort) }

// request writes an INVITE or ACK of the PBX.
func (b *talkingBox) request(method, id, to, body string) []byte {
	self, box := netip.AddrPortFrom(b.net.PBX, sipPort), netip.AddrPortFrom(b.net.BoxInside, sipPort)
	if to == "" {
		to = fmt.Sprintf("<sip:00123456705@%s>", box)
	}
	text := fmt.Sprintf("%[1]s sip:00123456705@%[2]s SIP/2.0\r\nVia: SIP/2.0/UDP %[3]s;rport;branch=z9hG4bK%[4]s%[1]s\r\nMax-Forwards: 70\r\n"+
		"From: <sip:0123456701@%[3]s>;tag=near\r\nTo: %[5]s\r\nCall-ID: %[4]s\r\nCSeq: 1 %[1]s\r\nContact: <sip:0123456701@%[3]s>\r\n",
		method, box, self, id, to)
	if body != "" {
		text += "Content-Type: application/sdp\r\n"
	}
	return fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", text, len(body), body)
}

// accept answers a request with 200, and with the call's description where the answer has one.
func (e *end) accept(m wire.Message) []byte {
	to, body := m.Fields("To"), ""
	if !strings.Contains(to, ";tag=") {
		to = strings.TrimSuffix(to, "\r\n") + ";tag=far\r\n"
	}
	text := "SIP/2.0 200 OK\r\n" + m.Fields("Via", "From", "Call-ID", "CSeq", "Record-Route") + to + "Contact: " + e.contact + "\r\n"
	if m.Method() == "INVITE" || m.Method() == "UPDATE" {
		body = e.description(m.Field("Call-ID"))
		text += "Content-Type: application/sdp\r\n"
	}
	return fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", text, len(body), body)
}

// describe is a session description of the generator; crypto is its line with a key, or "".
func describe(self netip.Addr, crypto string) string {
	profile := "RTP/AVP"
	if crypto != "" {
		profile = "RTP/SAVP"
	}
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %[2]d %[3]s 8\r\na=rtpmap:8 PCMA/8000\r\n%[4]s",
		self, mediaPort, profile, crypto)
}

// suite is what the calls are encrypted with.
const suite = "AES_CM_128_HMAC_SHA1_80"

// newKey makes a master key with its salt.
func newKey() []byte {
	key := make([]byte, 30)
	rand.Read(key)
	return key
}

// cryptoLine answers the suite in an offer with a key.
func cryptoLine(offer string, key []byte) string {
	tag, _ := offered(offer)
	return fmt.Sprintf("a=crypto:%s %s inline:%s\r\n", tag, suite, base64.StdEncoding.EncodeToString(key))
}

// offered finds the suite in an offer, its tag and the offerer's key.
func offered(offer string) (tag, key string) {
	for line := range strings.SplitSeq(offer, "\r\n") {
		f := strings.Fields(strings.TrimPrefix(line, "a=crypto:"))
		if strings.HasPrefix(line, "a=crypto:") && len(f) >= 3 && f[1] == suite {
			key, _, _ = strings.Cut(strings.TrimPrefix(f[2], "inline:"), "|")
			return f[0], key
		}
	}
	return "", ""
}

// secured reads the encrypted side of a call out of the relay's offer.
func secured(offer string, own []byte) (c traffic.Call, err error) {
	c.Send = own
	if c.Outside, _, err = audio(offer); err != nil {
		return c, err
	}
	_, key := offered(offer)
	if c.Receive, err = base64.StdEncoding.DecodeString(key); err != nil || key == "" {
		return c, fmt.Errorf("no key for %s in\n%s", suite, offer)
	}
	return c, nil
}

// audio reads where a description wants audio, and its profile.
func audio(description string) (at netip.AddrPort, profile string, err error) {
	var host string
	var port uint16
	for line := range strings.SplitSeq(description, "\r\n") {
		if rest, ok := strings.CutPrefix(line, "c=IN IP4 "); ok {
			host = rest
		}
		fmt.Sscanf(line, "m=audio %d %s", &port, &profile)
	}
	a, err := netip.ParseAddr(host)
	if err != nil || port == 0 {
		return at, "", fmt.Errorf("no address for audio in\n%s", description)
	}
	return netip.AddrPortFrom(a, port), profile, nil
}
