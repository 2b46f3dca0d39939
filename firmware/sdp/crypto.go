package sdp

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"tollgate/firmware/policy"
)

// Crypto is one a=crypto line: a key that its author encrypts with (RFC 4568). It prints without the key.
type Crypto struct {
	Tag   int // 1 to 999999999
	Suite policy.Suite
	Key   []byte // master key and, after it, master salt
	// MKI is the master key identifier that each packet under this key carries; nil, as in every line of ours, when
	// packets carry none. Reading a line with one is lenience: phones send them.
	MKI []byte
	// Lifetime is how many packets the key is good for, 0 when not said. RFC 4568 §6.1: it may be ignored by a
	// receiver who does not re-key.
	Lifetime uint64
}

// RefusedCrypto is an a=crypto line that cannot be used, with the reason.
type RefusedCrypto struct {
	Tag    int    // 0 when it could not be read
	Suite  string // as written
	Reason string // a sentence without any key
}

// WhyRefused tells which a=crypto lines could not be used and why, in the form of a clause behind a sentence; "" when all
// could.
func (a *Audio) WhyRefused() string {
	var b strings.Builder
	for _, r := range a.Refused {
		fmt.Fprintf(&b, "; crypto line %d for %s: %s", r.Tag, cmp.Or(r.Suite, "(no suite)"), r.Reason)
	}
	return b.String()
}

// Format makes every fmt verb print the line without its key.
func (c Crypto) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "crypto %d %s ***", c.Tag, c.Suite) }

// LogValue makes slog print the line without its key.
func (c Crypto) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// KeyLength returns how many bytes the master key and salt of a suite have together (RFC 4568 §6.2, RFC 6188 §4,
// RFC 7714 §12), 0 for a suite that Tollgate does not know.
func KeyLength(s policy.Suite) int {
	switch s {
	case policy.SuiteAESCM128SHA180, policy.SuiteAESCM128SHA132:
		return 16 + 14
	case policy.SuiteAES256CMSHA180, policy.SuiteAES256CMSHA132:
		return 32 + 14
	case policy.SuiteAEADAES128GCM:
		return 16 + 12
	case policy.SuiteAEADAES256GCM:
		return 32 + 12
	}
	return 0
}

// NewCrypto makes a fresh key for a leg of ours. Each leg and each direction gets its own (RFC 4568 §6.1).
func NewCrypto(tag int, s policy.Suite, random io.Reader) (Crypto, error) {
	if KeyLength(s) == 0 {
		return Crypto{}, fmt.Errorf("sdp: no crypto suite is called %q", s)
	}
	c := Crypto{Tag: tag, Suite: s, Key: make([]byte, KeyLength(s))}
	if _, err := io.ReadFull(random, c.Key); err != nil {
		return Crypto{}, fmt.Errorf("sdp: drawing a key: %w", err)
	}
	return c, nil
}

// Choose picks the line of an offer to accept: the first suite of allowed that is offered, without an MKI if there is a
// choice. It reports false when none fits, and then the call is not encrypted or, where it must be, not made.
func Choose(offered []Crypto, allowed []policy.Suite) (Crypto, bool) {
	for _, suite := range allowed {
		var found *Crypto
		for i := range offered {
			if c := &offered[i]; c.Suite == suite && (found == nil || found.MKI != nil && c.MKI == nil) {
				found = c
			}
		}
		if found != nil {
			return *found, true
		}
	}
	return Crypto{}, false
}

// Accepted returns the peer's key from its answer to our offer. RFC 4568 §5.1.2 has the answer repeat tag and suite of
// exactly one offered line; phones exist that answer with a suite nobody offered, so both are checked.
func Accepted(offered []Crypto, answer *Audio) (Crypto, error) {
	if n := len(answer.Cryptos); n != 1 {
		return Crypto{}, unacceptable(0, "the answer has %d usable crypto lines instead of one (RFC 4568 §5.1.2)%s", n, answer.WhyRefused())
	}
	theirs := answer.Cryptos[0]
	ours, ok := Tagged(offered, theirs.Tag)
	switch {
	case !ok:
		return Crypto{}, unacceptable(0, "the answer accepts crypto line %d, which was not offered", theirs.Tag)
	case ours.Suite != theirs.Suite:
		return Crypto{}, unacceptable(0, "the answer to crypto line %d is for %s, but %s was offered",
			theirs.Tag, theirs.Suite, ours.Suite)
	case bytes.Equal(ours.Key, theirs.Key):
		// One key in both directions would use the same key stream twice.
		return Crypto{}, unacceptable(0, "the answer to crypto line %d sends our own key back", theirs.Tag)
	}
	return theirs, nil
}

// Tagged returns the line with a tag.
func Tagged(cs []Crypto, tag int) (Crypto, bool) {
	i := slices.IndexFunc(cs, func(c Crypto) bool { return c.Tag == tag })
	if i < 0 {
		return Crypto{}, false
	}
	return cs[i], true
}

// line returns the value of the a=crypto line, with the key. Ours have no lifetime and no MKI: the defaults are what
// every implementation takes.
func (c Crypto) line() string {
	return fmt.Sprintf("%d %s inline:%s", c.Tag, c.Suite, base64.StdEncoding.EncodeToString(c.Key))
}
