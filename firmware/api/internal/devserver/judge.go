package main

import (
	"strings"
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/policy"
)

// judge lets the page's tests ask about calls: premium numbers are closed.
type judge struct{}

// Try refuses premium numbers.
func (judge) Try(r api.TryRequest) (api.TryResult, error) {
	if !strings.HasPrefix(r.Number, "089") {
		return api.TryResult{Goes: true, Number: r.Number, Class: "national", Country: "FR", Route: "france", Trunk: "carrier-a", At: time.Now(), Rule: "admission.classes",
			Steps: []api.Step{{Rule: "admission.classes", Says: "allows", Why: "national number " + r.Number + " is open"}}}, nil
	}
	return api.TryResult{Number: r.Number, Class: "premium", Country: "FR", Trunk: "carrier-a", At: time.Now(), Status: 403, Rule: "admission.classes",
		Reason: "premium number " + r.Number + ": admission.classes does not list premium", Steps: []api.Step{
			{Rule: "admission.rules[hotline]", Says: "ignores", Why: "rule 1, hotline, does not fit: another caller"},
			{Rule: "admission.classes", Says: "refuses", Why: "premium number " + r.Number + ": admission.classes does not list premium"},
		}}, nil
}

// Rehearse finds a call that a policy which reads would have refused.
func (judge) Rehearse(doc []byte) (api.Rehearsal, error) {
	if _, err := policy.Parse(doc); err != nil {
		return api.Rehearsal{}, err
	}
	since := time.Now().Add(-9 * 24 * time.Hour)
	return api.Rehearsal{Calls: 812, Since: &since, Blocked: 1, Refused: []api.RehearsedCall{{
		At: time.Now().Add(-26 * time.Hour), From: "103", To: "+33899123456", Trunk: "carrier-a", Rule: "admission.classes",
		Reason: "premium number +33899123456: admission.classes does not list premium",
	}}}, nil
}
