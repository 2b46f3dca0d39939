package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/board"
	"tollgate/firmware/api"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

func TestOnePressOpensOneThingAndNotForLong(t *testing.T) {
	classes := policy.OpenClasses()
	old := &policy.Policy{Site: policy.Site{Country: "FR"}, Admission: policy.Admission{Classes: classes}}
	premium, fewer := *old, *old
	premium.Admission.Classes = append(slices.Clone(classes), numbering.Premium)
	fewer.Admission.Classes = classes[:1]
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	var p presence
	refused := func(next *policy.Policy, after time.Duration) bool {
		t.Helper()
		err := needsPress(old, next, &p, now.Add(after))
		needed := (*api.PressNeeded)(nil)
		if err != nil && (!errors.As(err, &needed) || !slices.Equal(needed.Opened, []string{"admission.classes: premium"})) {
			t.Errorf("it is refused because of %v", err)
		}
		return err != nil
	}
	if !refused(&premium, 0) {
		t.Error("premium numbers are opened though nobody pressed the button")
	}
	if p.until(now) != nil {
		t.Error("the page is told of a press that was not")
	}
	p.note(now)
	if end := p.until(now.Add(time.Second)); end == nil || !end.Equal(now.Add(time.Minute)) || p.until(now.Add(61*time.Second)) != nil {
		t.Errorf("the page is told that the press counts until %v", end)
	}
	if refused(&fewer, time.Second) {
		t.Error("what opens nothing needs a press")
	}
	if refused(&premium, 59*time.Second) {
		t.Error("the press does not count, or was used up by what needs none")
	}
	if p.until(now.Add(59*time.Second)) != nil {
		t.Error("the page is told of a press that was used")
	}
	if !refused(&premium, 59*time.Second) {
		t.Error("one press opens twice")
	}
	if p.note(now); !refused(&premium, 61*time.Second) {
		t.Error("a press counts for longer than a minute")
	}
}

func TestThePasswordOnAStickIsInBothLanguagesAndNamedAfterTheBox(t *testing.T) {
	if got := passwordFile("1000/0000 beef"); got != "tollgate-first-password-1000-0000-beef.txt" {
		t.Errorf("the file is called %s", got)
	}
	text := passwordText("beef", "aaaa-bbbb", "AB:CD", []string{"https://192.0.2.50/"})
	for _, want := range []string{"aaaa-bbbb", "AB:CD", "https://192.0.2.50/", "First password", "premier mot de passe", "\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
}

func TestTheFirstPasswordCountsAnewAfterAPress(t *testing.T) {
	up, known := sincePowerOn()
	if !known {
		t.Fatal("this kernel does not tell how long it has been running")
	}
	w := window{opened: up - claimTime - time.Second}
	if w.open() {
		t.Error("it counts after half an hour")
	}
	if w.reopen(); !w.open() {
		t.Error("it does not count after a press")
	}
}

func TestWorriesAreToldOnceInWords(t *testing.T) {
	hot, worn := 81.2, 90
	h := hardware{latest: board.Board{Temperature: &hot, Wear: &worn}, worries: []board.Worry{board.TooHot, board.WeakSupply, board.WornOut}}
	want := []string{"the box is too hot", "the power supply is too weak", "the storage has 90 % of its life behind it"}
	if got := h.sentences(); !slices.Equal(got, want) || !h.troubled() {
		t.Errorf("%q, troubled %v", got, h.troubled())
	}
	if none := (&hardware{}); none.troubled() || len(none.sentences()) > 0 {
		t.Error("a box that is well is troubled")
	}
}
