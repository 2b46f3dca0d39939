package notice

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/admission"
	"tollgate/firmware/field"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

const (
	textType = "text/plain"
	// maxText is the longest message, in bytes (RFC 3428 §8).
	maxText = 1300
)

// message passes a MESSAGE on (RFC 3428) and answers it as the other side does. It is judged like a call to the number,
// and counts as one while it is on its way.
func (d *Desk) message(e *errand) *refusal {
	if no := e.meet(); no != nil {
		return no
	}
	if no := e.find(e.outward); no != nil {
		return no
	}
	text, no := readText(e.in)
	if no != nil {
		return no
	}
	if no := d.tooMany(e); no != nil && !e.urgent() {
		return no
	}
	ticket, no := e.admit()
	if no != nil {
		return no
	}
	defer ticket.Release()
	v := e.deliver(func(_ Party, draft *ua.Draft) bool {
		draft.Body, draft.ContentType = text, textType+";charset=UTF-8"
		return true
	})
	d.o.Log.Info("message passed on", "from", e.sender.String(), "to", e.number.String(), "by", e.in.Peer.Name, "bytes", len(text), "status", v.status, "reason", v.reason)
	e.in.Refuse(ua.Reply{Status: v.status, Headers: v.headers})
	return nil
}

// urgent tells whether the office writes to an emergency number: nothing may be in the way of that.
func (e *errand) urgent() bool { return e.number.Emergency() && e.in.Peer.Side == policy.SideInside }

// admit asks for leave to write to a number outside. What a carrier brings goes to a number of ours and costs nothing.
func (e *errand) admit() (*admission.Ticket, *refusal) {
	if e.in.Peer.Side == policy.SideOutside || e.in.Peer.Phone() && !e.urgent() {
		return nil, nil // the phones' PBX judges what they may
	}
	ticket, no := e.desk.o.Gate.Admit(admission.Attempt{Caller: e.in.Peer, Number: e.number, From: e.sender, Draining: e.draining, At: time.Now()})
	if no != nil {
		return nil, &refusal{status: no.Status, rule: no.Rule, reason: no.Reason}
	}
	return ticket, nil
}

// readText reads the text of a message: plain, in UTF-8, without control characters, not too long.
func readText(in *ua.Incoming) ([]byte, *refusal) {
	body := in.Body()
	kind, params := "", ""
	if h := in.ContentType(); h != nil {
		kind, params = mediaType(h.Value())
	}
	switch {
	case len(body) > maxText:
		return nil, &refusal{status: 413, rule: "sip", reason: fmt.Sprintf("a message of %d bytes is longer than %d", len(body), maxText)}
	case len(body) == 0:
		return nil, &refusal{status: 400, rule: "sip", reason: "a message without a text"}
	case kind != textType || !plainCharset(params) || len(field.All(in, "Content-Encoding")) > 0:
		return nil, &refusal{status: 415, rule: "sip", reason: "a message that is no plain text in UTF-8",
			headers: []sip.Header{sip.NewHeader("Accept", textType), sip.NewHeader("Accept-Encoding", "identity")}}
	case !utf8.Valid(body) || strings.ContainsFunc(string(body), isControl):
		return nil, &refusal{status: 400, rule: "sip", reason: "the text of a message is not UTF-8, or has control characters"}
	}
	return body, nil
}

// plainCharset tells whether the parameters of a Content-Type name UTF-8, or nothing that differs from it.
func plainCharset(params string) bool {
	for _, p := range strings.Split(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		value = strings.Trim(value, `"`)
		if strings.EqualFold(name, "charset") && !strings.EqualFold(value, "utf-8") && !strings.EqualFold(value, "us-ascii") {
			return false
		}
	}
	return true
}

func isControl(r rune) bool { return r < ' ' && r != '\t' && r != '\r' && r != '\n' || r == 0x7f }
