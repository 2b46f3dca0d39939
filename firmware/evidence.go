package main

import (
	"fmt"
	"time"

	"tollgate/board"
	"tollgate/firmware/api"
	"tollgate/firmware/evidence"
	"tollgate/firmware/store"
)

// evidenceRevisions is how many revisions of the policy are looked through for those that a case went by.
const evidenceRevisions = 100

// Evidence makes the zip about one call, or with none named about all the fraud that is remembered.
func (v stickView) Evidence(call string) ([]byte, error) {
	c, err := v.remembered()
	if err != nil {
		return nil, err
	}
	if call != "" {
		c = c.OfCall(call)
	} else {
		c = c.OfFraud()
	}
	switch {
	case call != "" && c.Empty():
		return nil, &api.Conflict{Detail: "The call is not among those that are remembered.", Remedy: "Ask once it has ended: the list of ended calls holds the identifiers."}
	case c.Empty():
		return nil, &api.Conflict{Detail: "No fraud is remembered.", Remedy: "Name a call to have the evidence of that one."}
	}
	return evidence.Zip(c, v.authority)
}

// remembered is all that a case may be about.
func (b *box) remembered() (evidence.Case, error) {
	revisions, err := b.store.Revisions(evidenceRevisions)
	if err != nil {
		return evidence.Case{}, fmt.Errorf("list the revisions of the policy: %w", err)
	}
	c := evidence.Case{
		Serial: board.Read("/").Serial, Release: b.options.Version, Zone: time.UTC,
		Calls: b.ended.latest(), Alarms: b.frauds.Fraud().Alarms, Refusals: b.refusals.latest(),
	}
	for _, r := range revisions {
		if r.State == store.Confirmed {
			c.Revisions = append(c.Revisions, evidence.Revision{Number: r.Number, From: r.At})
		}
	}
	if p := b.policy(); p != nil {
		if c.Zone, err = zoneOf(p); err != nil {
			return evidence.Case{}, err
		}
	}
	return c, nil
}
