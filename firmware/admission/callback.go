package admission

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// CallBackTime is how long after an emergency call the emergency service may call back past every limit.
const CallBackTime = 60 * time.Minute

// ExpectCallBack lets calls from outside to a number of ours pass every limit until CallBackTime after now: it was shown
// to an emergency service. A later time replaces an earlier one.
func (g *Gate) ExpectCallBack(shown numbering.Number, now time.Time) {
	if shown.E164 == "" {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for number, until := range g.callBacks {
		if now.After(until) {
			delete(g.callBacks, number)
		}
	}
	g.callBacks[shown.E164] = now.Add(CallBackTime)
}

// callBack tells whether the attempt may be an emergency service that calls back; g.mu is held.
func (g *Gate) callBack(a Attempt) bool {
	until, expected := g.callBacks[a.Number.E164]
	return expected && a.Caller.Side == policy.SideOutside && !a.At.After(until)
}

// Urgent tells whether the ticket was given against every limit: to an emergency call, or to a call back after one. A nil
// ticket is not.
func (t *Ticket) Urgent() bool { return t != nil && t.urgent }

// CallBack is a number of ours that an emergency service may call back until a moment.
type CallBack struct {
	Number string // E.164
	Until  time.Time
}

// CallBacks lists what ExpectCallBack has been told and still holds at the moment now, the one that ends last first.
func (g *Gate) CallBacks(now time.Time) (list []CallBack) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for number, until := range g.callBacks {
		if !now.After(until) {
			list = append(list, CallBack{number, until})
		}
	}
	slices.SortFunc(list, func(a, b CallBack) int {
		return cmp.Or(b.Until.Compare(a.Until), strings.Compare(a.Number, b.Number))
	})
	return list
}
