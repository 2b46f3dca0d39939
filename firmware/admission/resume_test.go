package admission

import (
	"testing"

	"tollgate/firmware/policy"
)

func TestTicketsOfAnEarlierProcessCountAgain(t *testing.T) {
	p := &policy.Policy{Limits: policy.Limits{Calls: 1}, Trunks: []policy.Trunk{{Name: "carrier", Caps: policy.Caps{Calls: 1}}}}
	before := New(p)
	pbx := policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}
	first, _ := before.Admit(Attempt{Caller: pbx, Trunk: "carrier"})
	rec := first.Record()
	after := New(p)
	again, second := after.Resume(rec), after.Resume(rec) // a limit that has been lowered ends no call
	if u := after.Usage(); u.Calls != 2 || u.Trunks["carrier"] != 2 {
		t.Errorf("in use are %+v", u)
	}
	if _, no := after.Admit(Attempt{Caller: pbx, Trunk: "carrier"}); no == nil {
		t.Error("a third call was admitted")
	}
	urgent := after.Resume(&TicketRecord{Caller: pbx, Urgent: true})
	for _, ticket := range []*Ticket{again, second, urgent, after.Resume(nil), after.Resume((*Ticket)(nil).Record())} {
		ticket.Release()
	}
	if u := after.Usage(); u.Calls+u.Emergency+len(u.Trunks) != 0 || again.Record() != nil {
		t.Errorf("left in use are %+v", u)
	}
}
