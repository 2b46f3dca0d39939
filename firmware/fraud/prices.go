package fraud

import (
	_ "embed"
	"fmt"
	"strings"
	"time"

	"tollgate/firmware/numbering"
)

//go:embed prices.txt
var pricesText string

// Rate is what a call costs: Setup, and Minute by the second, and no less than Least.
type Rate struct{ Setup, Minute, Least Money }

// Free tells whether a call costs nothing, however long it is.
func (r Rate) Free() bool { return r == Rate{} }

// Cost is what a call of a length costs; one that was not answered costs nothing and is not asked about.
func (r Rate) Cost(d time.Duration) Money { return max(r.Least, r.Setup+r.Minute.over(d)) }

// begins is what a call costs the moment it is answered.
func (r Rate) begins() Money { return max(r.Least, r.Setup) }

// runsAfter is how long a call lasts until each further second costs something.
func (r Rate) runsAfter() time.Duration {
	if r.Least <= r.Setup || r.Minute == 0 {
		return 0
	}
	return time.Duration((r.Least-r.Setup)*60_000/r.Minute) * time.Millisecond
}

// Prices is a table of prices. It does not change and is safe for concurrent use.
type Prices struct {
	own     map[string]Rate  // E.164 prefixes and short numbers, as the customer has brought them
	usual   map[string]entry // E.164 prefixes of prices.txt
	short   []shortEntry
	rest    Rate
	longest int // of own and usual
}

type entry struct {
	rate Rate
	name string
}

type shortEntry struct {
	pattern string
	entry
}

// NewPrices reads the table of this package and puts the customer's own rates before it; there may be none.
func NewPrices(own map[string]Rate) (*Prices, error) {
	p := &Prices{own: own, usual: map[string]entry{}}
	zones := map[string]Rate{}
	for line := range strings.Lines(pricesText) {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if err := p.read(f, zones); err != nil {
			return nil, fmt.Errorf("price table: %q: %w", strings.TrimSpace(line), err)
		}
	}
	p.rest = zones["rest"]
	for prefix := range own {
		p.longest = max(p.longest, len(prefix))
	}
	return p, nil
}

// read takes one line of the table.
func (p *Prices) read(f []string, zones map[string]Rate) error {
	if f[0] == "zone" && len(f) == 5 {
		var r Rate
		for i, at := range []*Money{&r.Setup, &r.Minute, &r.Least} {
			m, err := ParseMoney(f[2+i])
			if err != nil {
				return err
			}
			*at = m
		}
		zones[f[1]] = r
		return nil
	}
	if len(f) < 3 {
		return fmt.Errorf("has %d fields", len(f))
	}
	rate, ok := zones[f[1]]
	if !ok {
		return fmt.Errorf("there is no zone %s", f[1])
	}
	e := entry{rate, strings.Join(f[2:], " ")}
	if f[0][0] != '+' {
		p.short = append(p.short, shortEntry{f[0], e})
		return nil
	}
	p.usual[f[0]], p.longest = e, max(p.longest, len(f[0]))
	return nil
}

// Own is how many prices the customer has brought.
func (p *Prices) Own() int { return len(p.own) }

// Surcharged is the prefix that all premium numbers of the own country are counted under, long and short ones: who earns from
// one range earns from others too.
const Surcharged = "premium"

// Destination is a number as its price and its place are judged.
type Destination struct {
	Rate    Rate
	Watched bool   // surcharged, or in another country or territory
	Dear    bool   // one of the dearest ranges, which are never usual: fraudsters earn from them
	Land    string // the country, or the range of the table that the number is in: "+49", "+3389", "118xxx"
	Prefix  string // two digits more where it is a country: "+4930"; Surcharged for all of the own country's premium numbers
	Name    string // of Land, for people; "" when it is not known
}

// Of says what a call to a number costs at worst. Emergency calls and what the box cannot read are free.
func (p *Prices) Of(n numbering.Number) Destination {
	if n.Class == numbering.Emergency || n.Class == "" || n.Class == numbering.Unknown {
		return Destination{}
	}
	d := Destination{Watched: watched(n.Class)}
	if !d.Watched && len(p.own) == 0 {
		return d
	}
	if n.E164 == "" {
		p.ofShort(n.Digits, &d)
	} else {
		p.ofLong(n, &d)
	}
	d.Dear = d.Prefix == Surcharged || d.Watched && d.Rate.Minute >= p.rest.Minute
	if r, ok := p.ownRate(n); ok {
		d.Rate = r
		d.Dear = d.Dear && (d.Prefix == Surcharged || r.Minute >= dearMinute)
	}
	return d
}

// dearMinute is what a minute costs at least, by the customer's own prices, where a range of the dearest counts as such. A country
// that the table does not know has its price at worst, and may be cheap.
const dearMinute = 4 * Euro / 10

// watched tells which destinations are judged by levels. Calls within the country at the normal rate are not, and neither
// are those of a campaign.
func watched(c numbering.Class) bool {
	switch c {
	case numbering.Shared, numbering.Premium, numbering.Overseas, numbering.International, numbering.Special:
		return true
	}
	return false
}

func (p *Prices) ofShort(digits string, d *Destination) {
	d.Land, d.Prefix = digits, digits
	if !d.Watched {
		return
	}
	d.Rate, d.Prefix = p.rest, Surcharged
	for _, s := range p.short {
		if fits(s.pattern, digits) {
			d.Rate, d.Land, d.Name = s.rate, s.pattern, s.name
			return
		}
	}
}

// fits tells whether digits are a number of a pattern, in which x is any digit.
func fits(pattern, digits string) bool {
	if len(pattern) != len(digits) {
		return false
	}
	for i := range len(pattern) {
		if pattern[i] != 'x' && pattern[i] != digits[i] {
			return false
		}
	}
	return true
}

func (p *Prices) ofLong(n numbering.Number, d *Destination) {
	number := n.E164
	d.Land = number[:min(len(number), 1+len(n.CallingCode))]
	e, found, length := p.usualRate(number)
	if found && length >= len(d.Land) {
		d.Land = number[:length]
	}
	d.Name = e.name
	d.Prefix = d.Land
	if surchargedHere(n) {
		if n.Class == numbering.Premium {
			d.Prefix = Surcharged
		}
		d.Rate = e.rate
		if !found {
			d.Rate = p.rest
		}
		return
	}
	d.Prefix = number[:min(len(number), len(d.Land)+2)]
	if d.Watched {
		d.Rate = p.rest
		if found {
			d.Rate = e.rate
		}
	}
}

// surchargedHere tells a surcharged number of the own country: the whole of its range is one prefix.
func surchargedHere(n numbering.Number) bool {
	return n.Class == numbering.Shared || n.Class == numbering.Premium
}

// usualRate finds the longest prefix of the table that a number begins with.
func (p *Prices) usualRate(number string) (e entry, found bool, length int) {
	for l := min(p.longest, len(number)); l > 1; l-- {
		if e, ok := p.usual[number[:l]]; ok {
			return e, true, l
		}
	}
	return entry{}, false, 0
}

// ownRate finds the customer's price of a number.
func (p *Prices) ownRate(n numbering.Number) (Rate, bool) {
	if len(p.own) == 0 {
		return Rate{}, false
	}
	if n.E164 == "" {
		r, ok := p.own[n.Digits]
		return r, ok
	}
	for l := min(p.longest, len(n.E164)); l > 1; l-- {
		if r, ok := p.own[n.E164[:l]]; ok {
			return r, true
		}
	}
	return Rate{}, false
}
