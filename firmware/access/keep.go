package access

import (
	"net/netip"
	"time"
)

// Kept is what is known of banned sources over a restart.
type Kept struct {
	Bans   []Ban    `json:"bans"`
	Before []Before `json:"before"`
}

// Before is how often a source has been banned before.
type Before struct {
	Source netip.Prefix `json:"source"`
	Times  int          `json:"times"`
	Ended  time.Time    `json:"ended"`
}

// Kept returns what is to be kept.
func (b *Bans) Kept(now time.Time) Kept {
	k := Kept{Bans: b.List()}
	b.mu.Lock()
	defer b.mu.Unlock()
	for source, r := range b.records {
		if now.Sub(r.ended) >= b.rules.Longest() {
			delete(b.records, source)
			continue
		}
		k.Before = append(k.Before, Before{source, r.times, r.ended})
	}
	return k
}

// Restore takes up what was kept. Bans that have ended meanwhile are left out.
func (b *Bans) Restore(now time.Time, k Kept) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, ban := range k.Bans {
		if ban.Source.IsValid() && !ban.Ended(now) {
			b.put(ban)
		}
	}
	for _, r := range k.Before {
		if r.Source.IsValid() {
			b.remember(r.Source, record{r.Times, r.Ended})
		}
	}
}
