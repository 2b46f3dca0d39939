package bench

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
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
	pbx, carrier *wire.Line
	listener     *wire.Listener // of a carrier over TLS, until the box has come; nil: over UDP
	contact      string         // of the carrier
	calls        int
	last         string // To of the call that was set up last
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
	if b.pbx, err = wire.Dial(ctx, w.lab.PBX, "udp", at(n.PBX), at(n.BoxInside)); err != nil {
		return nil, fmt.Errorf("the PBX: %w", err)
	}
	if b.carrier, err = wire.Dial(ctx, w.lab.Carrier, "udp", at(n.Carrier), at(n.BoxOutside)); err != nil {
		return nil, fmt.Errorf("the carrier: %w", err)
	}
	return b, nil
}

func (b *talkingBox) pid() int { return b.process.PID() }

// answerPatience is how long a message of the box may take.
const answerPatience = 10 * time.Second

// add makes a call from the PBX to the carrier: INVITE, 200, ACK on both sides.
func (b *talkingBox) add() (c traffic.Call, err error) {
	b.calls++
	id := fmt.Sprintf("media-%d", b.calls)
	if err := b.pbx.Send(b.request("INVITE", id, "", describe(b.net.PBX, ""))); err != nil {
		return c, err
	}
	if b.carrier == nil {
		if b.carrier, err = b.listener.Accept(answerPatience); err != nil {
			return c, fmt.Errorf("the carrier waits for the box: %w", err)
		}
	}
	invite, err := next(b.carrier, func(m wire.Message) bool { return m.Method() == "INVITE" })
	if err != nil {
		return c, b.refusal(id, fmt.Errorf("the carrier waits for the INVITE: %w", err))
	}
	key := newKey()
	if c, err = secured(invite.Body(), key); err != nil {
		return c, err
	}
	if err := b.carrier.Send(accept(invite, b.contact, describe(b.net.Carrier, cryptoLine(invite.Body(), key)))); err != nil {
		return c, err
	}
	ok, err := next(b.pbx, func(m wire.Message) bool { return m.Status() >= 200 && m.Field("Call-ID") == id })
	if err != nil || ok.Status() != 200 {
		return c, fmt.Errorf("the PBX waits for the answer: %q, %w", ok.Start(), err)
	}
	if c.Inside, _, err = audio(ok.Body()); err != nil {
		return c, err
	}
	b.last = ok.Field("To")
	if err := b.pbx.Send(b.request("ACK", id, b.last, "")); err != nil {
		return c, err
	}
	_, err = next(b.carrier, func(m wire.Message) bool { return m.Method() == "ACK" })
	return c, err
}

// errFull says that the box takes no more calls.
var errFull = errors.New("the box refuses the call")

// refusal looks for the box's answer to a call that did not get through; without one, err stands.
func (b *talkingBox) refusal(id string, err error) error {
	for {
		m, none := b.pbx.Next(time.Millisecond)
		if none != nil {
			return err
		}
		if m.Status() >= 300 && m.Field("Call-ID") == id {
			return fmt.Errorf("%w: %s", errFull, m.Start())
		}
	}
}

// next waits for a message.
func next(l *wire.Line, wanted func(wire.Message) bool) (wire.Message, error) {
	for deadline := time.Now().Add(answerPatience); ; {
		m, err := l.Next(time.Until(deadline))
		if err != nil || wanted(m) {
			return m, err
		}
	}
}

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

// accept answers an INVITE as the carrier.
func accept(invite wire.Message, contact, body string) []byte {
	to := strings.TrimSuffix(invite.Fields("To"), "\r\n") + ";tag=far\r\n"
	return fmt.Appendf(nil, "SIP/2.0 200 OK\r\n%s%sContact: %s\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		invite.Fields("Via", "From", "Call-ID", "CSeq", "Record-Route"), to, contact, len(body), body)
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
