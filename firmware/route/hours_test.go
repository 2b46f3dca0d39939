package route

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"tollgate/firmware/policy"
)

func paris(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// hours is a table whose one route counts at some times only.
func hours(t *testing.T, w policy.When) *Table {
	t.Helper()
	p := office()
	p.Site = policy.Site{Country: "FR", Holidays: []string{"public", "12-24"}}
	p.Routes = []policy.Route{{Name: "r", Prefixes: []string{"+"}, Trunks: []string{"carrier-a"}, When: w}}
	return New(p, paris(t))
}

func TestARouteCountsAtItsTimes(t *testing.T) {
	week := policy.When{Days: []policy.Day{"mon", "tue", "wed", "thu", "fri"}, From: "08:00", To: "18:30", Holidays: policy.HolidaysExcept}
	night := policy.When{Days: []policy.Day{"fri"}, From: "22:00", To: "06:00"}
	eve := policy.When{From: "20:00", To: "02:00", Holidays: policy.HolidaysOnly}
	for _, c := range []struct {
		name string
		when policy.When
		at   string // by the clock in Paris
		want bool
	}{
		{"always", policy.When{}, "2026-06-03 03:00:00", true},
		{"a minute before", week, "2026-06-03 07:59:59", false},
		{"from the first second", week, "2026-06-03 08:00:00", true},
		{"to the last second", week, "2026-06-03 18:29:59", true},
		{"and not after", week, "2026-06-03 18:30:00", false},
		{"another day", week, "2026-06-06 12:00:00", false},
		{"a holiday", week, "2026-07-14 12:00:00", false},
		{"Easter Monday", week, "2026-04-06 12:00:00", false},
		{"the office's own holiday", week, "2026-12-24 12:00:00", false},
		{"the night begins on its day", night, "2026-06-05 22:00:00", true},
		{"and goes on into the next", night, "2026-06-06 05:59:59", true},
		{"to its end", night, "2026-06-06 06:00:00", false},
		{"the night before is another's", night, "2026-06-05 05:00:00", false},
		{"the night after too", night, "2026-06-06 23:00:00", false},
		{"a holiday's night goes on", eve, "2026-07-15 01:30:00", true},
		{"the night before a holiday does not", eve, "2026-07-14 01:30:00", false},
		{"from the year's last day into the new year", policy.When{Days: []policy.Day{"thu"}, From: "22:00", To: "06:00"}, "2027-01-01 03:00:00", true},
		{"only an end", policy.When{To: "12:00"}, "2026-06-03 00:00:00", true},
		{"only a beginning", policy.When{From: "12:00"}, "2026-06-03 23:59:59", true},
		{"only days", policy.When{Days: []policy.Day{"sun"}}, "2026-06-07 23:59:59", true},
		{"only holidays", policy.When{Holidays: policy.HolidaysOnly}, "2026-12-25 00:00:00", true},
		{"to midnight", policy.When{From: "08:00", To: "24:00"}, "2026-06-03 23:59:59", true},
		{"to midnight, written otherwise", policy.When{From: "08:00", To: "00:00"}, "2026-06-03 23:59:59", true},
		{"and not into the next day", policy.When{From: "08:00", To: "00:00"}, "2026-06-03 00:00:00", false},
	} {
		at, err := time.ParseInLocation(time.DateTime, c.at, paris(t))
		if err != nil {
			t.Fatal(err)
		}
		targets, _ := hours(t, c.when).Outbound(number(t, "0123456789"), at.UTC(), first)
		if got := len(targets) == 1; got != c.want {
			t.Errorf("%s: at %s %v, want %v", c.name, c.at, got, c.want)
		}
		if c.want && !c.when.Always() && !strings.Contains(targets[0].Rule, "counts at this time") {
			t.Errorf("%s: rule %q", c.name, targets[0].Rule)
		}
	}
}

// In 2026 the clocks of Paris go from 02:00 to 03:00 on 29 March, and from 03:00 back to 02:00 on 25 October.
func TestTheClockOnTheWallDecidesWhenItChanges(t *testing.T) {
	early := policy.When{From: "02:30", To: "03:30"}
	sunday := policy.When{Days: []policy.Day{"sun"}, From: "02:00", To: "03:00"}
	night := policy.When{Days: []policy.Day{"sat"}, From: "22:00", To: "06:00"}
	for _, c := range []struct {
		name string
		when policy.When
		utc  string
		want bool
	}{
		{"before the lost hour", early, "2026-03-29 00:59:59", false},        // 01:59:59
		{"the lost hour is passed over", early, "2026-03-29 01:00:00", true}, // 03:00
		{"to its end", early, "2026-03-29 01:29:59", true},                   // 03:29:59
		{"and not after", early, "2026-03-29 01:30:00", false},               // 03:30
		{"an hour that does not come", sunday, "2026-03-29 01:00:00", false},
		{"the hour that comes twice, first", sunday, "2026-10-25 00:00:00", true}, // 02:00 summer time
		{"the last second of the first", sunday, "2026-10-25 00:59:59", true},
		{"the hour that comes twice, again", sunday, "2026-10-25 01:00:00", true}, // 02:00 winter time
		{"the last second of the second", sunday, "2026-10-25 01:59:59", true},
		{"and not after", sunday, "2026-10-25 02:00:00", false}, // 03:00
		{"the short night ends by the clock", night, "2026-03-29 03:59:59", true},
		{"the short night is over", night, "2026-03-29 04:00:00", false},
		{"the long night ends by the clock", night, "2026-10-25 04:59:59", true},
		{"the long night is over", night, "2026-10-25 05:00:00", false},
		{"a night over the change begins on Saturday", night, "2026-03-28 21:00:00", true},
	} {
		at, err := time.Parse(time.DateTime, c.utc)
		if err != nil {
			t.Fatal(err)
		}
		if targets, _ := hours(t, c.when).Outbound(number(t, "0123456789"), at, first); (len(targets) == 1) != c.want {
			t.Errorf("%s: at %s (%s in Paris) %v, want %v", c.name, c.utc, at.In(paris(t)).Format(time.TimeOnly), !c.want, c.want)
		}
	}
}

// Between routes of one prefix the first that counts is taken, and a longer prefix that does not count now hides nothing.
func TestTheFirstRouteThatCountsIsTaken(t *testing.T) {
	p := office()
	p.Routes = []policy.Route{
		{Name: "night", Prefixes: []string{"+", "+331"}, Trunks: []string{"carrier-b"}, When: policy.When{From: "20:00", To: "08:00"}},
		{Name: "lunch", Prefixes: []string{"+"}, Trunks: []string{"carrier-c"}, When: policy.When{From: "12:00", To: "13:00"}},
		{Name: "day", Prefixes: []string{"+"}, Trunks: []string{"carrier-a"}},
	}
	table := New(p, time.UTC)
	for hour, want := range map[int]string{3: "night", 10: "day", 12: "lunch", 13: "day", 21: "night"} {
		at := time.Date(2026, 6, 3, hour, 0, 0, 0, time.UTC)
		if _, got := table.Outbound(number(t, "0123456789"), at, first); got != want {
			t.Errorf("at %d o'clock by %s, want %s", hour, got, want)
		}
	}
}

func TestCallsAreSharedByWeight(t *testing.T) {
	p := office()
	p.Routes = []policy.Route{{Name: "r", Prefixes: []string{"+"}, Trunks: []string{"carrier-a", "carrier-b", "carrier-c"}, Weights: []int{3, 1, 0}}}
	table := New(p, time.UTC)
	random := rand.New(rand.NewPCG(1, 2))
	orders := map[string]int{}
	const calls = 40_000
	for range calls {
		targets, _ := table.Outbound(number(t, "0123456789"), noon, random.IntN)
		orders[names(targets)]++
		if !strings.Contains(targets[0].Rule, "by weight") {
			t.Fatalf("rule %q", targets[0].Rule)
		}
	}
	want := map[string]float64{"carrier-a carrier-b carrier-c": 0.75, "carrier-b carrier-a carrier-c": 0.25}
	for order, share := range want {
		if got := float64(orders[order]) / calls; math.Abs(got-share) > 0.01 {
			t.Errorf("%s for %.3f of the calls, want %.2f", order, got, share)
		}
	}
	if len(orders) != len(want) {
		t.Errorf("orders %v", slices.Collect(maps.Keys(orders)))
	}
}

func TestAnyDrawHoldsEveryTrunkOnceAndThoseOfNoWeightLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(0, 5), 1, 8).Draw(t, "weights")
		var trunks []string
		for i := range weights {
			trunks = append(trunks, fmt.Sprint(i))
		}
		got := draw(trunks, weights, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "random") })
		if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(trunks))) {
			t.Fatalf("%v of %v", got, trunks)
		}
		zero := slices.IndexFunc(got, func(s string) bool { var i int; fmt.Sscan(s, &i); return weights[i] == 0 })
		for _, s := range got[max(zero, 0):] {
			var i int
			if fmt.Sscan(s, &i); zero >= 0 && weights[i] != 0 {
				t.Fatalf("%v by %v: %s stands behind one of weight 0", got, weights, s)
			}
		}
	})
}

func TestAnEmergencyCallMindsNeitherTimesNorWeights(t *testing.T) {
	p := office()
	p.Routes = []policy.Route{
		{Name: "never now", Prefixes: []string{"+33"}, Trunks: []string{"carrier-c", "carrier-b"}, Weights: []int{0, 9}, When: policy.When{From: "03:00", To: "03:01"}},
		{Name: "always", Prefixes: []string{"+33"}, Trunks: []string{"carrier-a"}},
	}
	never := func(int) int { t.Error("dice were thrown"); return 0 }
	targets, route := New(p, time.UTC).Outbound(number(t, "112"), noon, never)
	if names(targets) != "carrier-c carrier-b carrier-a" || route != "never now" {
		t.Errorf("112 goes to %q by %q", names(targets), route)
	}
}
