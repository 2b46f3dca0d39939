package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"tollgate/firmware/admission"
	"tollgate/firmware/api"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
)

// judging answers what would become of calls.
type judging struct {
	box  *box
	past *pastCalls
}

// Try tells what would become of a call, and changes nothing.
func (j judging) Try(r api.TryRequest) (api.TryResult, error) {
	p, _, _ := j.box.config.Current()
	if p == nil {
		return api.TryResult{}, &api.Conflict{Detail: "There is no policy, and no call passes.", Remedy: "Import one first: the box is in set-up mode."}
	}
	plan, zone, err := planOf(p)
	if err != nil {
		return api.TryResult{}, err
	}
	a, err := attemptOf(p, plan, r)
	if err != nil {
		return api.TryResult{}, err
	}
	targets, name := []route.Target{{Peer: a.Caller}}, ""
	if a.Outward() {
		if targets, name = route.New(p, zone).Outbound(a.Number, a.At, rand.IntN); r.Trunk != "" {
			targets, name = []route.Target{{Peer: policy.Peer{Side: policy.SideOutside, Name: r.Trunk}}}, ""
		}
	}
	d := plan.Destination(a.Number)
	result := api.TryResult{Number: a.Number.String(), Class: string(d.Class), Country: d.Country, Route: name, At: a.At, Steps: []api.Step{}}
	if len(targets) == 0 {
		why := fmt.Sprintf("no route leads to %s", a.Number)
		result.Status, result.Rule, result.Reason, result.Steps = 404, "routes", why, []api.Step{{Rule: "routes", Says: string(admission.Refuses), Why: why}}
		return result, nil
	}
	for _, t := range targets { // the first that may carry it, else what the last one says
		a.Trunk, result.Trunk = t.Peer.Name, t.Peer.Name
		tell(&result, j.box.gate.Explain(a))
		if result.Goes {
			break
		}
	}
	return result, nil
}

// tell writes a decision into what is shown.
func tell(r *api.TryResult, d admission.Decision) {
	r.Goes, r.Rule, r.Steps = d.Refusal == nil, d.Rule, shownSteps(d.Steps)
	if no := d.Refusal; no != nil {
		r.Status, r.Rule, r.Reason = no.Status, no.Rule, no.Reason
	}
}

// planOf is what numbers mean at the site, and zoneOf what the hours do.
func planOf(p *policy.Policy) (*numbering.Plan, *time.Location, error) {
	plan, err := numbering.For(p.Site.Country)
	if err != nil {
		return nil, nil, err
	}
	zone, err := zoneOf(p)
	return plan, zone, err
}

func zoneOf(p *policy.Policy) (*time.Location, error) {
	zone, err := time.LoadLocation(p.Site.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("site.time_zone: %w", err)
	}
	return zone, nil
}

// attemptOf is the call that is asked about.
func attemptOf(p *policy.Policy, plan *numbering.Plan, r api.TryRequest) (admission.Attempt, error) {
	a := admission.Attempt{Caller: policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}, User: r.From, Via: admission.Via(r.Via), At: time.Now()}
	if r.At != nil {
		a.At = *r.At
	}
	if a.Via == "dialled" {
		a.Via = admission.Dialled
	}
	if r.Trunk != "" && p.Trunk(r.Trunk) == nil {
		return a, &api.Conflict{Detail: fmt.Sprintf("There is no trunk named %q.", r.Trunk), Remedy: "Name one of the policy's trunks, or none."}
	}
	n, err := plan.Read(r.Number, p.PBX.OutsidePrefix)
	if err != nil {
		return a, &api.Conflict{Detail: err.Error() + ".", Remedy: "Write the number as the office dials it, or in international form."}
	}
	a.Number = n
	if r.Incoming {
		if r.Trunk == "" {
			return a, &api.Conflict{Detail: "A call that comes in comes by a trunk.", Remedy: "Name the trunk."}
		}
		a.Caller, a.User = policy.Peer{Side: policy.SideOutside, Name: r.Trunk}, ""
	}
	if from, err := plan.Read(r.From, ""); err == nil {
		a.From = from
	}
	a.Withheld = r.Incoming && r.From == ""
	return a, nil
}

// mostRehearsed is how many calls a rehearsal lists.
const mostRehearsed = 100

// Rehearse tells which calls of the last days a policy would not let through.
func (j judging) Rehearse(doc []byte) (api.Rehearsal, error) {
	p, err := policy.Parse(doc)
	if err != nil {
		return api.Rehearsal{}, err
	}
	_, zone, err := planOf(p)
	if err != nil {
		return api.Rehearsal{}, err
	}
	past := j.past.since(time.Now())
	r := api.Rehearsal{Calls: len(past), Refused: []api.RehearsedCall{}}
	var routed []admission.Past
	table := route.New(p, zone)
	for _, c := range past {
		if r.Since == nil || c.Attempt.At.Before(*r.Since) {
			r.Since = moment(c.Attempt.At)
		}
		if c.Attempt.Outward() {
			if targets, _ := table.Outbound(c.Attempt.Number, c.Attempt.At, func(int) int { return 0 }); len(targets) == 0 {
				addRefused(&r, c, "routes", fmt.Sprintf("no route leads to %s", c.Attempt.Number))
				continue
			}
		}
		routed = append(routed, c)
	}
	for _, u := range admission.Rehearse(p, zone, routed) {
		addRefused(&r, u.Past, u.Refusal.Rule, u.Refusal.Reason)
	}
	slices.SortStableFunc(r.Refused, func(a, b api.RehearsedCall) int { return b.At.Compare(a.At) })
	r.Blocked = len(r.Refused)
	r.Refused = r.Refused[:min(r.Blocked, mostRehearsed)]
	return r, nil
}

func addRefused(r *api.Rehearsal, c admission.Past, rule, reason string) {
	from := c.Attempt.User
	if !c.Attempt.Outward() || from == "" {
		from = c.Attempt.From.String()
	}
	r.Refused = append(r.Refused, api.RehearsedCall{At: c.Attempt.At, From: from, To: c.Attempt.Number.String(), Trunk: c.Attempt.Trunk, Rule: rule, Reason: reason})
}

// shownSteps shows what was considered for a call.
func shownSteps(steps []admission.Step) []api.Step {
	list := []api.Step{}
	for _, s := range steps {
		list = append(list, api.Step{Rule: s.Rule, Says: string(s.Says), Why: s.Why})
	}
	return list
}
