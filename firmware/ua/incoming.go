package ua

import (
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// Allow lists the methods the box takes (RFC 3261 §20.5).
const Allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER"

// Supported lists the extensions the box speaks (RFC 3261 §20.37).
const Supported = "100rel, timer, replaces"

// Incoming is a received request and the transaction that answers it.
type Incoming struct {
	*sip.Request
	Peer  policy.Peer
	Conn  sip.Connection
	Tag   string // the To tag, ours
	Inbox *Inbox // of a new INVITE: the mailbox of its call

	core *Core
	key  string // of its transaction; "" for an ACK

	mu     sync.Mutex    // guards everything below
	box    *Inbox        // hears of a CANCEL
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
	if in.IsInvite() && !res.IsProvisional() {
		box.stopProvisionals(in.Tag)
	}
	sent, err := in.send(res)
	if sent && err == nil && in.IsInvite() && res.IsSuccess() {
		box.retransmit(in, func() { in.core.write(in.Conn, res) })
	}
	return err
}

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
	res := sip.NewResponseFromRequest(in.Request, r.Status, r.Reason, nil)
	if r.Contact != "" {
		res.AppendHeader(sip.NewHeader("Contact", "<"+r.Contact+">"))
	}
	if r.Status == 405 || (r.Status/100 == 2 && (in.IsInvite() || in.Method == sip.OPTIONS)) {
		res.AppendHeader(sip.NewHeader("Allow", Allow))
	}
	if res.IsSuccess() && (in.IsInvite() || in.Method == sip.OPTIONS) {
		res.AppendHeader(sip.NewHeader("Supported", Supported))
	}
	for _, h := range r.Headers {
		res.AppendHeader(h)
	}
	if len(r.Body) > 0 {
		res.AppendHeader(sip.NewHeader("Content-Type", r.ContentType))
	}
	res.SetBody(r.Body)
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

// Phrase is the usual reason phrase of a status (RFC 3261 §21 and its extensions).
func Phrase(status int) string {
	if p, ok := phrases()[status]; ok {
		return p
	}
	return map[int]string{1: "Progress", 2: "OK", 3: "Redirect", 4: "Client Error", 5: "Server Error", 6: "Global Failure"}[status/100]
}

func phrases() map[int]string {
	return map[int]string{
		100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress", 200: "OK", 202: "Accepted",
		400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
		407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone", 413: "Request Entity Too Large", 415: "Unsupported Media Type",
		420: "Bad Extension", 422: "Session Interval Too Small", 423: "Interval Too Brief", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected",
		483: "Too Many Hops", 484: "Address Incomplete", 486: "Busy Here", 487: "Request Terminated",
		488: "Not Acceptable Here", 489: "Bad Event", 491: "Request Pending", 500: "Server Internal Error", 501: "Not Implemented",
		502: "Bad Gateway", 503: "Service Unavailable", 504: "Server Time-out", 600: "Busy Everywhere", 603: "Decline",
		604: "Does Not Exist Anywhere", 606: "Not Acceptable",
	}
}
