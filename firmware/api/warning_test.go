package api

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/policy"
)

func TestWarningsReachThePage(t *testing.T) {
	p, err := policy.Parse(policy.Example())
	if err != nil {
		t.Fatal(err)
	}
	list := Warnings(p, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
	udp := func(w Warning) bool {
		return w.Path == "trunks[1].transport" && strings.Contains(w.Text, "in the clear over udp")
	}
	if !slices.ContainsFunc(list, udp) {
		t.Errorf("the second carrier of the example speaks UDP: %+v", list)
	}
	b, c := newOwnedBench(t)
	b.box.change(func(o *Overview) { o.Warnings = list })
	if got := body[Overview](t, b.get("/api/v1/overview", c)); len(got.Warnings) != len(list) || got.Warnings[0] != list[0] {
		t.Errorf("the overview shows %+v", got.Warnings)
	}
}
