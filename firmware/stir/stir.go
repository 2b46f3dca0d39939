// Package stir signs who calls and judges such signatures: STIR (RFC 8224, 8225, 8226) with the profile of SHAKEN
// (RFC 8588) and the diversions of RFC 8946. Keys are of P-256 and the algorithm is ES256, nothing else.
//
//	out  Passport ── Signer.Sign ──► the value of an Identity field
//
//	in   Identity fields ── Read ──► Presented ── Check (numbers, times, kinds) ──► URLs ── somebody fetches ──► Judge
//	                                                                                              │
//	                                                          chain, TNAuthList, signature, replay ┴──► Verdict
//
// What is wrong already before a certificate is looked at is found by Check, so that nobody makes the box fetch anything
// for a signature that cannot be right.
//
// It leaves to others: fetching certificates (fetch), whom a call shows (call), what becomes of one whose signature is wrong
// (policy, call). It does no input or output; the moment is passed in.
package stir

import (
	"fmt"
	"time"
)

// Freshness is how far the time of a signature may be from the clock here (RFC 8224 §6.2.2; RFC 8225 §9).
const Freshness = 60 * time.Second

// Attestation is what the signer knows of the caller (RFC 8588 §4).
type Attestation string

// The attestations.
const (
	Full    Attestation = "A" // the caller is known and may show the number
	Partial Attestation = "B" // the caller is known, whether the number is his is not
	Gateway Attestation = "C" // the call only passes here
)

// Attest is the rule by which a call is signed. identified tells that it comes from somebody whom the box knows, owned that
// the number shown is one of its trunk's.
func Attest(identified, owned bool) Attestation {
	switch {
	case !identified:
		return Gateway
	case !owned:
		return Partial
	}
	return Full
}

// Result is what was found of a call's signature.
type Result string

// The results.
const (
	Passed   Result = "passed"   // it is right
	Failed   Result = "failed"   // it is wrong
	Unsigned Result = "unsigned" // there is none of a kind that is judged here
	Unknown  Result = "unknown"  // it could not be judged
)

// Verdict is what came of looking at a call's signatures.
type Verdict struct {
	Result Result
	Attest Attestation // that the signer of the call gave; "" unless passed
	Status int         // what a refusal says (RFC 8224 §6.2.2); 0 when passed, or when nobody could tell
	Reason string      // a sentence; "" when passed
}

// Verstat is the verdict in the words of 3GPP TS 24.229 §7.2A.20 and ATIS-1000074. Only a signer who knows that the number
// is the caller's makes it a plain TN-Validation-Passed: behind B and C a telephone must not show that the number is right.
func (v Verdict) Verstat() string {
	switch {
	case v.Result == Passed && v.Attest == Full:
		return "TN-Validation-Passed"
	case v.Result == Passed:
		return "TN-Validation-Passed-" + string(v.Attest)
	case v.Result == Failed:
		return "TN-Validation-Failed"
	}
	return "No-TN-Validation"
}

// Statuses of RFC 8224 §6.2.2.
const (
	StatusStale       = 403 // Stale Date
	StatusMissing     = 428 // Use Identity Header
	StatusInfo        = 436 // Bad Identity Info
	StatusUnsupported = 437 // Unsupported Credential
	StatusInvalid     = 438 // Invalid Identity Header
)

// fault is why a signature is not accepted.
type fault struct {
	status int
	reason string
}

func (f *fault) Error() string { return f.reason }

func faultf(status int, format string, args ...any) *fault {
	return &fault{status, fmt.Sprintf(format, args...)}
}

// verdict is what becomes of a fault.
func (f *fault) verdict() *Verdict {
	r := Failed
	if f.status == StatusMissing {
		r = Unsigned
	}
	return &Verdict{Result: r, Status: f.status, Reason: f.reason}
}

// Undecided is the verdict about a signature that could not be judged, with the reason.
func Undecided(reason string) Verdict { return Verdict{Result: Unknown, Reason: reason} }

// Unreachable is the verdict about a signature whose certificate could not be had (RFC 8224 §6.2.2).
func Unreachable(reason string) Verdict {
	return *faultf(StatusInfo, "%s", reason).verdict()
}
