package access

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"tollgate/firmware/policy"
)

// The most that is remembered. Who has the least to answer for is forgotten first; bans by hand never are.
const (
	maxTallies = 8192
	maxRecords = 8192
	// maxBans bounds the bans that the box makes by itself.
	maxBans = 65536
)

// record is how often a source has been banned.
type record struct {
	times int
	ended time.Time // of the last ban
}

// Bans score misbehaviour by source and know who is banned. It is safe for concurrent use; the zero value bans nobody.
//
//	Deed -> peer of the policy, and not proven? -- yes --> nothing
//	     -> each weighs 1/most; what was done is forgiven evenly over the window
//	     -> together more than 1 (times the users that are at home there)? --> Ban: 10 minutes, 20, 40 ... a day
type Bans struct {
	mu      sync.Mutex // guards everything below
	rules   policy.Bans
	exempt  []netip.Prefix // from the policy: what the box itself needs, and what is never banned
	inside  []netip.Prefix // where the office is
	tallies map[netip.Prefix]*tally
	records map[netip.Prefix]record
	bans    map[netip.Prefix]Ban
	lengths []int       // the prefix lengths that bans have, as lengthOf tells them
	sizes   map[int]int // how many bans have each
}

// Set puts a policy into force. What was counted stays.
func (b *Bans) Set(p *policy.Policy) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rules, b.exempt, b.inside = p.Bans, exempt(p), slices.Clone(p.Network.Inside.Prefixes)
}

// Review lifts the bans that the policy has no place for any more, and returns them: of sources that are never banned, and
// of peers (peer tells who may be one) without proof. What people have banned stays.
func (b *Bans) Review(peer func(netip.Prefix) bool) (lifted []Ban) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for source, ban := range b.bans {
		if ban.Rule != OffenceByHand && (b.spared(source) || !ban.Proven && peer(source)) {
			lifted = append(lifted, ban)
			b.drop(source)
		}
	}
	return lifted
}

// exempt are the sources whose ban would hurt the box: where its own questions are answered, and those of the policy.
func exempt(p *policy.Policy) []netip.Prefix {
	list := slices.Clone(p.Bans.Never)
	add := func(a netip.Addr) {
		if a.IsValid() {
			list = append(list, netip.PrefixFrom(plain(a), a.Unmap().BitLen()))
		}
	}
	add(p.Network.Gateway)
	add(p.Network.Inside.Address.Addr())
	add(p.Network.Outside.Address.Addr())
	add(p.Network.PublicAddress)
	for _, s := range slices.Concat(p.Network.DNSServers, p.Network.STUNServers, p.Network.TimeServers) {
		add(s.Addr())
	}
	return list
}

// Note weighs a deed. It returns the ban that it leads to, if any.
func (b *Bans) Note(now time.Time, d Deed) (Ban, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	source := b.sourceOf(d.Source)
	if b.rules.Mode != policy.BanModeBan && b.rules.Mode != policy.BanModeWatch || !d.counts() || b.spared(source) {
		return Ban{}, false
	}
	if held, banned := b.bans[source]; banned && !held.Ended(now) {
		return Ban{}, false
	}
	t := b.tally(now, source)
	if t == nil || !t.add(now, d, b.rules) {
		return Ban{}, false
	}
	ban := b.sentence(now, source, d, t)
	t.clear()
	if b.rules.Mode == policy.BanModeWatch {
		return b.watch(now, ban)
	}
	if len(b.bans) >= maxBans {
		return Ban{}, false
	}
	b.put(ban)
	b.remember(source, record{times: ban.Times, ended: ban.Until})
	return ban, true
}

// watch tells of a ban that is not made, and then holds its peace about the source for as long as the ban would last. b.mu is held.
func (b *Bans) watch(now time.Time, ban Ban) (Ban, bool) {
	if now.Before(b.records[ban.Source].ended) {
		return Ban{}, false
	}
	ban.Watched = true
	b.remember(ban.Source, record{times: ban.Times, ended: ban.Until})
	return ban, true
}

// counts tells whether a deed is evidence: a peer is not judged by what anybody can send in its name, and neither is the
// office, where such a ban would hit a neighbour.
func (d Deed) counts() bool {
	return d.Source.IsValid() && (d.Proven || !d.Peer && d.Side == policy.SideOutside)
}

// Acknowledged takes one unacknowledged refusal back.
func (b *Bans) Acknowledged(now time.Time, source netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.tallies[b.sourceOf(source)]; t != nil {
		t.back(now, b.rules)
	}
}

// AtHome notes that a user has proved who he is from a source: where many do, many more mistakes are made.
func (b *Bans) AtHome(now time.Time, source netip.Addr, user string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.tally(now, b.sourceOf(source)); t != nil {
		t.welcome(now, user)
	}
}

// sentence is the ban that a source has earned. b.mu is held.
func (b *Bans) sentence(now time.Time, source netip.Prefix, d Deed, t *tally) Ban {
	times := 1
	if r, known := b.records[source]; known && now.Sub(r.ended) < b.rules.Longest() {
		times = r.times + 1
	}
	length := b.rules.First()
	for i := 1; i < times && length < b.rules.Longest(); i++ {
		length *= 2
	}
	return Ban{Source: source, Rule: d.Offence, Reason: t.reason(b.rules), Since: now, Until: now.Add(min(length, b.rules.Longest())), Times: times, Proven: d.Proven}
}

// Put bans a source by an administrator's word, in place of an earlier ban of the same.
func (b *Bans) Put(ban Ban) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(ban)
}

// Lift ends a ban; what the source did before is forgiven.
func (b *Bans) Lift(source netip.Prefix) (Ban, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ban, found := b.bans[source]
	if found {
		b.drop(source)
		delete(b.records, source)
		delete(b.tallies, source)
	}
	return ban, found
}

// Banned returns the ban that an address is under.
func (b *Bans) Banned(now time.Time, a netip.Addr) (Ban, bool) {
	a = plain(a)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, bits := range b.lengths {
		if a.Is4() != (bits <= 32) {
			continue
		}
		p, err := a.Prefix(bitsOf(bits))
		if err != nil {
			continue
		}
		if ban, found := b.bans[p]; found && !ban.Ended(now) {
			return ban, true
		}
	}
	return Ban{}, false
}

// Expire takes the bans away that have ended, and returns them.
func (b *Bans) Expire(now time.Time) (ended []Ban) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for source, ban := range b.bans {
		if ban.Ended(now) {
			ended = append(ended, ban)
			b.drop(source)
		}
	}
	return ended
}

// List returns the bans, the latest first.
func (b *Bans) List() []Ban {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]Ban, 0, len(b.bans))
	for _, ban := range b.bans {
		list = append(list, ban)
	}
	slices.SortFunc(list, func(x, y Ban) int {
		if c := y.Since.Compare(x.Since); c != 0 {
			return c
		}
		return x.Source.Compare(y.Source)
	})
	return list
}

// Next is when the next ban ends; zero when none does.
func (b *Bans) Next() (at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, ban := range b.bans {
		if !ban.Until.IsZero() && (at.IsZero() || ban.Until.Before(at)) {
			at = ban.Until
		}
	}
	return at
}

// put and drop keep lengths true. b.mu is held.
func (b *Bans) put(ban Ban) {
	if b.bans == nil {
		b.bans, b.sizes = map[netip.Prefix]Ban{}, map[int]int{}
	}
	if _, there := b.bans[ban.Source]; !there {
		n := lengthOf(ban.Source)
		if b.sizes[n]++; b.sizes[n] == 1 {
			b.lengths = append(b.lengths, n)
		}
	}
	b.bans[ban.Source] = ban
}

func (b *Bans) drop(source netip.Prefix) {
	delete(b.bans, source)
	n := lengthOf(source)
	if b.sizes[n]--; b.sizes[n] == 0 {
		b.lengths = slices.DeleteFunc(b.lengths, func(l int) bool { return l == n })
	}
}

// lengthOf tells prefix lengths of both families apart; bitsOf undoes it.
func lengthOf(p netip.Prefix) int {
	if p.Addr().Is4() {
		return p.Bits()
	}
	return 64 + p.Bits()
}

func bitsOf(n int) int {
	if n <= 32 {
		return n
	}
	return n - 64
}

// spared tells whether the policy keeps a source from being banned. b.mu is held.
func (b *Bans) spared(source netip.Prefix) bool {
	return slices.ContainsFunc(b.exempt, source.Overlaps)
}

// SourceOf is the source that an address belongs to: what one host controls. Of IPv6 that is the /64 from which a host
// chooses its address, but not inside, where the whole office may share one, nor on the link, where everybody does.
func (b *Bans) SourceOf(a netip.Addr) netip.Prefix {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sourceOf(a)
}

// sourceOf is SourceOf while b.mu is held.
func (b *Bans) sourceOf(a netip.Addr) netip.Prefix {
	a = plain(a)
	bits := a.BitLen()
	if a.Is6() && !a.IsLinkLocalUnicast() && !slices.ContainsFunc(b.inside, func(p netip.Prefix) bool { return p.Contains(a) }) {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
