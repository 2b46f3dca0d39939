package access

import "tollgate/firmware/policy"

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
	RuleStaleNonce      = "stale nonce"    // an old nonce or one used before: normal now and then
	RuleWrongDigest     = "wrong digest"
	RuleBanned          = "banned"
	RuleNotRegistered   = "not registered" // a phone that has not registered through the box
	RuleTooMuch         = "too many requests"
	RuleChallengeFailed = "challenge failed" // the box could not make a challenge
)

// Verdict is who speaks and what to do.
type Verdict struct {
	Action    Action
	Peer      policy.Peer // the peer the source belongs to; zero when unknown
	Status    int         // with Challenge and Refuse
	Reason    string      // a sentence for the administrator
	Rule      string      // one of the rules above; with Accept that which an emergency call broke, mostly ""
	Challenge []string    // values of WWW-Authenticate, or of Proxy-Authenticate when ProxyAuth
	// With RuleWrongDigest: the user that was tried, and whether the answer was to a challenge that had been sent to its source.
	User   string
	Proven bool

	ProxyAuth bool // false: the box is the user agent that is called (RFC 3261 §22.2)
}
