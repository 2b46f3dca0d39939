package access

import (
	"net/netip"
	"strings"

	"tollgate/firmware/policy"
)

// Offence is a kind of misbehaviour.
type Offence string

// The offences. What one of them weighs is for the policy to say.
const (
	OffenceMalformed      Offence = "malformed"      // a message that is no SIP
	OffenceStranger       Offence = "stranger"       // a message from where no peer is
	OffenceWrongPassword  Offence = "wrong password" // a digest that is wrong
	OffenceUnknownUser    Offence = "unknown user"   // a name that does not exist, or is refused; each name counts once
	OffenceScanner        Offence = "scanner"        // a program that looks for victims
	OffenceUnacknowledged Offence = "unacknowledged" // an INVITE that was refused and has not been acknowledged
	OffenceByHand         Offence = "banned by hand" // an administrator's word
)

// most is how many of an offence a source may commit within the policy's window.
func (o Offence) most(b policy.Bans) int {
	switch o {
	case OffenceMalformed:
		return b.Malformed
	case OffenceStranger:
		return b.Strangers
	case OffenceWrongPassword:
		return b.WrongPasswords
	case OffenceUnknownUser:
		return b.UnknownUsers
	case OffenceScanner:
		return b.Scanners
	}
	return b.Unacknowledged
}

// phrase is n of an offence in words.
func (o Offence) phrase() string {
	switch o {
	case OffenceMalformed:
		return "messages that are no SIP"
	case OffenceStranger:
		return "messages from where no peer is"
	case OffenceWrongPassword:
		return "wrong passwords"
	case OffenceUnknownUser:
		return "users tried that do not exist or are refused"
	case OffenceScanner:
		return "messages of a scanner"
	}
	return "refused calls that were not acknowledged"
}

// Deed is one act of misbehaviour.
type Deed struct {
	Offence Offence
	Side    policy.Side
	Source  netip.Addr
	Peer    bool   // a peer of the policy is at the source
	User    string // of OffenceUnknownUser
	// Proven says that nobody else can have sent it in the source's name: it came over a connection, whose handshake needs
	// an answer, or it answers a challenge that was sent there.
	Proven bool
}

// scanners begin what programs that look for victims call themselves, in lower case.
func scanners() []string {
	return []string{
		"friendly-scanner", "friendly-request", "sipvicious", "sundayddr", "sip-scan", "sipscan", "sipcli", "pplsip", "iwar", "vaxsipuseragent",
		"smap", "siparmyknife",
	}
}

// Scanner tells whether a User-Agent is that of a program that looks for victims. Most do not hide.
func Scanner(agent string) bool {
	agent = strings.ToLower(strings.TrimSpace(agent))
	if agent == "" {
		return false
	}
	for _, s := range scanners() {
		if strings.HasPrefix(agent, s) {
			return true
		}
	}
	return false
}
