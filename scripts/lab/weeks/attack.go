package weeks

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// givesPause is after how many calls in vain the next ones come a minute later: he goes on until his time is over, but thousands
// of refusals an hour are nothing more to see.
const givesPause = 200

// attacker makes calls until his time is over. What he loses the office is the carrier's bill of his calls.
type attacker struct {
	box    *box
	random *rand.Rand
	begun  time.Time
	until  time.Time
	ranges []string // where he earns, the one he uses first first; with the digits of an example
	loss   float64
	seen   time.Time // when the box first did something about one of his calls
	calls  int
	denied int
	inVain int    // of these, since the last one that got through
	again  func() // what he does when a call of his is over
}

func (a *attacker) found(now time.Time) {
	if a.seen.IsZero() {
		a.seen = now
	}
}

// refused has him take the next range, once a few calls of his did not get through.
func (a *attacker) refused(now time.Time) {
	a.found(now)
	a.inVain++
	if a.denied++; a.denied%3 == 0 && len(a.ranges) > 1 {
		a.ranges = append(a.ranges[1:], a.ranges[0])
	}
}

func (a *attacker) ended(time.Time, bool) {
	a.inVain = 0
	if a.again != nil {
		a.again()
	}
}

// rogue are ranges that fraudsters earn from, of numbers as long as these.
var rogue = []string{
	"+252612345678", "+5351234567", "+23276123456", "+9607912345", "+37178123456", "+37190123456", "+2207123456", "+224621234567", "+2399812345",
	"+2693212345", "+67570123456", "+6857212345", "+8501921234567", "+18761234567", "+14734031234", "+37253123456", "+447012345678", "+48703123456",
	"+992918123456", "+881612345678", "+870773123456",
}

// some picks so many ranges; satellites, the dearest, are among them as often as others.
func (a *attacker) some(n int) {
	for _, i := range a.random.Perm(len(rogue))[:n] {
		a.ranges = append(a.ranges, rogue[i])
	}
}

// number is one of the range in use.
func (a *attacker) number() string {
	r := a.ranges[0]
	return r[:len(r)-3] + fmt.Sprintf("%03d", a.random.IntN(1000))
}

func (a *attacker) seconds(least, most int) time.Duration {
	return time.Duration(least+a.random.IntN(most-least+1)) * time.Second
}

// call makes a call now that is answered and lasts so long.
func (a *attacker) call(caller string, talks time.Duration, via string) {
	a.calls++
	a.box.dial(dial{at: a.box.now, caller: caller, number: a.number(), rings: a.seconds(1, 4), status: 200, talks: talks, via: via, mine: a})
}

// every has something happen again and again, with a pause between, until his time is over.
func (a *attacker) every(least, most int, do func()) {
	a.from(a.begun, least, most, do)
}

// from is every, from a moment on.
func (a *attacker) from(begin time.Time, least, most int, do func()) {
	var next func()
	next = func() {
		if a.box.now.After(a.until) {
			return
		}
		do()
		pause := a.seconds(least, most)
		if a.inVain >= givesPause {
			pause += time.Minute
		}
		a.box.at(a.box.now.Add(pause), next)
	}
	a.box.at(begin, next)
}

// lines keeps so many calls up at once, one more every minute or so; a caller is chosen for each.
func (a *attacker) lines(n int, caller func() string, least, most int, via string) {
	for i := range n {
		a.from(a.begun.Add(time.Duration(i)*a.seconds(20, 90)), 5, 30, func() {
			if a.up() < n {
				a.call(caller(), a.seconds(least, most), via)
			}
		})
	}
}

// up is how many of his calls run.
func (a *attacker) up() (n int) {
	for _, r := range a.box.running {
		if r.dial.mine == a {
			n++
		}
	}
	return n
}

// pattern is one kind of attack.
type pattern struct {
	name  string
	day   int           // of the week, 0 Monday
	hour  int           // at which it begins; the minute is drawn
	lasts time.Duration // he stops then, whatever he has earned
	begin func(a *attacker, o *office)
}

func one(o *office, a *attacker) func() string {
	p := o.people[a.random.IntN(len(o.people))].extension
	return func() string { return p }
}

func anybody(o *office, a *attacker) func() string {
	return func() string { return o.people[a.random.IntN(len(o.people))].extension }
}

// patterns are the twelve. Each is as dear as such attacks are told to be, and longer than anybody would sleep.
func patterns() []pattern {
	return []pattern{
		{"dial-through at night", 1, 22, 9 * time.Hour, func(a *attacker, o *office) {
			a.some(4)
			a.lines(6, one(o, a), 180, 1200, "")
		}},
		{"premium burst", 2, 14, 3 * time.Hour, func(a *attacker, o *office) {
			a.ranges = []string{"0899123456", "0898123456", "118218"}
			a.lines(8, one(o, a), 20, 240, "")
		}},
		{"Wangiri call-back", 1, 9, 8 * time.Hour, func(a *attacker, o *office) {
			a.some(1)
			who := anybody(o, a)
			for range 12 + a.random.IntN(18) { // so many found the missed call on their telephone
				a.box.at(a.begun.Add(time.Duration(a.random.ExpFloat64()*float64(time.Hour))), func() { a.call(who(), a.seconds(20, 240), "") })
			}
		}},
		{"one prefix slowly", 0, 8, 14 * 24 * time.Hour, func(a *attacker, o *office) {
			a.some(1)
			who := one(o, a)
			a.every(2*3600, 8*3600, func() { a.call(who(), a.seconds(60, 420), "") })
		}},
		{"many callers one prefix", 3, 10, 4 * time.Hour, func(a *attacker, o *office) {
			a.some(1)
			who := anybody(o, a)
			a.every(20, 120, func() { a.call(who(), a.seconds(60, 400), "") })
		}},
		{"stolen extension", 4, 23, 55 * time.Hour, func(a *attacker, o *office) {
			a.some(10)
			a.lines(2, one(o, a), 300, 1800, "")
		}},
		{"transfer to premium", 2, 10, 8 * time.Hour, func(a *attacker, o *office) {
			a.ranges = []string{"0899123456", "0893123456", "+37190123456"}
			who := anybody(o, a)
			a.every(120, 600, func() { a.call(who(), a.seconds(120, 1800), "transferred") })
		}},
		{"redirect", 5, 2, 24 * time.Hour, func(a *attacker, o *office) {
			a.some(3)
			a.lines(10, func() string { return "+33423456700" }, 120, 1800, "redirected")
		}},
		{"short calls", 1, 11, 4 * time.Hour, func(a *attacker, o *office) {
			a.ranges = []string{"0899123456", "118712", "3699"}
			who := anybody(o, a)
			a.every(5, 15, func() { a.call(who(), a.seconds(3, 8), "") })
		}},
		{"long calls", 4, 18, 60 * time.Hour, func(a *attacker, o *office) {
			a.some(3)
			a.lines(2, one(o, a), 4*3600, 10*3600, "")
		}},
		{"new country", 1, 9, 9 * time.Hour, func(a *attacker, o *office) {
			a.some(1)
			who := one(o, a)
			a.every(600, 2400, func() { a.call(who(), a.seconds(300, 1800), "") })
		}},
		{"credential storm", 2, 3, 5 * time.Hour, func(a *attacker, o *office) {
			a.some(4)
			who := one(o, a)
			tries := 0
			a.every(1, 1, func() { // first he looks for what the carrier lets through
				if tries++; tries <= 120 {
					a.calls++
					status := []int{401, 403, 407}[a.random.IntN(3)]
					a.box.dial(dial{at: a.box.now, caller: who(), number: a.number(), rings: time.Second, status: status, mine: a})
				} else if a.up() < 6 {
					a.call(who(), a.seconds(120, 1200), "")
				}
			})
		}},
	}
}
