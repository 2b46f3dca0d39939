package traffic

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// every is how often a voice says something.
	every = 20 * time.Millisecond
	// tail is how long is waited for the last packets.
	tail = 400 * time.Millisecond
	// doze is how long the generator leaves its processor, and nap how long one that is the relay's too.
	doze = 50 * time.Microsecond
	nap  = 500 * time.Microsecond
)

// turn is when in each cycle a voice speaks.
type turn struct {
	phase time.Duration
	voice *voice
}

// generator holds what the loop touches.
type generator struct {
	inside, outside *pipe
	turns           []turn
	begin, end      int64 // of what counts
	dropped         int   // at both ends, before
	report          Report
	delay, late     histogram
	kept            []kept // in the order in which they came
}

// kept is an encrypted packet that is decrypted when nothing has to be in time any more.
type kept struct {
	voice  *voice
	packet [sealed]byte
}

// newGenerator encrypts everything that is to be said into ahead, which has room for it.
// The encrypted packets that are to be decrypted are kept in room, which is larger than what is said.
func newGenerator(s Spec, inside, outside *pipe, ahead [][sealed]byte, room []kept) (*generator, error) {
	g := &generator{inside: inside, outside: outside, kept: room[:0]}
	clear(inside.exits[:])
	clear(outside.exits[:])
	inside.far, outside.far = s.Calls[0].Inside.Addr().As4(), s.Calls[0].Outside.Addr().As4()
	for i, c := range s.Calls {
		there, back, err := voices(uint32(2*i), c, s.First, g.inside, g.outside)
		if err != nil {
			return nil, err
		}
		g.turns = append(g.turns, turn{rand.N(every), there}, turn{rand.N(every), back})
		inside.exits[c.Inside.Port()], outside.exits[c.Outside.Port()] = back, there
	}
	slices.SortFunc(g.turns, func(a, b turn) int { return int(a.phase - b.phase) })
	return g, g.prepare(ahead[:len(s.Calls)*s.packets()])
}

// prepare encrypts in the order in which voices speak.
func (g *generator) prepare(ahead [][sealed]byte) error {
	sealing := len(g.turns) / 2 // one way of each call
	at := 0
	for _, t := range g.turns {
		if t.voice.key == nil {
			continue
		}
		if err := t.voice.prepare(ahead[at:], sealing); err != nil {
			return err
		}
		at++
	}
	return nil
}

// run has every voice speak until the time is over, and then listens for what is under way.
func (g *generator) run(s Spec, tell func(string)) (Report, error) {
	if err := g.forget(); err != nil {
		return Report{}, err
	}
	start := time.Now()
	g.begin = start.Add(s.Warm).UnixNano()
	g.end = g.begin + int64(s.Span)
	var idle time.Duration
	told := 0
	for next, cycle := 0, start; ; {
		now := time.Now()
		switch {
		case told == 0 && now.UnixNano() >= g.begin:
			tell(Begun)
			told++
			idle = 0
		case told == 1 && now.UnixNano() >= g.end:
			tell(Ended)
			told++
			g.report.Busy = 1 - idle.Seconds()/s.Span.Seconds()
		case now.UnixNano() >= g.end+int64(tail):
			return g.sum()
		}
		said, err := g.speak(now, &next, &cycle)
		if err != nil {
			return Report{}, err
		}
		heard, err := g.listen()
		if err != nil {
			return Report{}, err
		}
		if said+heard == 0 {
			idle += s.pause()
		}
	}
}

// pause leaves the processor for a moment, so that packets gather and a system call carries several, and tells how long it was.
// It sleeps by a raw call: Go's scheduler would hand what the thread needs on to one that waits for a processor, behind
// whatever keeps the machine busy.
func (s Spec) pause() time.Duration {
	begun, rest := time.Now(), doze
	if s.Shared {
		rest = nap
	}
	t := unix.NsecToTimespec(int64(rest))
	unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
	return time.Since(begun)
}

// speak says what is due, up to a burst.
func (g *generator) speak(now time.Time, next *int, cycle *time.Time) (said int, err error) {
	for !g.inside.full() && !g.outside.full() {
		t := g.turns[*next]
		due := cycle.Add(t.phase)
		if due.After(now) {
			break
		}
		at := time.Now().UnixNano()
		if err := t.voice.say(at); err != nil {
			return said, err
		}
		said++
		if at >= g.begin && at < g.end {
			t.voice.count()
			g.report.Sent++
			g.late.add(time.Duration(at - due.UnixNano()))
		}
		if *next++; *next == len(g.turns) {
			*next, *cycle = 0, cycle.Add(every)
		}
	}
	if err := g.inside.flush(); err != nil {
		return said, err
	}
	return said, g.outside.flush()
}

// listen takes what has come out at both ends, up to a gulp each.
func (g *generator) listen() (heard int, err error) {
	for _, p := range []*pipe{g.inside, g.outside} {
		n, err := p.take()
		if err != nil {
			return heard, err
		}
		for i := range n {
			b, from, at := p.packet(i)
			g.judge(b, p.exits[from], at)
		}
		heard += n
	}
	return heard, nil
}

// forget throws away what has come since the time before, and what was lost then.
func (g *generator) forget() (err error) {
	for _, p := range []*pipe{g.inside, g.outside} {
		for n := gulp; n == gulp; {
			if n, err = p.take(); err != nil {
				return err
			}
		}
	}
	g.dropped, err = g.lost()
	return err
}

// lost is how many packets both ends have lost themselves since they were opened.
func (g *generator) lost() (n int, err error) {
	for _, p := range []*pipe{g.inside, g.outside} {
		lost, err := p.in.lost()
		if err != nil {
			return 0, err
		}
		n += lost
	}
	return n, nil
}

// judge counts a packet that came out where a voice does; nil: where none does.
func (g *generator) judge(b []byte, v *voice, at int64) {
	if len(b) < header {
		g.report.Broken++
		return
	}
	if b[1] >= 192 && b[1] <= 223 || b[1]&0x7f == 20 {
		return // the relay's own RTCP, or a packet without audio that keeps a router's way open
	}
	if v == nil {
		if at >= g.begin { // or it may be what was under way when there were more calls
			g.report.Broken++
		}
		return
	}
	number, ok := v.hear(b)
	if ok && v.keeps(number) {
		g.kept = append(g.kept, kept{v, [sealed]byte(b)})
	}
	switch {
	case !ok:
		g.report.Broken++
	case !v.counts(number):
	case number <= v.last:
		g.report.Disordered++
		g.report.Received++
	default:
		g.report.Received++
		if d, ok := v.delay(number, at); ok {
			g.delay.add(d)
		}
	}
	v.last = max(v.last, number)
}

// decrypt looks into the packets that were kept. One that is not what was said was lost.
func (g *generator) decrypt() {
	var scratch [size]byte
	for i := range g.kept {
		v, b := g.kept[i].voice, g.kept[i].packet[:]
		if v.decrypt(b, scratch[:]) {
			continue
		}
		g.report.Broken++
		if v.counts(binary.BigEndian.Uint32(b[4:]) / audio) {
			g.report.Received--
		}
	}
}

func (g *generator) sum() (Report, error) {
	g.decrypt()
	r := g.report
	r.Median, r.P99, r.Late = g.delay.at(0.5), g.delay.at(0.99), g.late.at(0.99)
	for _, t := range g.turns {
		r.Next = max(r.Next, t.voice.number+1)
	}
	lost, err := g.lost()
	r.Dropped = lost - g.dropped
	return r, err
}
