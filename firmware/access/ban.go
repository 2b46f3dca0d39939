package access

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Ban is a source that may do nothing until it ends.
type Ban struct {
	Source  netip.Prefix `json:"source"`
	Rule    Offence      `json:"rule"`   // the offence that was too much
	Reason  string       `json:"reason"` // a sentence for the administrator
	Since   time.Time    `json:"since"`
	Until   time.Time    `json:"until"`  // zero: for ever, which only people ban
	Times   int          `json:"times"`  // how often the source has been banned in a row, this one included
	Who     string       `json:"who"`    // who has banned it; empty: the box itself
	Proven  bool         `json:"proven"` // on evidence that nobody can have forged
	Watched bool         `json:"-"`      // the policy only watches: nothing is done about it
}

// Ended tells whether the ban is over.
func (b Ban) Ended(now time.Time) bool { return !b.Until.IsZero() && !now.Before(b.Until) }

// widest is how many addresses people may ban at once: a /8 of IPv4, a /16 of IPv6.
func widest(a netip.Addr) int {
	if a.Is4() {
		return 8
	}
	return 16
}

// The longest word of an administrator that is kept, in bytes.
const maxReason = 200

// ByHand is the ban that an administrator asks for; a duration of 0 is for ever.
func ByHand(now time.Time, source netip.Prefix, reason, who string, d time.Duration) (Ban, error) {
	switch {
	case !source.IsValid():
		return Ban{}, errors.New("the source is not an address")
	case source.Addr().Is4In6() || source.Addr().IsLoopback() || source.Addr().IsUnspecified() || source.Addr().IsMulticast():
		return Ban{}, fmt.Errorf("%s is no address that packets come from", source)
	case source.Bits() < widest(source.Addr()):
		return Ban{}, fmt.Errorf("%s is too wide: /%d is the widest", source, widest(source.Addr()))
	case d < 0:
		return Ban{}, errors.New("the ban would have ended before it begins")
	case len(reason) > maxReason:
		return Ban{}, fmt.Errorf("the reason is longer than %d bytes", maxReason)
	}
	b := Ban{Source: source.Masked(), Rule: OffenceByHand, Reason: reason, Since: now, Times: 1, Who: who}
	if d > 0 {
		b.Until = now.Add(d)
	}
	return b, nil
}
