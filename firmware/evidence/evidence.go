// Package evidence puts together what a carrier or the police are handed after a fraud or about one call: a zip with the records of
// the calls and why each was let through, the alarms, the refusals, the policy's revisions of that time, an index that can be read in
// English and French, the SHA-256 of each file, and the signature of the box over those.
//
// The same records make the same octets: nothing of the moment goes in. It leaves to others which records there are, to keep secrets
// out of them, and to hand the zip over.
package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tollgate/firmware/api"
)

// Names of files in the zip.
const (
	SumsFile        = "SHA256SUMS"
	SignatureFile   = "SHA256SUMS.sig"
	CertificateFile = "box.pem"
)

// Case is what a zip is about.
type Case struct {
	Serial    string
	Release   string
	Zone      *time.Location // of the office
	Calls     []api.EndedCall
	Alarms    []api.FraudAlarm
	Refusals  []api.Refusal
	Revisions []Revision // newest first
}

// Revision is one of the policy that was in force from a moment on.
type Revision struct {
	Number uint64    `json:"number"`
	From   time.Time `json:"from"`
}

// Signer is the box's key; certs.Authority satisfies it.
type Signer interface {
	// CA returns the certificate of the key in PEM and its SHA-256 fingerprint.
	CA() (pem []byte, fingerprint string)
	// Sign returns a signature over a text, the same for the same text: ECDSA over its SHA-256, in DER.
	Sign(text []byte) ([]byte, error)
}

// Empty tells whether a case has nothing to show.
func (c Case) Empty() bool { return len(c.Calls)+len(c.Alarms)+len(c.Refusals) == 0 }

// OfCall is what of a case belongs to one call: the call itself, and what was found out by a call of the same two ends while it was there.
func (c Case) OfCall(id string) Case {
	at := slices.IndexFunc(c.Calls, func(e api.EndedCall) bool { return e.Call.ID == id })
	if at < 0 {
		return Case{}
	}
	e := c.Calls[at]
	during := func(t time.Time) bool { return !t.Before(e.Call.Started.Add(-time.Minute)) && !t.After(e.Ended) }
	c.Calls, c.Refusals = []api.EndedCall{e}, nil
	c.Alarms = slices.DeleteFunc(slices.Clone(c.Alarms), func(a api.FraudAlarm) bool {
		return !during(a.At) || a.Caller != e.Call.From && a.To != e.Call.To
	})
	return c.inForce()
}

// OfFraud is what of a case belongs to fraud: the alarms, the calls of those whom they name or to where they name, and what was refused
// for it.
func (c Case) OfFraud() Case {
	named := func(from, to string) bool {
		return slices.ContainsFunc(c.Alarms, func(a api.FraudAlarm) bool { return a.Caller == from || a.To == to })
	}
	c.Calls = slices.DeleteFunc(slices.Clone(c.Calls), func(e api.EndedCall) bool { return !named(e.Call.From, e.Call.To) })
	c.Refusals = slices.DeleteFunc(slices.Clone(c.Refusals), func(r api.Refusal) bool { return !strings.HasPrefix(r.Rule, "fraud.") })
	return c.inForce()
}

// inForce leaves of the revisions those that were in force while something of the case happened.
func (c Case) inForce() Case {
	var when []time.Time
	for _, e := range c.Calls {
		when = append(when, e.Call.Started, e.Ended)
	}
	for _, a := range c.Alarms {
		when = append(when, a.At)
	}
	for _, r := range c.Refusals {
		when = append(when, r.At)
	}
	var kept []Revision
	if len(when) > 0 {
		first, last := slices.MinFunc(when, time.Time.Compare), slices.MaxFunc(when, time.Time.Compare)
		for _, r := range c.Revisions {
			if !r.From.After(last) {
				kept = append(kept, r)
			}
			if !r.From.After(first) {
				break
			}
		}
	}
	c.Revisions = kept
	return c
}

// Zip makes the zip of a case.
func Zip(c Case, s Signer) ([]byte, error) {
	c = c.inUTC()
	pem, fingerprint := s.CA()
	files := []file{{"index.txt", english.index(c, fingerprint)}, {"index.fr.txt", french.index(c, fingerprint)}}
	for _, part := range []struct {
		name  string
		value any
	}{{"calls.json", c.Calls}, {"alarms.json", c.Alarms}, {"refusals.json", c.Refusals}, {"policy.json", c.Revisions}} {
		text, err := json.MarshalIndent(part.value, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("write %s of the evidence: %w", part.name, err)
		}
		files = append(files, file{part.name, append(text, '\n')})
	}
	files = append(files, file{CertificateFile, pem})
	sums := sumsOf(files)
	signature, err := s.Sign(sums)
	if err != nil {
		return nil, fmt.Errorf("sign the evidence: %w", err)
	}
	return packed(append(files, file{SumsFile, sums}, file{SignatureFile, signature})), nil
}

type file struct {
	name string
	data []byte
}

// sumsOf lists the files as sha256sum(1) does.
func sumsOf(files []file) []byte {
	var b bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(f.data), f.name)
	}
	return b.Bytes()
}

// inUTC is the case with every time of its records in UTC, and lists where there are none.
func (c Case) inUTC() Case {
	c.Calls, c.Alarms = append([]api.EndedCall{}, c.Calls...), append([]api.FraudAlarm{}, c.Alarms...)
	c.Refusals, c.Revisions = append([]api.Refusal{}, c.Refusals...), append([]Revision{}, c.Revisions...)
	for i := range c.Calls {
		e := &c.Calls[i]
		e.Ended, e.Call.Started = e.Ended.UTC(), e.Call.Started.UTC()
		if at := e.Call.Answered; at != nil {
			utc := at.UTC()
			e.Call.Answered = &utc
		}
	}
	for i := range c.Alarms {
		c.Alarms[i].At = c.Alarms[i].At.UTC()
	}
	for i := range c.Refusals {
		c.Refusals[i].At = c.Refusals[i].At.UTC()
	}
	for i := range c.Revisions {
		c.Revisions[i].From = c.Revisions[i].From.UTC()
	}
	return c
}
