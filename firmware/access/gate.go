// Package access decides who speaks.
package access

import (
	"io"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// Source is where a SIP message came from.
type Source struct {
	Side      policy.Side
	Transport policy.Transport
	Addr      netip.AddrPort
	Dialled   string // name of the peer when the box itself opened this connection, else ""
}

// Action is what to do with a request.
type Action string

// The actions.
const (
	Accept    Action = "accept"    // hand it on as Verdict.Peer's
	Challenge Action = "challenge" // answer Status with the challenges
	Refuse    Action = "refuse"    // answer Status
	Drop      Action = "drop"      // no answer at all
)

// The rules a Verdict names.
const (
	RuleUnknownSource   = "unknown source"
	RuleWrongTransport  = "wrong transport"
	RuleNoRegistrar     = "no registrar"
	RuleNoCredentials   = "no credentials" // a first challenge: normal
	RuleStaleNonce      = "stale nonce"    // an old or replayed nonce: normal now and then
	RuleWrongDigest     = "wrong digest"
	RuleChallengeFailed = "challenge failed" // the box could not make a challenge
)

// Verdict is who speaks and what to do.
type Verdict struct {
	Action    Action
	Peer      policy.Peer // the peer the source address belongs to; zero when unknown
	Status    int         // with Challenge and Refuse
	Reason    string      // a sentence for the administrator
	Rule      string      // one of the rules above; "" with Accept
	Challenge []string    // values of WWW-Authenticate, or Proxy-Authenticate when ProxyAuth
	ProxyAuth bool
}

// Gate knows the peers of the policy in force. It is safe for concurrent use.
type Gate struct{}

// New makes the gate of p.
func New(p *policy.Policy, random io.Reader) *Gate { return &Gate{} }

// Set puts the peers of p into force.
func (g *Gate) Set(p *policy.Policy) {}

// SetResolved replaces the addresses that a trunk's registrar and outbound proxy resolve to.
func (g *Gate) SetResolved(trunk string, addrs []netip.Addr) {}

// Known tells whether the source address is a configured peer's on this side.
func (g *Gate) Known(s Source) bool { return false }

// Belongs tells whether the source is one of this very peer's, as requests within a dialog must be.
func (g *Gate) Belongs(s Source, peer policy.Peer) bool { return false }

// Identify says who sent req.
func (g *Gate) Identify(now time.Time, s Source, req *sip.Request) Verdict {
	return Verdict{Action: Drop, Rule: RuleUnknownSource}
}
