package weeks

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// dial is one attempt to call.
type dial struct {
	at     time.Time
	caller string // extension
	number string // as dialled
	rings  time.Duration
	status int           // what the carrier answers at last
	talks  time.Duration // with status 200
	via    string        // transferred, redirected; "": dialled
	mine   *attacker     // nil: somebody of the office
}

// person works in an office.
type person struct {
	extension string
	perDay    float64 // calls out
	from, to  float64 // hours of the day
	abroad    float64 // share of calls
	late      float64 // days a week on which he works into the evening
	weekend   float64 // Saturdays on which he does some work
	home      []string
	foreign   []string
}

// office is one site, by a seed.
type office struct {
	random *rand.Rand
	people []person
	lands  []land // it does business with
}

// land is a country that offices do business with, how often among them, and how numbers look there.
type land struct {
	code   string
	digits int
	weight float64
}

var business = []land{
	{"+49", 10, 10}, {"+32", 9, 10}, {"+34", 9, 9}, {"+39", 10, 9}, {"+44", 10, 9}, {"+41", 9, 8}, {"+31", 9, 6}, {"+352", 8, 4}, {"+351", 9, 5}, {"+1", 10, 6},
	{"+48", 9, 4}, {"+40", 9, 3}, {"+43", 10, 2}, {"+353", 9, 2}, {"+46", 9, 2}, {"+45", 8, 2}, {"+212", 9, 6}, {"+216", 8, 5}, {"+213", 9, 4}, {"+90", 10, 2},
	{"+91", 10, 3}, {"+86", 11, 3}, {"+81", 10, 1}, {"+971", 9, 2}, {"+972", 9, 1}, {"+55", 10, 1}, {"+221", 9, 2}, {"+225", 10, 2}, {"+61", 9, 1}, {"+262", 9, 3},
}

// newOffice invents one with 15 to 60 people.
func newOffice(seed uint64) *office {
	o := &office{random: rand.New(rand.NewPCG(seed, 0x70ffce))}
	for range 3 + o.random.IntN(4) {
		o.lands = append(o.lands, o.anyLand())
	}
	n := 15 + o.random.IntN(46)
	for i := range n {
		p := person{extension: fmt.Sprint(201 + i), perDay: 2 + 8*o.random.Float64(), abroad: 0.01, weekend: 0.02, late: 0.2}
		p.from, p.to = 8+1.5*o.random.Float64(), 17+2*o.random.Float64()
		switch x := o.random.Float64(); {
		case x < 0.20: // sales within the country
			p.perDay, p.abroad, p.late = 15+20*o.random.Float64(), 0.03, 0.5
		case x < 0.30: // sales abroad
			p.perDay, p.abroad, p.late, p.weekend = 8+10*o.random.Float64(), 0.35, 1, 0.1
		case x < 0.40: // support
			p.perDay, p.abroad = 12+12*o.random.Float64(), 0.05
		}
		for range 12 {
			p.home = append(p.home, o.homeNumber())
		}
		for range 4 {
			p.foreign = append(p.foreign, o.foreignNumber(o.lands[o.zipf(len(o.lands))]))
		}
		o.people = append(o.people, p)
	}
	return o
}

func (o *office) anyLand() land {
	sum := 0.0
	for _, l := range business {
		sum += l.weight
	}
	x := o.random.Float64() * sum
	for _, l := range business {
		if x -= l.weight; x < 0 {
			return l
		}
	}
	return business[0]
}

// zipf picks one of n, the first ones more often.
func (o *office) zipf(n int) int {
	return min(int(float64(n)*math.Pow(o.random.Float64(), 2)), n-1)
}

func digits(random *rand.Rand, n int) string {
	b := []byte{byte('2' + random.IntN(7))}
	for len(b) < n {
		b = append(b, byte('0'+random.IntN(10)))
	}
	return string(b)
}

func (o *office) homeNumber() string {
	if o.random.Float64() < 0.45 {
		return "06" + digits(o.random, 8)
	}
	return fmt.Sprintf("0%d", 1+o.random.IntN(5)) + digits(o.random, 8)
}

func (o *office) foreignNumber(l land) string { return l.code + digits(o.random, l.digits) }

// whom picks the number of a call.
func (o *office) whom(p *person) string {
	switch x := o.random.Float64(); {
	case x < p.abroad*0.04: // a hotel, a new customer: anywhere
		return o.foreignNumber(o.anyLand())
	case x < p.abroad*0.30:
		return o.foreignNumber(o.lands[o.zipf(len(o.lands))])
	case x < p.abroad:
		return p.foreign[o.zipf(len(p.foreign))]
	}
	switch x := o.random.Float64(); {
	case x < 0.02:
		return "0800" + digits(o.random, 6)
	case x < 0.030:
		return "0810" + digits(o.random, 6)
	case x < 0.037:
		return "0825" + digits(o.random, 6)
	case x < 0.040:
		return []string{"3949", "3646", "3960", "3631"}[o.random.IntN(4)]
	case x < 0.0410:
		return []string{"3635", "3611", "3699"}[o.random.IntN(3)]
	case x < 0.0415:
		return "0892" + digits(o.random, 6)
	case x < 0.0417:
		return "118218"
	case x < 0.55:
		return p.home[o.zipf(len(p.home))]
	}
	return o.homeNumber()
}

// outcome invents how a call ends.
func (o *office) outcome(d dial) dial {
	d.rings = time.Duration(3+o.random.IntN(20)) * time.Second
	switch x := o.random.Float64(); {
	case x < 0.64:
		d.status, d.talks = 200, o.length(120, 1.1, 2*time.Hour)
	case x < 0.86:
		d.status, d.rings = 487, time.Duration(15+o.random.IntN(30))*time.Second
	case x < 0.94:
		d.status = 486
	case x < 0.965:
		d.status = 480
	case x < 0.985:
		d.status = 404
	default:
		d.status = 403
	}
	return d
}

// length is log-normal around a median of seconds.
func (o *office) length(median, sigma float64, most time.Duration) time.Duration {
	d := time.Duration(median*math.Exp(sigma*o.random.NormFloat64())) * time.Second
	return min(max(d, 2*time.Second), most)
}

// poisson counts what happens when so much is to be expected.
func (o *office) poisson(mean float64) int {
	n, p, limit := 0, 1.0, math.Exp(-mean)
	for {
		if p *= o.random.Float64(); p < limit {
			return n
		}
		n++
	}
}

// week invents the calls of the week that begins on a Monday, in order; with agents, so many people make cold calls.
func (o *office) week(monday time.Time, agents int) (calls []dial) {
	for day := range 7 {
		date := monday.AddDate(0, 0, day)
		for i := range o.people {
			p := &o.people[i]
			switch {
			case day < 5:
				if o.random.Float64() < 0.88 { // else on leave, or ill
					calls = append(calls, o.stretch(p, date, p.from, p.to, o.poisson(p.perDay))...)
				}
				if o.random.Float64() < p.late/5 {
					calls = append(calls, o.stretch(p, date, p.to, p.to+1+3*o.random.Float64(), o.poisson(2))...)
				}
			case day == 5 && o.random.Float64() < p.weekend:
				calls = append(calls, o.stretch(p, date, 9, 13, o.poisson(4))...)
			}
		}
		if day < 5 {
			calls = append(calls, o.campaign(date, agents)...)
		}
	}
	slices.SortFunc(calls, func(a, b dial) int { return a.at.Compare(b.at) })
	return calls
}

// stretch is n calls of a person between two hours, with less at noon. Who is busy is called again soon.
func (o *office) stretch(p *person, date time.Time, from, to float64, n int) (calls []dial) {
	for range n {
		hour := from + (to-from)*o.random.Float64()
		if hour > 12.2 && hour < 13.8 && o.random.Float64() < 0.7 {
			hour += 1.6
		}
		d := o.outcome(dial{at: date.Add(time.Duration(hour * float64(time.Hour))), caller: p.extension, number: o.whom(p)})
		calls = append(calls, d)
		for again := 0; d.status == 486 && again < 5 && o.random.Float64() < 0.6; again++ {
			number, at := d.number, d.at.Add(d.rings+time.Duration(10+o.random.IntN(300))*time.Second)
			d = o.outcome(dial{at: at, caller: p.extension, number: number})
			calls = append(calls, d)
		}
	}
	return calls
}

// campaign is a day of cold calls: each agent calls one number after the other, within the hours of the law. One campaign in
// four has some customers abroad.
func (o *office) campaign(date time.Time, agents int) (calls []dial) {
	for i := range agents {
		p := &o.people[i%len(o.people)]
		for _, hours := range [][2]float64{{10, 13}, {14, 18}} {
			at := date.Add(time.Duration(hours[0] * float64(time.Hour)))
			end := date.Add(time.Duration(hours[1] * float64(time.Hour)))
			for at.Before(end) {
				number := o.homeNumber()
				if o.random.Float64() < 0.01 {
					number = o.foreignNumber(o.lands[0])
				}
				d := o.outcome(dial{at: at, caller: p.extension, number: number})
				d.talks /= 2
				calls = append(calls, d)
				at = at.Add(d.rings + d.talks + time.Duration(5+o.random.IntN(40))*time.Second)
			}
		}
	}
	return calls
}
