package ua

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// Allow lists the methods the box takes (RFC 3261 §20.5).
const Allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, SUBSCRIBE, NOTIFY, MESSAGE"

// Supported lists the extensions the box speaks (RFC 3261 §20.37).
const Supported = "100rel, timer, replaces"

// Incoming is a received request and the transaction that answers it.
type Incoming struct {
	*sip.Request
	Peer  policy.Peer
	Conn  sip.Connection
	Tag   string // the To tag, ours
	Inbox *Inbox // of a new INVITE: the mailbox of its call

	core     *Core
	key      string       // of its transaction; "" for an ACK
	received *sip.Request // as it came: answers are made from it while others may put another Request in its place

	mu     sync.Mutex    // guards everything below
	box    *Inbox        // hears of a CANCEL
	path   Path          // to the sender when Conn has ended; nil where there is none
	last   *sip.Response // provisional, for repetitions
	trying *time.Timer
	final  bool
}

// Reply is what a request is answered with.
type Reply struct {
	Status      int
	Reason      string // reason phrase; empty: the usual one of Status
	Contact     string // URI, where the dialog's further requests shall go
	Body        []byte
	ContentType string
	Headers     []sip.Header
}

// Respond answers the request. A 2xx to an INVITE is repeated until its ACK arrives at box, the mailbox of the call.
func (in *Incoming) Respond(box *Inbox, r Reply) error {
	res := in.response(r)
	if in.received.IsInvite() && !res.IsProvisional() {
		box.stopProvisionals(in.Tag)
	}
	sent, err := in.send(res)
	if sent && err == nil && in.received.IsInvite() && res.IsSuccess() {
		box.retransmit(in, func() {
			if err := in.write(res); err != nil {
				in.core.log.Debug("answer not repeated", "err", err)
			}
		})
	}
	if err == nil && !sent {
		err = ErrAnswered
	}
	return err
}

// ErrAnswered says that a request has had its final answer before: an INVITE that was cancelled has.
var ErrAnswered = errors.New("the request has its final answer already")

// Refuse answers a request that no call has taken.
func (in *Incoming) Refuse(r Reply) { in.answer(r) }

func (in *Incoming) answer(r Reply) {
	if _, err := in.send(in.response(r)); err != nil {
		in.core.log.Debug("answer not sent", "method", in.Method, "status", r.Status, "err", err)
	}
}

func (in *Incoming) response(r Reply) *sip.Response {
	if r.Reason == "" {
		r.Reason = Phrase(r.Status)
	}
	res := answerTo(in.received, r.Status, r.Reason)
	if r.Contact != "" {
		res.AppendHeader(sip.NewHeader("Contact", "<"+r.Contact+">"))
	}
	if r.Status == 405 || (r.Status/100 == 2 && (in.received.IsInvite() || in.received.Method == sip.OPTIONS)) {
		res.AppendHeader(sip.NewHeader("Allow", Allow))
	}
	if res.IsSuccess() && (in.received.IsInvite() || in.received.Method == sip.OPTIONS) {
		res.AppendHeader(sip.NewHeader("Supported", Supported))
	}
	for _, h := range r.Headers {
		res.AppendHeader(h)
	}
	if len(r.Body) > 0 {
		res.AppendHeader(sip.NewHeader("Content-Type", r.ContentType))
	}
	setBody(res, r.Body)
	return res
}

// MaxForwards is what is left for the next hop (RFC 7332), and false when the request has no hop left.
func (in *Incoming) MaxForwards() (int, bool) {
	h := in.Request.MaxForwards()
	if h == nil {
		return 69, true
	}
	return int(h.Val()) - 1, h.Val() > 0
}

// HasBody tells whether the body is of this type, such as "application/sdp".
func (in *Incoming) HasBody(contentType string) bool {
	return in.BodyType() == contentType
}

// BodyType is the media type of the body in lower case, without parameters; "" when there is no body.
func (in *Incoming) BodyType() string {
	h := in.Request.ContentType()
	if h == nil || len(in.Body()) == 0 {
		return ""
	}
	t, _, _ := strings.Cut(h.Value(), ";")
	return strings.ToLower(strings.TrimSpace(t))
}
