package cli

import (
	"bytes"
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/policy"
)

// judge refuses one number and lets others go.
type judge struct{}

// Try tells what was asked.
func (judge) Try(r api.TryRequest) (api.TryResult, error) {
	if r.Trunk == "gone" {
		return api.TryResult{}, &api.Conflict{Detail: `There is no trunk named "gone".`, Remedy: "Name one of the policy's trunks, or none."}
	}
	result := api.TryResult{Goes: true, Number: "+33123456789", Class: "national", Country: "FR", Route: "france", Trunk: "carrier-a", Rule: "admission.classes",
		Steps: []api.Step{{Rule: "admission.classes", Says: "allows", Why: "national number +33123456789 is open"}}}
	if r.Number == "0899123456" && r.From == "101" && r.At != nil && r.At.Local().Format("2006-01-02 15:04") == "2026-12-24 21:00" && r.Via == "redirected" {
		result = api.TryResult{Status: 403, Reason: "premium number +33899123456: rule 3, night, denies it at this time", Rule: "admission.rules[night]",
			Steps: []api.Step{{Rule: "admission.rules", Says: "ignores", Why: "2 rules are about other destinations"}, {Rule: "admission.rules[night]", Says: "refuses", Why: "rule 3, night, denies it"}}}
	}
	return result, nil
}

// Rehearse knows three calls, and a policy that says strict refuses one of them.
func (judge) Rehearse(doc []byte) (api.Rehearsal, error) {
	if _, err := policy.Parse(doc); err != nil {
		return api.Rehearsal{}, err
	}
	at := time.Date(2026, 11, 20, 9, 30, 0, 0, time.Local)
	r := api.Rehearsal{Calls: 812, Since: &at}
	if bytes.Contains(doc, []byte("strict")) {
		r.Blocked, r.Refused = 102, []api.RehearsedCall{{At: at, From: "101", To: "+33899123456", Rule: "admission.classes", Reason: "premium number +33899123456: admission.classes does not list premium"}}
	}
	return r, nil
}
