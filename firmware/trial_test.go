package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tollgate/board/link"
	"tollgate/board/update"
	"tollgate/firmware/api"
	"tollgate/firmware/supervise"
	"tollgate/firmware/trunk"
)

func TestTrunksThatWereUpBeforeAnUpdateAreMissed(t *testing.T) {
	states := []trunk.State{
		{Name: "carrier", State: trunk.Up}, {Name: "second", State: trunk.Down, Reason: "403 Forbidden"}, {Name: "late", State: trunk.Registering}, {Name: "address", State: trunk.Static},
	}
	for _, c := range []struct {
		before []string
		want   string
	}{
		{nil, ""},
		{[]string{"carrier", "removed since"}, ""},
		{[]string{"carrier", "second"}, "the trunk second was up before the update, and is down: 403 Forbidden"},
		{[]string{"late"}, "the trunk late was up before the update, and is registering"},
	} {
		err := lost(c.before, states)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.before, err, c.want)
		}
	}
}

func TestTheNetworkOutsideIsAwayWithoutACableOrARouter(t *testing.T) {
	router := netip.MustParseAddr("198.51.100.1")
	port := func(up, carrier bool) []link.Interface {
		return []link.Interface{{Name: "eth0", Up: true, Carrier: true, Hardware: net.HardwareAddr{2, 0, 0, 0, 0, 1}}, {Name: "eth1", Up: up, Carrier: carrier}}
	}
	for _, c := range []struct {
		name    string
		all     []link.Interface
		router  netip.Addr
		answers bool
		away    bool
	}{
		{"all is there", port(true, true), router, true, false},
		{"no cable", port(true, false), router, true, true},
		{"the router is off", port(true, true), router, false, true},
		{"no router is known", port(true, true), netip.Addr{}, false, false},
		{"the port was not switched on, which is the system's business", port(false, false), router, false, false},
		{"the port is gone, as without its driver", port(true, true)[:1], router, false, false},
	} {
		if got := away(c.all, "eth1", c.router, func(a netip.Addr) bool { return a == router && c.answers }); got != c.away {
			t.Errorf("%s: away %v", c.name, got)
		}
	}
}

// The trunks of before are known to the system on trial, and it is left when they do not come up while the network outside is there.
func TestAnUpdateUnderWhichTheTrunkStaysDownIsLeft(t *testing.T) {
	w := newWorkbench(t)
	w.systems.up = func() []string { return []string{"carrier"} }
	if _, err := (systemView{w.box}).Update(t.Context(), strings.NewReader(string(w.bundle(t, 1001, ""))), "", "anna"); err != nil {
		t.Fatal(err)
	}
	w.again(t, update.B, true)
	before, trial := w.systems.onTrial()
	if !trial || len(before) != 1 || before[0] != "carrier" {
		t.Fatalf("on trial %v, before it %v", trial, before)
	}
	supervisor, voice := hear(t)
	w.systems.voice = voice
	down := checked(api.CheckTrunk, lost(before, []trunk.State{{Name: "carrier", State: trunk.Down, Reason: "403 Forbidden"}}))
	gone := fmt.Errorf("%w: %w", errAway, down)
	start := time.Now()
	for _, step := range []struct {
		fault   error
		after   time.Duration
		restart bool
	}{
		{down, time.Minute, false},
		{gone, trialTime + time.Minute, false}, // nobody can tell
		{gone, time.Hour, false},
		{down, time.Hour + trialTime - time.Second, false}, // it has its whole time again
		{down, time.Hour + trialTime, true},
	} {
		w.systems.proved(step.fault, step.after, start.Add(step.after))
		if got := supervisor(); got != step.restart {
			t.Errorf("after %v: restart %v", step.after, got)
		}
	}
	if s := shownSystem(w.systems); !s.Trial {
		t.Errorf("kept: %+v", s)
	}
	state, _ := w.systems.installer.Slots.Read()
	if state.Active != update.A {
		t.Fatalf("%+v", state)
	}
	w.again(t, update.A, false)
	if s := shownSystem(w.systems); !s.FellBack || !strings.Contains(w.systems.known.why(), "403 Forbidden") {
		t.Errorf("%+v, %s", s, w.systems.known.why())
	}
	if u := w.lastUpdate(); u == nil || u.Outcome != tryFellBack || u.Release != "1.1.0" || u.Check != api.CheckTrunk || !strings.Contains(u.Why, "403 Forbidden") || !strings.Contains(u.Remedy(), "that trunk") {
		t.Errorf("the page is told %+v", u)
	}
}

func TestAnUpdateThatEndsBeforeItCanSayWhyIsToldAsSuch(t *testing.T) {
	w := newWorkbench(t)
	if w.lastUpdate() != nil || (&box{}).lastUpdate() != nil {
		t.Error("there was an update before the first one")
	}
	if _, err := (systemView{w.box}).Update(t.Context(), strings.NewReader(string(w.bundle(t, 1001, ""))), "", "anna"); err != nil {
		t.Fatal(err)
	}
	w.again(t, update.A, false)
	if u := w.lastUpdate(); u.Outcome != tryFellBack || u.Check != "" || u.Why != "" || !strings.Contains(u.Remedy(), "before it could say") {
		t.Errorf("%+v", u)
	}
}

func TestEachCheckOfTheProgramHasAName(t *testing.T) {
	fault := errors.New("a fault")
	for err, want := range map[error]api.Check{
		fault: "", checked(api.CheckPage, fault): api.CheckPage, errors.Join(nil, checked(api.CheckStore, fault)): api.CheckStore,
		fmt.Errorf("%w: %w", errAway, checked(api.CheckTrunk, fault)): api.CheckTrunk,
	} {
		if got := checkOf(err); got != want || !errors.Is(err, fault) {
			t.Errorf("%v is of %q, want %q", err, got, want)
		}
	}
	if checked(api.CheckPage, nil) != nil {
		t.Error("what is well is a fault")
	}
}

func TestASystemIsNotKeptWhileItsFaultLasts(t *testing.T) {
	s := onTrial(t)
	start := time.Now()
	for after := time.Duration(0); after < 3*proveTime; after += 5 * time.Second {
		s.proved(errors.New("the packet filter is not whole"), after, start.Add(after))
	}
	if state, _ := s.installer.Slots.Read(); state.Active != update.A {
		t.Errorf("%+v", state)
	}
}

// hear is a supervisor that tells whether a restart of the machine was asked for since the last time.
func hear(t *testing.T) (restart func() bool, voice supervise.Voice) {
	t.Helper()
	path := t.TempDir() + "/notify"
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	if voice, err = supervise.NewVoice(); err != nil {
		t.Fatal(err)
	}
	return func() bool {
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		n, err := conn.Read(make([]byte, 100))
		return err == nil && n > 0
	}, voice
}
