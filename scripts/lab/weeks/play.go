package weeks

import (
	"container/heap"
	"fmt"
	"time"

	"tollgate/firmware/admission"
	"tollgate/firmware/calendar"
	"tollgate/firmware/fraud"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// trunk is the carrier of the invented box.
const trunk = "carrier"

// hangUp is how long it takes from a cut until the carrier has the BYE.
const hangUp = 300 * time.Millisecond

// settings are what a box is set up with. Everything in them is the default, but that every destination is open: what stops an
// attack is the judgement of fraud alone.
type settings struct {
	policy   *policy.Policy
	plan     *numbering.Plan
	zone     *time.Location
	config   fraud.Config
	numbered map[string]numbering.Number
}

const document = `
version: 1
site: {name: Lyon, country: FR, time_zone: Europe/Paris}
network:
  inside: {interface: eth0, address: 192.0.2.10/24}
  outside: {interface: eth1, address: 198.51.100.10/24}
pbx: {address: 192.0.2.20}
trunks:
  - {name: carrier, domain: carrier.example, transport: udp, accounts: [{user: line, numbers: [+33423456700]}]}
limits: {calls: 250}
admission:
  classes: [national, mobile, freephone, shortcode, shared, overseas, premium, international, shared-abroad, satellite, special]
`

// newSettings makes them; with rates, the customer has brought his carrier's price list.
func newSettings(rates bool) (*settings, error) {
	p, err := policy.Parse([]byte(document))
	if err != nil {
		return nil, err
	}
	s := &settings{policy: p, numbered: map[string]numbering.Number{}}
	if s.plan, err = numbering.For(p.Site.Country); err != nil {
		return nil, err
	}
	if s.zone, err = time.LoadLocation(p.Site.TimeZone); err != nil {
		return nil, err
	}
	var own map[string]fraud.Rate
	if rates {
		if own, err = fraud.ReadRates(priceList(), s.plan); err != nil {
			return nil, err
		}
	}
	prices, err := fraud.NewPrices(own)
	if err != nil {
		return nil, err
	}
	holidays, err := calendar.New(p.Site.Country, p.Site.Holidays)
	s.config = fraud.Config{Policy: p.Fraud, Prices: prices, Zone: s.zone, Holidays: holidays}
	return s, err
}

// event is something that happens at a time.
type event struct {
	at    time.Time
	order int
	do    func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }

// Push and Pop are heap.Interface's.
func (e *events) Push(x any) { *e = append(*e, x.(event)) }

// Pop takes the last one.
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	*e = old[:len(old)-1]
	return last
}

// box is the judgement of the real one, by an invented clock.
type box struct {
	*settings
	gate    *admission.Gate
	watch   *fraud.Watch
	now     time.Time
	agenda  events
	order   int
	running map[uint64]*running
	alarms  []fraud.Alarm
	ends    bool // an administrator releases what is blocked
	err     error
}

// running is a call that holds a ticket.
type running struct {
	dial     dial
	ticket   *admission.Ticket
	number   string
	answered time.Time
	over     bool
}

func newBox(s *settings) *box {
	b := &box{settings: s, gate: admission.New(s.policy), watch: fraud.New(s.config), running: map[uint64]*running{}}
	b.gate.Set(s.policy, s.zone)
	b.gate.SetWatch(b)
	b.gate.SetFollower(b)
	return b
}

func called(id uint64, a admission.Attempt) fraud.Call {
	return fraud.Call{ID: id, Caller: a.User, Trunk: a.Trunk, Number: a.Number, At: a.At}
}

// Refuse asks the judgement of fraud.
func (b *box) Refuse(a admission.Attempt) *admission.Refusal {
	if no := b.watch.Refuse(called(0, a)); no != nil {
		return &admission.Refusal{Status: 403, Rule: no.Rule, Reason: no.Reason}
	}
	return nil
}

// Begin counts a call.
func (b *box) Begin(id uint64, a admission.Attempt, _ time.Time) { b.watch.Begin(called(id, a)) }

// Carry notes its trunk.
func (b *box) Carry(id uint64, trunk string) { b.watch.Carry(id, trunk, b.now) }

// Heard notes the carrier's answer.
func (b *box) Heard(id uint64, status int) {
	if status == 200 {
		b.watch.Answer(id, b.now)
	} else {
		b.watch.Decline(id, status, b.now)
	}
}

// End notes that a call is over.
func (b *box) End(id uint64) { b.watch.End(id, b.now) }

// at has something happen.
func (b *box) at(t time.Time, do func()) {
	b.order++
	heap.Push(&b.agenda, event{t, b.order, do})
}

// play lets the time pass until end, with these calls, which are in order.
func (b *box) play(calls []dial, end time.Time) {
	for {
		next, what := end, 0
		if len(calls) > 0 && calls[0].at.Before(next) {
			next, what = calls[0].at, 1
		}
		if len(b.agenda) > 0 && !b.agenda[0].at.After(next) {
			next, what = b.agenda[0].at, 2
		}
		if due := b.watch.Next(); !due.IsZero() && !due.After(next) {
			b.now = latest(b.now, due)
			b.cut()
			b.take()
			continue
		}
		b.now = latest(b.now, next)
		switch what {
		case 0:
			return
		case 1:
			b.dial(calls[0])
			calls = calls[1:]
		case 2:
			heap.Pop(&b.agenda).(event).do()
		}
		b.take()
	}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// cut ends the calls that are due.
func (b *box) cut() {
	for _, c := range b.watch.Due(b.now) {
		r := b.running[c.ID]
		if r == nil {
			continue
		}
		if r.dial.mine != nil {
			r.dial.mine.found(b.now)
		}
		b.at(b.now.Add(hangUp), func() { b.hangUp(r, true) })
	}
}

// take takes what was found out. In office hours an administrator releases what is blocked, half an hour later.
func (b *box) take() {
	found := b.watch.Alarms()
	b.alarms = append(b.alarms, found...)
	if len(found) == 0 || !b.ends {
		return
	}
	local := b.now.In(b.zone)
	seen := time.Date(local.Year(), local.Month(), local.Day(), max(9, local.Hour()), local.Minute()+30, 0, 0, b.zone)
	if local.Hour() >= 18 {
		seen = time.Date(local.Year(), local.Month(), local.Day()+1, 9, 30, 0, 0, b.zone)
	}
	for seen.Weekday() == time.Saturday || seen.Weekday() == time.Sunday {
		seen = seen.AddDate(0, 0, 1)
	}
	b.at(seen, func() {
		for _, block := range b.watch.Blocks() {
			b.watch.Release(block.Kind, block.Of, b.now)
		}
	})
}

// number reads what somebody dialled.
func (b *box) number(dialled string) numbering.Number {
	n, known := b.numbered[dialled]
	if !known {
		var err error
		if n, err = b.plan.Read(dialled, ""); err != nil {
			b.err = fmt.Errorf("an invented number: %w", err)
		}
		if len(b.numbered) < 200_000 {
			b.numbered[dialled] = n
		}
	}
	return n
}

// dial makes a call as the box would.
func (b *box) dial(d dial) {
	n := b.number(d.number)
	ticket, no := b.gate.Admit(admission.Attempt{
		Caller: policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}, Number: n, User: d.caller, Via: admission.Via(d.via), Call: "call", At: b.now,
	})
	if no == nil {
		if no = ticket.Move(trunk, numbering.Number{}, b.now); no != nil {
			ticket.Release()
		}
	}
	if no != nil {
		if d.mine != nil {
			d.mine.refused(b.now)
		}
		return
	}
	r := &running{dial: d, ticket: ticket, number: n.String()}
	b.running[ticket.ID()] = r
	b.at(b.now.Add(d.rings), func() { b.answer(r) })
}

func (b *box) answer(r *running) {
	if r.over {
		return
	}
	if r.dial.status != 487 { // the caller has given up
		r.ticket.Heard(r.dial.status, b.now)
	}
	if r.dial.status != 200 {
		b.hangUp(r, false)
		return
	}
	r.answered = b.now
	b.at(b.now.Add(r.dial.talks), func() { b.hangUp(r, false) })
}

func (b *box) hangUp(r *running, cut bool) {
	if r.over {
		return
	}
	r.over = true
	delete(b.running, r.ticket.ID())
	r.ticket.Release()
	if r.dial.mine == nil {
		return
	}
	if !r.answered.IsZero() {
		r.dial.mine.loss += bill(r.number, b.now.Sub(r.answered))
	}
	r.dial.mine.ended(b.now, cut)
}
