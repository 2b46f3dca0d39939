package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/scripts/lab/alone"
)

// held runs hold with a lease of eight hours, whose questions are answered by answer, and returns what was done when.
func held(t *testing.T, linked <-chan struct{}, answer func(n int, everybody bool) (Lease, error)) []string {
	t.Helper()
	var done []string
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		note := func(what string) { done = append(done, fmt.Sprint(time.Since(begun).Round(time.Second), " ", what)) }
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		l := Lease{Address: prefix("192.0.2.50/24"), Length: 8 * time.Hour, Renew: 4 * time.Hour, Rebind: 7 * time.Hour}
		d := &DHCP{Linked: linked, Log: slog.New(slog.DiscardHandler), since: begun, inUse: l, lent: true, Known: l}
		d.Changed = func(l Lease, _ bool) {
			note("uses " + l.Address.String())
			cancel()
		}
		d.Renewed = func(l Lease) { note("holds " + l.Address.String()) }
		n := 0
		d.hold(ctx, func(_ context.Context, everybody bool) (Lease, error) {
			n++
			note(map[bool]string{false: "asks its server", true: "asks every server"}[everybody])
			return answer(n, everybody)
		})
		if d.Known.Address.IsValid() && !d.inUse.Address.IsValid() {
			t.Error("a lease that is over is remembered")
		}
	})
	return done
}

func silent(int, bool) (Lease, error) { return Lease{}, errors.New("no answer") }

func TestALeaseThatNobodyRenewsIsAskedForMoreOftenAndThenGivenUp(t *testing.T) {
	want := []string{
		"4h0m0s asks its server", "5h30m0s asks its server", "6h15m0s asks its server", "6h37m30s asks its server", "6h48m45s asks its server",
		"6h54m23s asks its server", "6h57m11s asks its server", "6h58m36s asks its server", "6h59m36s asks its server",
		"7h0m0s asks every server", "7h30m0s asks every server", "7h45m0s asks every server", "7h52m30s asks every server", "7h56m15s asks every server",
		"7h58m8s asks every server", "7h59m8s asks every server", "8h0m0s uses invalid Prefix",
	}
	if got := held(t, nil, silent); !slices.Equal(got, want) {
		t.Errorf("a lease of eight hours:\n%q, not\n%q", got, want)
	}
}

func TestALeaseThatIsRenewedRunsFromWhenItWasAskedFor(t *testing.T) {
	renewed := Lease{Address: prefix("192.0.2.50/24"), Length: 2 * time.Hour, Renew: time.Hour, Rebind: 105 * time.Minute}
	got := held(t, nil, func(n int, _ bool) (Lease, error) {
		if n == 1 {
			return renewed, nil
		}
		return Lease{}, errRefused
	})
	if want := []string{"4h0m0s asks its server", "4h0m0s holds 192.0.2.50/24", "5h0m0s asks its server", "5h0m0s uses invalid Prefix"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestALeaseIsAskedForOfEveryServerWhenTheCableLeadsSomewhereAgain(t *testing.T) {
	linked := make(chan struct{}, 1)
	linked <- struct{}{}
	got := held(t, linked, func(int, bool) (Lease, error) { return Lease{}, errRefused })
	if want := []string{"0s asks every server", "0s uses invalid Prefix"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestTermsThatCannotBeMeantAreThoseOfTheStandard(t *testing.T) {
	for _, c := range []struct{ renew, rebind, length, t1, t2 time.Duration }{
		{0, 0, 80 * time.Minute, 40 * time.Minute, 70 * time.Minute},
		{time.Minute, 2 * time.Minute, time.Hour, time.Minute, 2 * time.Minute},
		{2 * time.Minute, time.Minute, 8 * time.Minute, 4 * time.Minute, 7 * time.Minute},
		{time.Hour, 2 * time.Hour, 8 * time.Minute, 4 * time.Minute, 7 * time.Minute},
	} {
		if t1, t2 := terms(c.renew, c.rebind, c.length); t1 != c.t1 || t2 != c.t2 {
			t.Errorf("%v, %v of %v: %v, %v", c.renew, c.rebind, c.length, t1, t2)
		}
	}
}

// The server takes a question by unicast for its own, and the lease goes on with the terms it says.
func TestALeaseIsRenewedByUnicast(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	cable(t)
	f := farEnd(t, "192.0.2.1/24")
	f.serve("192.0.2.50,192.0.2.59,10m", "--dhcp-option=option:T1,30", "--dhcp-option=option:T2,300")
	news, stop := client(t, Lease{})
	l := next(t, news).lease
	stop()
	if l.Renew != 30*time.Second || l.Rebind != 5*time.Minute || l.Length != 10*time.Minute {
		t.Errorf("terms: %+v", l)
	}
	d := &DHCP{Interface: "lan0", HostName: "tollgate", Log: slog.New(slog.DiscardHandler), inUse: l}
	for _, everybody := range []bool{false, true} {
		if again, err := d.extend(t.Context(), everybody); err != nil || again.Address != l.Address {
			t.Errorf("asked of everybody %v: %+v, %v", everybody, again, err)
		}
	}
}
