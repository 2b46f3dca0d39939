package ua

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
)

// Reliable provisional responses (RFC 3262). Each leg ends them for itself: the other one never learns of them.
//
//	to a caller that requires 100rel:  18x with RSeq, repeated until its PRACK; the next one waits for that
//	from a callee that sends them:     PRACK at once, repetitions swallowed

// ErrNoPrack says that a reliable provisional response of ours was not acknowledged within 64*T1 (RFC 3262 §3).
var ErrNoPrack = fmt.Errorf("the other side did not acknowledge our provisional response")

// provisionals are the reliable responses to one INVITE: one under way, the others waiting.
type provisionals struct {
	in   *Incoming
	box  *Inbox
	rseq uint32

	mu      sync.Mutex // guards everything below
	waiting []Reply
	current *sip.Response
	timer   *time.Timer
	wait    time.Duration
	left    time.Duration
	over    bool // a final response went out
}

// RespondReliably sends a provisional response that in's sender must acknowledge. It may wait for the PRACK of an earlier one.
func (in *Incoming) RespondReliably(box *Inbox, r Reply) error {
	box.mu.Lock()
	p := box.reliable[in.Tag]
	if p == nil {
		p = &provisionals{in: in, box: box, rseq: firstRSeq()}
		if box.reliable == nil {
			box.reliable = map[string]*provisionals{}
		}
		box.reliable[in.Tag] = p
	}
	box.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return nil
	}
	if p.current != nil {
		p.waiting = append(p.waiting, r)
		return nil
	}
	return p.send(r)
}

// firstRSeq is between 1 and 2^31-1 (RFC 3262 §3).
func firstRSeq() uint32 {
	var b [4]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return binary.BigEndian.Uint32(b[:])>>2 | 1
}

// send sends the next response and starts repeating it. p.mu is held.
func (p *provisionals) send(r Reply) error {
	p.rseq++
	r.Headers = append(r.Headers[:len(r.Headers):len(r.Headers)],
		sip.NewHeader("Require", "100rel"), sip.NewHeader("RSeq", strconv.FormatUint(uint64(p.rseq), 10)))
	res := p.in.response(r)
	if _, err := p.in.send(res); err != nil {
		return err
	}
	p.current, p.wait, p.left = res, sip.T1, 64*sip.T1
	p.timer = time.AfterFunc(p.wait, p.again)
	return nil
}

func (p *provisionals) again() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == nil || p.over {
		return
	}
	if p.left -= p.wait; p.left <= 0 {
		p.current = nil
		p.box.put(item{in: p.in, err: ErrNoPrack})
		return
	}
	p.in.core.write(p.in.Conn, p.current)
	p.wait *= 2 // RFC 3262 §3: without the cap of T2
	p.timer.Reset(min(p.wait, p.left))
}

// acknowledge stops the repetition that a PRACK names and sends the next response; false when it names none.
func (p *provisionals) acknowledge(rseq, cseq uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == nil || uint64(p.rseq) != rseq || uint64(p.in.CSeq().SeqNo) != cseq {
		return false
	}
	p.timer.Stop()
	p.current = nil
	if len(p.waiting) > 0 && !p.over {
		next := p.waiting[0]
		p.waiting = p.waiting[1:]
		if err := p.send(next); err != nil {
			p.in.core.log.Debug("provisional response not sent", "err", err)
		}
	}
	return true
}

// stop ends the repetition: the final response is on its way.
func (p *provisionals) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over, p.waiting = true, nil
	if p.timer != nil {
		p.timer.Stop()
	}
}

// pracked answers a PRACK (RFC 3262 §3) and tells whether it was all there is to it. One with an offer is left to the call.
func (b *Inbox) pracked(in *Incoming) bool {
	b.mu.Lock()
	p := b.reliable[in.Tag]
	b.mu.Unlock()
	rseq, cseq, ok := readRAck(in)
	if p == nil || !ok || !p.acknowledge(rseq, cseq) {
		in.answer(Reply{Status: 481})
		return true
	}
	if len(in.Body()) > 0 {
		return false
	}
	in.answer(Reply{Status: 200})
	return true
}

// readRAck reads "response-num CSeq-num Method" (RFC 3262 §7.2).
func readRAck(in *Incoming) (rseq, cseq uint64, ok bool) {
	h := field.All(in, "RAck")
	if len(h) != 1 {
		return 0, 0, false
	}
	words := strings.Fields(h[0].Value())
	if len(words) != 3 || words[2] != string(sip.INVITE) {
		return 0, 0, false
	}
	rseq, err1 := strconv.ParseUint(words[0], 10, 32)
	cseq, err2 := strconv.ParseUint(words[1], 10, 32)
	return rseq, cseq, err1 == nil && err2 == nil
}

// stopProvisionals ends the repetition for an INVITE of ours to answer.
func (b *Inbox) stopProvisionals(tag string) {
	b.mu.Lock()
	p := b.reliable[tag]
	b.mu.Unlock()
	if p != nil {
		p.stop()
	}
}

// RSeq is the number of a reliable provisional response; false when the response is none.
func RSeq(res *sip.Response) (uint32, bool) {
	if !Lists(field.All(res, "Require"), "100rel") {
		return 0, false
	}
	h := field.All(res, "RSeq")
	if len(h) != 1 {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSpace(h[0].Value()), 10, 32)
	return uint32(n), err == nil && n > 0
}

// Prack makes the acknowledgement of a reliable provisional response to the INVITE with this CSeq.
func (d *Dialog) Prack(rseq, cseq uint32) *sip.Request {
	req := d.Request(sip.PRACK)
	req.AppendHeader(sip.NewHeader("RAck", fmt.Sprintf("%d %d INVITE", rseq, cseq)))
	return req
}

// Lists tells whether header fields with option tags or methods name one, in any case.
func Lists(headers []sip.Header, name string) bool {
	for _, h := range headers {
		for _, v := range strings.Split(h.Value(), ",") {
			if strings.EqualFold(strings.TrimSpace(v), name) {
				return true
			}
		}
	}
	return false
}
