package call

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/ua"
)

// Member is one of the servers that take the calls of a peer.
type Member interface {
	ua.Path
	// Avoid has the server tried last for a while, because of why.
	Avoid(why string, d time.Duration)
}

const (
	// silenceTimeout is how long a server may say nothing at all to an INVITE when somebody else could take the call.
	// Four copies of it are under way over UDP by then; Timer B would make the caller wait 32 s (RFC 3261 §17.1.1.2).
	silenceTimeout = 5 * time.Second
	// avoidFailed is how long a server is tried last after it did not answer or could not be reached.
	avoidFailed = time.Minute
	// longestAvoid bounds the Retry-After of a server.
	longestAvoid = 5 * time.Minute
)

// silence is a note: this INVITE was to be heard of by now, and not by 100 Trying alone if it was to ring.
type silence struct {
	invite *ua.Outgoing
	ring   bool
}

// tryMembers calls one server of the target after the other until one takes the call, refuses it or the servers are used
// up (RFC 3263 §4.3). others tells that another target remains.
func (s *Session) tryMembers(party *Party, others bool) outcome {
	s.before = nil
	if len(party.Members) == 0 {
		s.hurry = others
		return s.tryParty(party)
	}
	var o outcome
	for i, m := range party.Members {
		s.hurry = others || i+1 < len(party.Members)
		p := new(Party)
		*p = *party
		p.Path = keptMember{m, party.Path}
		o = s.tryParty(p)
		if o.avoid > 0 {
			m.Avoid(o.reason, o.avoid)
		}
		if !o.elsewhere || o.told {
			break
		}
		s.before = s.callee.Dialog
		s.log.Info("server failed", "target", party.Peer.Name, "reason", o.reason, "left", len(party.Members)-i-1)
	}
	s.before = nil
	return o
}

// keptMember is the path to the server that has the call; when it cannot be reached any more, any other of the peer's.
type keptMember struct {
	member Member
	rest   ua.Path
}

func (p keptMember) Conn(ctx context.Context) (sip.Connection, error) { return p.ConnFor(ctx, 0) }

// ConnFor is Conn for a message of this many bytes.
func (p keptMember) ConnFor(ctx context.Context, size int) (sip.Connection, error) {
	c, err := ua.ConnFor(ctx, p.member, size)
	if err == nil {
		return c, nil
	}
	// A call that is being set up tries the next server itself; within a call there is nobody else to ask.
	if _, settingUp := ctx.Value(settingUp{}).(bool); settingUp {
		return nil, err
	}
	return ua.ConnFor(ctx, p.rest, size)
}

// settingUp marks the context of a call's first INVITE.
type settingUp struct{}

// patience is how long a connection for the call's first INVITE may take.
func (s *Session) patience() time.Duration {
	if s.hurry {
		return silenceTimeout
	}
	return connectTimeout
}

// repeat makes the draft the same request as the one a server before has not taken: what was sent there and is still on
// its way cannot become a second call (RFC 3263 §4.3, RFC 3261 §8.2.2.2).
func (s *Session) repeat(d *ua.Draft) {
	if s.before != nil {
		d.CallID, d.FromTag, d.Seq = s.before.CallID, s.before.LocalTag, s.before.LocalSeq
		s.before = nil // a further attempt at this server is another request
	}
}

// watchSilence posts a note when nothing has been heard of an INVITE in time, while somebody else is left to ask; one for
// help has to ring as well. The result stops it.
func (s *Session) watchSilence(invite *ua.Outgoing, others, help bool) (stop func() bool) {
	if !others {
		return func() bool { return true }
	}
	heard := time.AfterFunc(silenceTimeout, func() { s.inbox.Post(silence{invite: invite}) })
	if !help {
		return heard.Stop
	}
	rings := time.AfterFunc(stallTimeout, func() { s.inbox.Post(silence{invite: invite, ring: true}) })
	return func() bool { rings.Stop(); return heard.Stop() }
}

func isSilence(note any) bool { _, ok := note.(silence); return ok }

// isSilent tells whether a note is about the leg's INVITE and true.
func (l *Leg) isSilent(note any) bool {
	n, ok := note.(silence)
	return ok && n.invite == l.invite && (!n.invite.Heard() || n.ring && !l.rang)
}

// leave gives a silent server up.
func (l *Leg) leave(quit giveUp) outcome {
	l.gone = true
	l.invite.Abandon()
	if quit.asked {
		return quit.outcome
	}
	return outcome{tryNext: true, elsewhere: true, avoid: avoidFailed, status: 504, reason: l.Party.Peer.Name + " does not answer"}
}

// retryAfter is how long a server wants to be left alone (RFC 3261 §20.33); without a word it is not avoided, since a
// 503 may concern this one call.
func retryAfter(res *sip.Response) time.Duration {
	h := field.All(res, "Retry-After")
	if res.StatusCode != 503 || len(h) == 0 {
		return 0
	}
	digits, _, _ := strings.Cut(strings.TrimSpace(h[0].Value()), ";")
	digits, _, _ = strings.Cut(digits, "(")
	n, err := strconv.Atoi(strings.TrimSpace(digits))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(min(n, 86400))*time.Second, longestAvoid)
}

// upFirst puts trunks that are down behind the others and keeps the order otherwise. None is left out: what is thought
// to be down may be up again, and an emergency call tries everything.
func (s *Session) upFirst(targets []route.Target) []route.Target {
	up := make([]route.Target, 0, len(targets))
	var down []route.Target
	for _, t := range targets {
		if t.Peer.Side == policy.SideOutside && s.desk.o.Parties.Down(t.Peer.Name) {
			down = append(down, t)
			continue
		}
		up = append(up, t)
	}
	return append(up, down...)
}
