package stir

import (
	"errors"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// TNAuthList says for which numbers a certificate speaks (RFC 8226 §9).
type TNAuthList struct {
	Codes  []string // of operators; which numbers are theirs is not in the certificate
	Ranges []TNRange
}

// TNRange is a number and those that follow it, of the same length.
type TNRange struct {
	Start string // in canonical form
	Count int    // at least 1
}

// maxEntries bounds a list: what a call brings with it is read while the caller waits.
const maxEntries = 1000

// Covers tells whether the list speaks for a number in canonical form. A code of an operator speaks for all of them, since
// only the operator knows which ones it has given out.
func (l TNAuthList) Covers(number string) bool {
	if len(l.Codes) > 0 {
		return true
	}
	for _, r := range l.Ranges {
		if r.covers(number) {
			return true
		}
	}
	return false
}

func (r TNRange) covers(number string) bool {
	if r.Count == 1 {
		return number == r.Start
	}
	n, ok := new(big.Int).SetString(number, 10)
	start, whole := new(big.Int).SetString(r.Start, 10)
	if !ok || !whole || len(number) != len(r.Start) {
		return false
	}
	offset := n.Sub(n, start)
	return offset.Sign() >= 0 && offset.Cmp(big.NewInt(int64(r.Count))) < 0
}

// The choices of a TNEntry, which are tagged explicitly (RFC 8226 §9, appendix A).
const (
	tagCode  = 0
	tagRange = 1
	tagOne   = 2
)

// ParseTNAuthList reads the value of the extension id-pe-TNAuthList.
func ParseTNAuthList(der []byte) (TNAuthList, error) {
	bad := errors.New("for which numbers the certificate speaks cannot be read (TNAuthList)")
	input := cryptobyte.String(der)
	var entries cryptobyte.String
	if !input.ReadASN1(&entries, asn1.SEQUENCE) || !input.Empty() || entries.Empty() {
		return TNAuthList{}, bad
	}
	var l TNAuthList
	for count := 0; !entries.Empty(); count++ {
		var entry cryptobyte.String
		var tag asn1.Tag
		if count == maxEntries || !entries.ReadAnyASN1(&entry, &tag) || !l.add(&entry, tag) || !entry.Empty() {
			return TNAuthList{}, bad
		}
	}
	return l, nil
}

// add reads one entry; false when it is none.
func (l *TNAuthList) add(entry *cryptobyte.String, tag asn1.Tag) bool {
	context := func(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }
	switch tag {
	case context(tagCode):
		code, ok := readIA5(entry)
		l.Codes = append(l.Codes, code)
		return ok && code != ""
	case context(tagRange):
		var both cryptobyte.String
		var r TNRange
		if !entry.ReadASN1(&both, asn1.SEQUENCE) {
			return false
		}
		start, ok := readIA5(&both)
		if !ok || !both.ReadASN1Integer(&r.Count) || !both.Empty() || r.Count < 2 {
			return false
		}
		r.Start = Canonical(start)
		l.Ranges = append(l.Ranges, r)
		return r.Start != ""
	case context(tagOne):
		one, ok := readIA5(entry)
		l.Ranges = append(l.Ranges, TNRange{Start: Canonical(one), Count: 1})
		return ok && Canonical(one) != ""
	}
	return false
}

// readIA5 reads a text of a few characters.
func readIA5(from *cryptobyte.String) (string, bool) {
	const most = 64
	var value cryptobyte.String
	ok := from.ReadASN1(&value, asn1.IA5String) && len(value) <= most
	return string(value), ok
}
