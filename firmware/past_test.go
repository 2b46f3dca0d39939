package main

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"tollgate/firmware/admission"
	"tollgate/firmware/call"
	"tollgate/firmware/event"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
)

func TestTheCallsOfTheLastDaysAreKeptOverARestart(t *testing.T) {
	path, now := filepath.Join(t.TempDir(), "tollgate.db"), time.Now()
	open := func() (*pastCalls, func()) {
		s, err := store.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		p, err := openPastCalls(s, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return p, func() {
			p.save()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	made := func(p *pastCalls, i int, at time.Time) {
		p.note(call.Snapshot{
			Attempt: admission.Attempt{Caller: policy.Peer{Side: policy.SideInside, Name: "pbx"}, User: fmt.Sprint(i), Trunk: "carrier", At: at,
				Number: numbering.Number{E164: "+33123456789", Class: numbering.National, CallingCode: "33"}},
			Shown: numbering.Number{E164: "+33123456700"},
		}, event.CallEnded{At: at.Add(90 * time.Second), Answered: true, Duration: time.Minute})
	}
	first, end := open()
	made(first, 0, now.Add(-15*24*time.Hour)) // too old
	for i := 1; i < pastChunk+10; i++ {
		made(first, i, now)
	}
	first.note(call.Snapshot{}, event.CallEnded{}) // it needed no leave
	end()
	second, end := open()
	made(second, 1000, now)
	end()
	third, end := open()
	list := third.since(now)
	if len(list) != pastChunk+10 || list[0].Attempt.User != "1" || list[len(list)-1].Attempt.User != "1000" {
		t.Fatalf("%d calls, %+v ... %+v", len(list), list[0], list[len(list)-1])
	}
	if c := list[0]; c.Spoken != time.Minute || !c.Answered || c.Ended.Sub(c.Attempt.At) != 90*time.Second || c.Shown.E164 != "+33123456700" || c.Attempt.Number.Class != numbering.National {
		t.Errorf("kept %+v", c)
	}
	for i := range pastMost + 3*pastChunk {
		made(third, i, now)
	}
	end()
	fourth, end := open()
	defer end()
	if n := len(fourth.list); n < pastMost || n > pastMost+pastChunk {
		t.Errorf("%d calls are kept", n)
	}
}
