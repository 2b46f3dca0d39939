package access

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tollgate/firmware/policy"
)

// The most that one tally remembers.
const (
	maxNames = 64
	maxHome  = 1024
	// home is for how long a user who has proved himself counts as being at home.
	home = time.Hour
)

// tally is what a source has to answer for.
type tally struct {
	points float64              // 1: as much as it may do
	at     time.Time            // when points was true
	deeds  map[Offence]int      // since points was 0
	names  []string             // users tried without success, oldest first
	users  map[string]time.Time // who is at home, and since when that was proved last
}

// tally returns that of a source; nil when nothing can be remembered. b.mu is held.
func (b *Bans) tally(now time.Time, source netip.Prefix) *tally {
	t := b.tallies[source]
	if t != nil {
		return t
	}
	if len(b.tallies) >= maxTallies && !b.sweep(now) {
		return nil // a flood of forged sources: the packet filter's business
	}
	if b.tallies == nil {
		b.tallies = map[netip.Prefix]*tally{}
	}
	t = &tally{at: now}
	b.tallies[source] = t
	return t
}

// sweep forgets the tallies that have nothing left to tell; it tells whether there is room now. b.mu is held.
func (b *Bans) sweep(now time.Time) bool {
	for source, t := range b.tallies {
		t.drain(now, b.rules.Window())
		if t.points == 0 && t.atHome(now) == 0 {
			delete(b.tallies, source)
		}
	}
	return len(b.tallies) < maxTallies
}

// remember keeps how often a source was banned. b.mu is held.
func (b *Bans) remember(source netip.Prefix, r record) {
	if b.records == nil {
		b.records = map[netip.Prefix]record{}
	}
	if _, known := b.records[source]; !known && len(b.records) >= maxRecords {
		oldest := source
		for s, o := range b.records {
			if oldest == source || o.ended.Before(b.records[oldest].ended) {
				oldest = s
			}
		}
		delete(b.records, oldest)
	}
	b.records[source] = r
}

// add weighs a deed and tells whether it was one too many.
func (t *tally) add(now time.Time, d Deed, rules policy.Bans) bool {
	t.drain(now, rules.Window())
	if d.Offence == OffenceUnknownUser && !t.newName(d.User) {
		return false
	}
	if t.deeds == nil {
		t.deeds = map[Offence]int{}
	}
	t.deeds[d.Offence]++
	allowed := float64(1 + t.atHome(now))
	if d.Offence == OffenceScanner { // nobody's mistake
		allowed = 1
	}
	t.points += 1 / float64(d.Offence.most(rules))
	const rounding = 1e-9
	return t.points >= allowed-rounding
}

// back takes one unacknowledged refusal off.
func (t *tally) back(now time.Time, rules policy.Bans) {
	t.drain(now, rules.Window())
	if t.deeds[OffenceUnacknowledged] > 0 {
		t.deeds[OffenceUnacknowledged]--
		t.points = max(0, t.points-1/float64(rules.Unacknowledged))
	}
}

// drain forgives as much as a source may do in the time that has passed.
func (t *tally) drain(now time.Time, window time.Duration) {
	if passed := now.Sub(t.at); passed > 0 && window > 0 {
		t.points = max(0, t.points-passed.Seconds()/window.Seconds())
		t.at = now
	}
	if t.points == 0 {
		t.deeds, t.names = nil, nil
	}
}

// newName tells whether a user was not tried before.
func (t *tally) newName(user string) bool {
	user = strings.Clone(user[:min(len(user), 64)])
	if slices.Contains(t.names, user) {
		return false
	}
	if len(t.names) == maxNames {
		t.names = slices.Delete(t.names, 0, 1)
	}
	t.names = append(t.names, user)
	return true
}

// welcome notes that a user is at home.
func (t *tally) welcome(now time.Time, user string) {
	user = user[:min(len(user), 64)]
	if t.users == nil {
		t.users = map[string]time.Time{}
	}
	if _, known := t.users[user]; known || len(t.users) < maxHome {
		t.users[strings.Clone(user)] = now
	}
}

// atHome counts the users that are at home, beyond the first.
func (t *tally) atHome(now time.Time) int {
	for user, at := range t.users {
		if now.Sub(at) > home {
			delete(t.users, user)
		}
	}
	return max(0, len(t.users)-1)
}

// clear begins anew; who is at home stays.
func (t *tally) clear() { t.points, t.deeds, t.names = 0, nil, nil }

// reason says in words what the source did.
func (t *tally) reason(rules policy.Bans) string {
	var list []string
	for o, n := range t.deeds {
		if n > 0 {
			list = append(list, fmt.Sprintf("%d %s", n, o.phrase()))
		}
	}
	slices.Sort(list)
	return fmt.Sprintf("%s in about %d seconds", strings.Join(list, ", "), rules.Seconds)
}
