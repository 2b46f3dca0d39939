package edge

import (
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/access"
	"tollgate/firmware/event"
	"tollgate/firmware/policy"
)

// The rules that edge itself names in event.SourceRefused; those of access.Verdict come besides.
const (
	ruleMalformed = "malformed"
	ruleHandshake = "tls handshake"
	ruleTooMany   = "too many connections"
	ruleSlow      = "slow message"
)

// outcome is what a message means for its stream.
type outcome uint8

const (
	fine outcome = iota // the message was in order
	bad                 // it was not, but the next one may be
	over                // no further message can be trusted
)

// receive takes one message that framing has cut out and the gate has judged.
func (e *Edge) receive(c *Conn, b []byte, s shape) outcome {
	if !e.inTime(c, b, s) {
		return bad
	}
	if s.fault.found() {
		return e.malformed(c, b, s.fault)
	}
	m, f, err := parse(e.parser, b, s)
	if err != nil {
		e.log.Debug("message not parsed", "peer", c, "err", err)
	}
	if f.found() {
		return e.malformed(c, b, f)
	}
	m.SetTransport(c.network())
	m.SetSource(c.remote.String())
	switch m := m.(type) {
	case *sip.Request:
		return e.request(c, m)
	case *sip.Response:
		e.handler(m, c, c.answerer())
	}
	return fine
}

// known tells whether anybody may speak from there: a peer that access knows, or one that the box itself has called at
// this address. It is asked before a byte is looked at.
func (e *Edge) known(s access.Source, o *owners) bool {
	if s.Dialled != "" || e.access.Known(s) {
		return true
	}
	if s.Transport.Stream() {
		return false
	}
	_, called := o.lookup(s.Side, s.Addr.Addr())
	return called
}

// unknown tells that something of a stranger was dropped.
func (e *Edge) unknown(s access.Source, b []byte) {
	method := methodName(b)
	e.note(s, offenceOf(b), "", s.Transport.Stream())
	e.teller.refused(s, refusal{rule: access.RuleUnknownSource, method: method, reason: "No peer of the policy has this address."})
}

// answerer is the peer that a response comes from.
func (c *Conn) answerer() policy.Peer {
	name := c.dialled
	if name == "" {
		name, _ = c.owners.lookup(c.side, c.remote.Addr())
	}
	return policy.Peer{Side: c.side, Name: name}
}

func (e *Edge) request(c *Conn, req *sip.Request) outcome {
	if !c.transport.Stream() {
		c.answerTo = responseTo(req.Via(), c.remote)
	}
	markVia(req.Via(), c.remote)
	if e.tagger.own(req) {
		e.acknowledged(c)
		return fine
	}
	e.noteAgent(c, req)
	v := e.access.Identify(time.Now(), c.source(), req)
	switch v.Action {
	case access.Accept:
		c.owners.learn(c.side, c.remote.Addr(), v.Peer.Name)
		if v.Rule != "" {
			e.teller.sink.Tell(event.EmergencyException{At: time.Now(), Rule: v.Rule, Reason: v.Reason})
		}
		e.handler(req, c, v.Peer)
		return fine
	case access.Challenge:
		e.challenge(c, req, v)
		return fine
	case access.Refuse:
		e.refuse(c, req, v)
		return fine
	}
	e.tell(c, req, v, 0)
	return bad
}

// challenge asks for credentials without keeping state.
func (e *Edge) challenge(c *Conn, req *sip.Request, v access.Verdict) {
	status, header := sip.StatusUnauthorized, "WWW-Authenticate"
	if v.ProxyAuth {
		status, header = sip.StatusProxyAuthRequired, "Proxy-Authenticate"
	}
	if v.Rule != access.RuleNoCredentials && v.Rule != access.RuleStaleNonce && v.Rule != "" {
		e.tell(c, req, v, status) // the first challenge of a request is no news
	}
	if v.Rule == access.RuleWrongDigest {
		e.noteWrong(c, v)
	}
	if req.IsAck() {
		return
	}
	e.noteOpen(c, req)
	res := e.tagger.reply(req, status)
	for _, value := range v.Challenge {
		res.AppendHeader(sip.NewHeader(header, value))
	}
	e.answer(c, res, challengeRatio)
}

func (e *Edge) refuse(c *Conn, req *sip.Request, v access.Verdict) {
	e.tell(c, req, v, v.Status)
	if !req.IsAck() {
		e.noteOpen(c, req)
		e.answer(c, e.tagger.reply(req, v.Status), 1)
	}
}

// challengeRatio is how much longer than a request the challenge to it may be: it names two algorithms.
const challengeRatio = 1.5

// answer sends an answer without state. In a datagram whose source may be forged it is at most ratio times as long as what
// it answers, so that nobody is hit harder by it than by its sender: what can be left out is, and if that is not enough,
// nothing is sent. Telephone systems, whose requests have hundreds of bytes, do not notice.
func (e *Edge) answer(c *Conn, res *sip.Response, ratio float64) {
	if most := ratio * float64(c.heard); !c.transport.Stream() && float64(len(res.String())) > most {
		res.RemoveHeader("Allow")
		if float64(len(res.String())) > most {
			e.log.Debug("answer not sent: it is longer than the request", "peer", c, "status", res.StatusCode)
			return
		}
	}
	if err := c.WriteMsg(res); err != nil {
		e.log.Debug("answer not sent", "peer", c, "status", res.StatusCode, "err", err)
	}
}

func (e *Edge) tell(c *Conn, req *sip.Request, v access.Verdict, status int) {
	e.teller.refused(c.source(), refusal{rule: v.Rule, reason: v.Reason, method: string(req.Method), status: status})
}

// malformed answers what is not SIP, when it may be answered, and tells.
func (e *Edge) malformed(c *Conn, b []byte, f fault) outcome {
	r := refusal{rule: ruleMalformed, reason: f.reason(), method: methodName(b)}
	if reply := e.tagger.rawReply(b, f, c.remote); reply != nil {
		r.status = f.status()
		if err := c.link.sendRaw(reply, c.remote); err != nil {
			e.log.Debug("answer not sent", "peer", c, "status", r.status, "err", err)
		}
	}
	e.teller.refused(c.source(), r)
	e.note(c.source(), access.OffenceMalformed, "", c.transport.Stream())
	if f.framing() {
		return over
	}
	return bad
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
