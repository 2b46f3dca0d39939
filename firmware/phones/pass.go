package phones

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/field"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

const (
	// askTimeout is how long one server may take for an answer. A phone that repeats itself gives up after 32 s.
	askTimeout = 8 * time.Second
	// hurried is for a server when another one is left, or when the phone goes on without an answer.
	hurried = 4 * time.Second
	// avoidFailed is how long a server is tried last after it did not answer.
	avoidFailed = time.Minute
)

// pass sends the registration to the PBX and its answer to the phone.
func (p *Phones) pass(in *ua.Incoming, f flow, w wish, hops int) (ua.Reply, *refusal) {
	p.mu.Lock()
	no := p.room(w)
	p.mu.Unlock()
	if no != nil {
		return ua.Reply{Status: 503}, no
	}
	res, err := p.ask(in, w, hops)
	if err == nil && isAway(res.StatusCode) {
		err = fmt.Errorf("it answers a registration with %d %s", res.StatusCode, ua.Phrase(res.StatusCode))
	}
	if err != nil {
		p.Failed(ua.Explain(err))
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.without(in, f, w, time.Now())
	}
	p.Heard()
	p.judged(in, f, w, res)
	return p.answer(in, f, w, res)
}

// isAway tells whether an answer says that the PBX cannot do its work, or that something on the way does not reach it.
func isAway(status int) bool { return status == 503 || status == 504 || status == 408 }

// answer tells the phone what the PBX says.
func (p *Phones) answer(in *ua.Incoming, f flow, w wish, res *sip.Response) (ua.Reply, *refusal) {
	reply := ua.Reply{Status: res.StatusCode}
	switch status := res.StatusCode; {
	case res.IsSuccess():
		return p.take(in, f, w, res), nil
	case status == 401 || status == 407:
		reply.Headers = ua.Challenges(res)
		return reply, nil
	case status == 423:
		p.learnLeast(res)
		reply.Reason = "Interval Too Brief"
		reply.Headers = headers(res, "Min-Expires")
		return reply, nil
	case status/100 == 3:
		reply.Status = 502 // the box follows its policy and nobody else
	case status/100 == 5:
		reply.Headers = headers(res, "Retry-After")
	}
	return reply, &refusal{ruleByPBX, fmt.Sprintf("the phones' PBX answers the registration of user %s with %d %s",
		strconv.Quote(event.Printable(w.user)), res.StatusCode, ua.Phrase(res.StatusCode))}
}

// headers are numbers that pass from the PBX to the phone.
func headers(res *sip.Response, name string) []sip.Header {
	for _, h := range field.All(res, name) {
		if n, err := strconv.ParseUint(strings.TrimSpace(h.Value()), 10, 32); err == nil {
			return []sip.Header{sip.NewHeader(name, strconv.FormatUint(n, 10))}
		}
	}
	return nil
}

// learnLeast remembers what the PBX wants to be asked for, so that only the first phone hears of it.
func (p *Phones) learnLeast(res *sip.Response) {
	for _, h := range headers(res, "Min-Expires") {
		p.mu.Lock()
		p.least = min(lifetime(h.Value()), 24*time.Hour)
		p.mu.Unlock()
	}
}

var errNoPBX = errors.New("the policy names no PBX for phones")

// ask sends the REGISTER to one server of the PBX after the other until one answers.
func (p *Phones) ask(in *ua.Incoming, w wish, hops int) (*sip.Response, error) {
	pbx, ok := p.o.Upstream.RemotePBX()
	if !ok {
		return nil, errNoPBX
	}
	draft := p.draft(in, w, hops, pbx.Local)
	err := errors.New("none of its servers is known")
	for i, server := range pbx.Servers {
		var res *sip.Response
		last := i+1 == len(pbx.Servers)
		if res, err = p.do(draft, server, p.patience(last)); err == nil && (last || !isAway(res.StatusCode)) {
			return res, nil
		}
		if err != nil {
			server.Avoid(ua.Explain(err), avoidFailed)
		}
	}
	return nil, err
}

// patience is how long a server may take.
func (p *Phones) patience(last bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !last || p.config.Policy.Survival != policy.SurvivalOff {
		return hurried
	}
	return askTimeout
}

// do sends one request to one server. Each has a branch of its own.
func (p *Phones) do(draft ua.Draft, server Server, patience time.Duration) (*sip.Response, error) {
	req, err := draft.Request()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	res, err := p.o.Core.Do(ctx, req, remotePBX(), server, nil)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("it does not answer")
	}
	return res, err
}

func remotePBX() policy.Peer {
	return policy.Peer{Side: policy.SideOutside, Name: policy.PeerRemotePBX}
}

// draft writes the REGISTER for the PBX. Its CSeq is the phone's, under a Call-ID of ours for the phone's own, so that
// the PBX can order them (RFC 3261 §10.2.4).
func (p *Phones) draft(in *ua.Incoming, w wish, hops int, l ua.Local) ua.Draft {
	p.mu.Lock()
	domain, least := p.config.Policy.Domain, max(p.least, leastAsked)
	p.mu.Unlock()
	own := sip.Uri{Scheme: "sip", User: in.To().Address.User, Host: domain}
	from := sip.Uri{Scheme: "sip", User: in.From().Address.User, Host: domain}
	d := ua.Draft{
		Method: sip.REGISTER, URI: "sip:" + domain, From: from.String(), To: own.String(), FromTag: ua.NewTag(),
		CallID: p.sealed("call", w.user, in.CallID().Value())[:32], Seq: in.CSeq().SeqNo, Local: l, MaxForwards: hops,
	}
	for _, c := range w.contacts {
		expires := c.expires
		if expires > 0 {
			expires = max(expires, least)
		}
		d.Headers = append(d.Headers, sip.NewHeader("Contact", c.value(l, expires)))
	}
	if w.all {
		d.Headers = append(d.Headers, sip.NewHeader("Contact", "*"), sip.NewHeader("Expires", "0"))
	}
	d.Headers = append(d.Headers, ua.Proofs(in)...)
	return d
}
