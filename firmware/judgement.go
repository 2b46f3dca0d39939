package main

import (
	"context"
	"crypto/rand"

	"tollgate/firmware/access"
	"tollgate/firmware/admission"
	"tollgate/firmware/event"
	"tollgate/firmware/policy"
)

// remember has facts noted for as long as the process lives.
func (b *box) remember(notes ...func(event.Event)) {
	l := b.facts.Listen(1024)
	go func() {
		for e := range l.C {
			for _, note := range notes {
				note(e)
			}
		}
	}()
}

// openJudgement makes those who say who speaks and what may go, with what an earlier run has kept of them.
func (b *box) openJudgement(context.Context) (err error) {
	b.remember(b.refusals.note, b.emergencies.note)
	b.access = access.New(&policy.Policy{}, rand.Reader)
	b.gate = admission.New(&policy.Policy{})
	if b.bans, err = newBans(b.access, b.filter, b.store, b.facts, b.log); err != nil {
		return err
	}
	if b.callBacks, err = newCallBacks(b.gate, b.store, b.log); err != nil {
		return err
	}
	if b.frauds, err = newFrauds(b.store, b.facts, b.log, func(ticket uint64, why string) { b.desk.CutOff(ticket, why) }); err != nil {
		return err
	}
	b.gate.SetWatch(b.frauds)
	b.gate.SetFollower(b.frauds)
	if b.ended, err = openEnded(b.store, b.log); err != nil {
		return err
	}
	if b.past, err = openPastCalls(b.store, b.log); err != nil {
		return err
	}
	return restorePaces(b.gate, b.store, b.log)
}
