package notice

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/header"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

const (
	// patience is how long the last server that is left may take: a transaction lives no longer (64*T1).
	patience = 32 * time.Second
	// shortPatience is how long a server may be silent when somebody else could take the request.
	shortPatience = 5 * time.Second
	// avoidFailed is how long a server is tried last after it did not answer or could not be reached.
	avoidFailed = time.Minute
)

// verdict is what became of a request at one server.
type verdict struct {
	status int
	reason string
	next   bool // another party may do better
	failed bool // another server of the same party may
	silent bool // it did not answer, or could not be reached

	headers []sip.Header // for the one who asked
}

// avoid has a server tried last for a while that did not answer. A 503 may concern this one request.
func (v verdict) avoid(s Member) {
	if v.silent {
		s.Avoid(v.reason, avoidFailed)
	}
}

// deliver takes a request to one party after the other until one takes it or refuses it for good. fill completes what is
// sent to a party; when it tells false, nothing is sent at all.
func (e *errand) deliver(fill func(Party, *ua.Draft) bool) verdict {
	last := verdict{status: 503, reason: "nobody could be asked"}
	for i, p := range e.ways {
		if p.Away != "" {
			last = verdict{status: 480, reason: p.Away, next: true}
			continue
		}
		if e.unowned(p) {
			last = verdict{status: 403, reason: e.sender.String() + " is no number of trunk " + p.Peer.Name, next: true}
			continue
		}
		draft, account := e.draft(p)
		if !fill(p, &draft) {
			return verdict{status: 400}
		}
		last = e.deliverTo(p, draft, p.credentials(account), i+1 < len(e.ways))
		if last.status < 300 || !last.next && !e.urgent() {
			break
		}
	}
	return last
}

// deliverTo takes a request to one server of a party after the other. It is the same request for all of them, so that
// what was only slow does not become a second one (RFC 3263 §4.3).
func (e *errand) deliverTo(p Party, draft ua.Draft, credentials *ua.Credentials, others bool) verdict {
	var last verdict
	servers := p.servers()
	for i, s := range servers {
		req, err := draft.Request()
		if err != nil {
			return verdict{status: 404, reason: fmt.Sprintf("the number cannot be written as a URI: %v", err)}
		}
		ctx, cancel := context.WithTimeout(context.Background(), patienceWith(others || i+1 < len(servers)))
		req = header.Rewrite(req, p.Headers, policy.DirectionTo)
		res, err := e.desk.o.Core.Do(ctx, req, p.Peer, s, credentials)
		cancel()
		if last = *e.judge(p, res, err); !last.failed {
			return last
		}
		last.avoid(s)
	}
	return last
}

func patienceWith(others bool) time.Duration {
	if others {
		return shortPatience
	}
	return patience
}

// judge says what an answer, or its absence, means.
func (e *errand) judge(p Party, res *sip.Response, err error) *verdict {
	name := p.Peer.Name
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, sip.ErrTransactionTimeout):
		return &verdict{status: 504, reason: name + " does not answer", next: true, failed: true, silent: true}
	case err != nil:
		return &verdict{status: 503, reason: fmt.Sprintf("%s cannot be reached: %s", name, ua.Explain(err)), next: true, failed: true, silent: true}
	case res.IsSuccess():
		return &verdict{status: res.StatusCode}
	}
	if asked := e.asked(p, res); len(asked) > 0 {
		return &verdict{status: res.StatusCode, reason: name + " asks the phone for proof", headers: asked}
	}
	return &verdict{
		status: ua.PassedStatus(res.StatusCode), reason: fmt.Sprintf("%s answered %d %s", name, res.StatusCode, ua.Phrase(res.StatusCode)),
		next: ua.AnotherMayDoBetter(res.StatusCode), failed: res.StatusCode == 503,
	}
}

// servers are whom to ask, the best first.
func (p Party) servers() []Member {
	if len(p.Members) == 0 {
		return []Member{only{p.Path}}
	}
	return p.Members
}

// only is the one way to a party that has no choice of servers.
type only struct{ ua.Path }

// Avoid does nothing: there is no other.
func (only) Avoid(string, time.Duration) {}

// ConnFor is Conn for a message of this many bytes.
func (o only) ConnFor(ctx context.Context, size int) (sip.Connection, error) {
	return ua.ConnFor(ctx, o.Path, size)
}

func (p Party) credentials(a policy.Account) *ua.Credentials {
	if p.Credentials == nil {
		return nil
	}
	return p.Credentials(a)
}

// mediaType cuts a Content-Type into its type, in lower case, and its parameters.
func mediaType(value string) (kind, params string) {
	kind, params, _ = strings.Cut(value, ";")
	return strings.ToLower(strings.TrimSpace(kind)), params
}
