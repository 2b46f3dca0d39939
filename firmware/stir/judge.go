package stir

import (
	"crypto/x509"
	"slices"
	"time"
)

// Bounds of what comes with one call.
const (
	maxDiversions = 5
	maxFields     = maxDiversions + 3 // some may be of kinds that are not judged here
	// maxRinging is how long a number that sends a call on may have rung before: so much older may be what came to it.
	maxRinging = 5 * time.Minute
)

// Presented are the signatures that came with a call, in the order of its way: that of the caller, then one for each
// number that has sent it on.
type Presented struct{ way []token }

// Call is what the signatures have to be about. Numbers are in canonical form.
type Call struct {
	Orig string // who calls, as it is shown
	Dest string // who is called here
	// ID tells this call from others: with it one signature may come twice, as when the caller is asked to come again.
	ID string
}

// Read reads the values of a request's Identity fields; the verdict says why they prove nothing, and is nil when they have
// to be looked at further.
func Read(fields []string) (Presented, *Verdict) {
	if len(fields) == 0 {
		return Presented{}, faultf(StatusMissing, "the call is not signed").verdict()
	}
	if len(fields) > maxFields {
		return Presented{}, faultf(StatusInvalid, "the call has %d signatures", len(fields)).verdict()
	}
	var first, diverted []token
	for _, f := range fields {
		t, err := readToken(f)
		switch {
		case err != nil:
			return Presented{}, faultf(StatusInvalid, "a signature cannot be read: %v", err).verdict()
		case !t.known(): // RFC 8224 §6.2: as if it were not there
		case t.header.PPT == kindDiv:
			diverted = append(diverted, t)
		default:
			first = append(first, t)
		}
	}
	if len(first)+len(diverted) == 0 {
		return Presented{}, faultf(StatusMissing, "the call has no signature of a kind that is judged here").verdict()
	}
	if len(first) != 1 || len(diverted) > maxDiversions {
		return Presented{}, faultf(StatusInvalid, "the call has %d signatures of callers and %d of diversions", len(first), len(diverted)).verdict()
	}
	way, whole := wayOf(first[0], diverted)
	if !whole {
		return Presented{}, faultf(StatusInvalid, "the signatures of the numbers that have sent the call on do not follow one another").verdict()
	}
	return Presented{way}, nil
}

// wayOf puts diversions into the order in which they were made: each is of a number that the one before it was for
// (RFC 8946 §6).
func wayOf(first token, diverted []token) (way []token, whole bool) {
	way = []token{first}
	for len(diverted) > 0 {
		last := way[len(way)-1]
		next := slices.IndexFunc(diverted, func(t token) bool {
			return slices.ContainsFunc(last.Dest, func(n string) bool { return same(n, t.Div) })
		})
		if next < 0 {
			return nil, false
		}
		way = append(way, diverted[next])
		diverted = slices.Delete(diverted, next, next+1)
	}
	return way, true
}

// Check tells what can be told without a certificate: nil when nothing is wrong so far (RFC 8224 §6.2).
func (p Presented) Check(c Call, now time.Time) *Verdict {
	last := p.way[len(p.way)-1]
	for i, t := range p.way {
		if f := t.checkForm(); f != nil {
			return f.verdict()
		}
		if !same(t.Orig, p.way[0].Orig) {
			return faultf(StatusInvalid, "the signatures are not of one caller").verdict()
		}
		if i+1 < len(p.way) {
			if age := p.way[i+1].Issued.Sub(t.Issued); age > maxRinging || age < -Freshness {
				return faultf(StatusStale, "a signature is older than the call that was sent on").verdict()
			}
		}
	}
	switch age := now.Sub(last.Issued); {
	case age > Freshness:
		return faultf(StatusStale, "the signature is %s old", age.Round(time.Second)).verdict()
	case age < -Freshness:
		return faultf(StatusStale, "the signature is of a time that is %s ahead", (-age).Round(time.Second)).verdict()
	case !same(last.Orig, c.Orig):
		return faultf(StatusInvalid, "the signature is for calls from +%s", last.Orig).verdict()
	case !slices.ContainsFunc(last.Dest, func(n string) bool { return same(n, c.Dest) }):
		return faultf(StatusInvalid, "the signature is for calls to +%s", last.Dest[0]).verdict()
	}
	return nil
}

// URLs are where the certificates are, each once. Check has found nothing wrong with them.
func (p Presented) URLs() []string {
	var list []string
	for _, t := range p.way {
		if !slices.Contains(list, t.info) {
			list = append(list, t.info)
		}
	}
	return list
}

// Judge comes to the verdict about a call that Check has found nothing wrong with. chains are the certificates by their URL,
// anchors the authorities that count, seen what was judged before.
func (p Presented) Judge(c Call, chains map[string][]*x509.Certificate, anchors *x509.CertPool, seen *Seen, now time.Time) Verdict {
	for _, t := range p.way {
		if f := t.judge(chains[t.info], anchors, now); f != nil {
			return *f.verdict()
		}
	}
	last := p.way[len(p.way)-1]
	if !seen.note(last.signed, c.ID, now) {
		return *faultf(StatusInvalid, "the signature was used by another call before").verdict()
	}
	return Verdict{Result: Passed, Attest: p.way[0].Attest}
}

// judge checks one PASSporT against its certificate.
func (t *token) judge(chain []*x509.Certificate, anchors *x509.CertPool, now time.Time) *fault {
	if f := checkChain(chain, anchors, now); f != nil {
		return f
	}
	who, err := authorityOf(chain[0])
	if err != nil {
		return faultf(StatusUnsupported, "%v", err)
	}
	speaks := t.Orig
	if t.Div != "" {
		speaks = t.Div
	}
	switch {
	case !who.Covers(speaks):
		return faultf(StatusUnsupported, "its certificate does not speak for +%s", speaks)
	case !t.verify(chain[0]):
		return faultf(StatusInvalid, "the signature does not fit what it signs")
	}
	return nil
}
