package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"syscall"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/traffic"
)

// The bench of media puts the audio of the same calls through the box and through rtpengine, RTP on the one side and SRTP
// on the other: what a packet costs, and how many calls one core takes.

// relay is a system that carries media.
type relay interface {
	// add sets up one more call and tells where it is.
	add() (traffic.Call, error)
	pid() int
	close()
}

// relayKind names a system that carries media.
type relayKind string

// The systems. The box has two ways to take and send packets; the portable one is there on every kernel.
const (
	steered   relayKind = "tollgate"
	portable  relayKind = "portable"
	rtpengine relayKind = "rtpengine"
)

// relays are the systems to measure, in changing order: none always comes after the same other one.
func relays(o Options) []relayKind {
	if o.Only != "" {
		return []relayKind{relayKind(o.Only)}
	}
	kinds := []relayKind{steered, portable, rtpengine}
	rand.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	return kinds
}

// What counts as carried.
const (
	mostLoss  = 0.001
	mostDelay = 20 * time.Millisecond
)

// way is one of the box's, and its bars: the share of rtpengine's processor time, and of its calls.
type way struct {
	way         relayKind
	cost, calls float64
}

func ways() []way { return []way{{portable, 0.85, 1.4}, {steered, 0.7, 2}} }

// Media are the parts of the bench of media.
func Media() []Part { return []Part{{"packet", PacketCost}, {"calls", MostCalls}} }

// Levels are the numbers of calls at which the cost of a packet is measured; from barred on there are bars.
func Levels() []int { return []int{200, 400, 800} }

const barred = 400

// costs are what a packet of each system cost in one round, by calls, in µs of processor time.
type costs map[relayKind]map[int]float64

// PacketCost compares the processor time of a packet, the rounds in changing order.
func PacketCost(ctx context.Context, o Options) ([]Bar, error) {
	o.say("processor time of a packet, RTP on the one side and SRTP on the other, %v each", o.Span)
	var rounds []costs
	for range o.Rounds {
		round := costs{}
		for _, k := range relays(o) {
			var err error
			if round[k], err = costRound(ctx, o, k); err != nil {
				return nil, fmt.Errorf("%s: %w", k, err)
			}
		}
		rounds = append(rounds, round)
	}
	if o.Only != "" {
		return nil, nil
	}
	return costBars(o.Levels, rounds)
}

// costRound measures one system, freshly started, at each level.
func costRound(ctx context.Context, o Options, k relayKind) (map[int]float64, error) {
	s, err := openStage(ctx, o, k)
	if err != nil {
		return nil, err
	}
	defer s.close()
	cost := map[int]float64{}
	for _, calls := range o.Levels {
		h, err := s.listen(ctx, k, calls)
		if err != nil {
			return nil, err
		}
		if h.Trusted() {
			cost[calls] = h.cost()
		}
	}
	return cost, nil
}

// costBars takes the median of what the rounds say, each in itself: a machine that is slower for a while is so for both.
func costBars(levels []int, rounds []costs) ([]Bar, error) {
	var bars []Bar
	for _, calls := range levels {
		if calls < barred {
			continue
		}
		for _, w := range ways() {
			var ours, theirs, shares []float64
			for _, r := range rounds {
				if a, b := r[w.way][calls], r[rtpengine][calls]; a > 0 && b > 0 {
					ours, theirs, shares = append(ours, a), append(theirs, b), append(shares, a/b)
				}
			}
			if len(shares) == 0 {
				return nil, fmt.Errorf("no round of %s with %d calls counts: the generator came late; is the machine busy with something else?", w.way, calls)
			}
			name := fmt.Sprintf("CPU of a packet at %d calls, %s: %.2f µs against %.2f µs of rtpengine", calls, w.way, median(ours), median(theirs))
			bars = append(bars, atMost(name, median(shares), w.cost, "%.2f x"))
		}
	}
	return bars, nil
}

// MostCalls looks for the most calls that each system carries without loss and delay.
func MostCalls(ctx context.Context, o Options) ([]Bar, error) {
	o.say("most calls with loss <= 0.1 %% and 99 of 100 packets within %v, on one core: carried once of %d times; the systems in turn", mostDelay, chances)
	var rounds []map[relayKind]int
	for range o.Rounds {
		best, err := callRound(ctx, o)
		if err != nil {
			return nil, err
		}
		for _, k := range slices.Sorted(maps.Keys(best)) {
			o.say("  %-9s %d calls", k, best[k])
		}
		rounds = append(rounds, best)
	}
	if o.Only != "" {
		return nil, nil
	}
	var bars []Bar
	for _, w := range ways() {
		var ours, theirs, shares []float64
		for _, r := range rounds {
			a, b := float64(r[w.way]), float64(r[rtpengine])
			if b == 0 {
				return nil, errors.New("rtpengine carries no calls at all: is the machine busy with something else?")
			}
			ours, theirs, shares = append(ours, a), append(theirs, b), append(shares, a/b)
		}
		name := fmt.Sprintf("calls on one core, %s: %.0f against %.0f of rtpengine", w.way, median(ours), median(theirs))
		bars = append(bars, atLeast(name, median(shares), w.calls, "%.2f x"))
	}
	return bars, nil
}

// seeker is one system whose most calls are looked for.
type seeker struct {
	*search
	kind  relayKind
	stage *stage
	late  int // how often the generator came late, one time after another
}

// callRound looks for the most calls of each system, freshly started. They take turns, try by try, and those that wait are
// stopped: a machine that is slower for a while is so for all.
func callRound(ctx context.Context, o Options) (best map[relayKind]int, err error) {
	o.Span /= 2
	var seekers []*seeker
	defer func() {
		for _, s := range seekers {
			s.stage.wake()
			s.stage.close()
		}
	}()
	for _, k := range relays(o) {
		s, err := openStage(ctx, o, k)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		seekers = append(seekers, &seeker{search: newSearch(k), kind: k, stage: s})
		s.halt()
	}
	best = map[relayKind]int{}
	for len(best) < len(seekers) {
		for _, s := range seekers {
			if s.over() {
				best[s.kind] = s.best
				continue
			}
			if err := s.try(ctx); err != nil {
				return nil, fmt.Errorf("%s: %w", s.kind, err)
			}
		}
	}
	return best, nil
}

// try tries once whether the system carries so many calls. What the generator spoiled by coming late is tried again at the next turn.
func (s *seeker) try(ctx context.Context) error {
	s.stage.wake()
	defer s.stage.halt()
	h, err := s.stage.listenOnce(ctx, s.kind, s.calls)
	if err != nil {
		return err
	}
	if h.Trusted() {
		s.late = 0
		s.take(h.clean(), false)
		return nil
	}
	if s.late++; s.kind == rtpengine && s.late == 3*tries { // which ends first, or the comparison says nothing
		return fmt.Errorf("the generator itself does not keep up at %d calls: %v", s.calls, h)
	}
	if s.kind != rtpengine && s.late == tries {
		s.stage.world.options.say("  %-9s the generator ends before it does", s.kind)
		s.late = 0
		s.take(false, true)
	}
	return nil
}

// halt stops the system where it is, and wake has it go on.
func (s *stage) halt() { syscall.Kill(s.relay.pid(), syscall.SIGSTOP) }
func (s *stage) wake() { syscall.Kill(s.relay.pid(), syscall.SIGCONT) }

// hearing is what one level came to.
type hearing struct {
	traffic.Report
	calls int
	cpu   time.Duration // of the system
}

// cost is the processor time of a packet in µs.
func (h hearing) cost() float64 { return h.cpu.Seconds() * 1e6 / float64(max(1, h.Received)) }

// clean tells whether the calls were carried as they should be.
func (h hearing) clean() bool {
	return h.Loss() <= mostLoss && h.P99 <= mostDelay && h.Broken == 0 && h.Disordered == 0
}

func (h hearing) String() string {
	text := fmt.Sprintf("%4d calls  %5.2f µs/packet  loss %.3f %%  delay %6.2f ms, p99 %6.2f ms  generator %3.0f %% busy, p99 %.2f ms late",
		h.calls, h.cost(), 100*h.Loss(), ms(h.Median), ms(h.P99), 100*h.Busy, ms(h.Late))
	for _, fault := range []struct {
		n    int
		what string
	}{{h.Broken, "broken"}, {h.Disordered, "out of order"}, {h.Dropped, "lost by the generator itself"}} {
		if fault.n > 0 {
			text += fmt.Sprintf("  %d %s", fault.n, fault.what)
		}
	}
	return text
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

// stage is one system between the office's end and the carrier's, with its calls.
type stage struct {
	world     *world
	relay     relay
	generator *generator
	calls     []traffic.Call
	first     uint32
	shared    bool // the system has the generator's core as well
}

// openStage starts a system.
func openStage(ctx context.Context, o Options, k relayKind) (s *stage, err error) {
	s = &stage{}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.world, err = open(o); err != nil {
		return s, err
	}
	if err = s.world.lab.Cable(); err != nil {
		return s, err
	}
	if s.generator, err = startGenerator(o.Core); err != nil {
		return s, err
	}
	if k == rtpengine {
		s.relay, err = s.world.startRTPEngine(ctx)
	} else {
		s.relay, err = s.world.startTalkingBox(ctx, k == portable)
	}
	return s, err
}

// setUp sees to so many calls before there is audio on any: what a system does when calls come while it is busy is not what is
// measured here. Those that are too many stay, without audio. A box that has just been found full refuses more for some seconds, and
// is asked again.
func (s *stage) setUp(calls int) error {
	for asked := 1; len(s.calls) < calls; asked++ {
		c, err := s.relay.add()
		if errors.Is(err, errFull) && asked < tries {
			continue
		}
		asked = 0
		if err != nil {
			s.world.keep("media")
			return fmt.Errorf("set up call %d: %w", len(s.calls)+1, err)
		}
		s.calls = append(s.calls, c)
	}
	return nil
}

func (s *stage) close() {
	if s.relay != nil {
		s.relay.close()
	}
	if s.generator != nil {
		s.generator.stop()
	}
	if s.world != nil {
		s.world.close()
	}
}

// settle is how long calls have had audio before it counts: a box may have wondered why they were silent.
const settle = 3 * time.Second

// tries is how often the same is measured, on a machine that is busy with something else, until the generator keeps up.
const tries = 3

// listen is listenOnce, again when the generator itself came late.
func (s *stage) listen(ctx context.Context, k relayKind, calls int) (h hearing, err error) {
	for range tries {
		if h, err = s.listenOnce(ctx, k, calls); err != nil || h.Trusted() {
			return h, err
		}
	}
	return h, nil
}

// listenOnce is hear, with what it takes and told to whoever watches.
func (s *stage) listenOnce(ctx context.Context, k relayKind, calls int) (h hearing, err error) {
	if err = s.setUp(calls); err != nil {
		return h, err
	}
	if h, err = s.hear(ctx, calls); err == nil {
		s.world.options.say("  %-9s %v", k, h)
	}
	return h, err
}

// hear has audio on so many calls.
func (s *stage) hear(ctx context.Context, calls int) (hearing, error) {
	l := s.world.lab
	inside, outside, err := boxPorts(l)
	if err != nil {
		return hearing{}, err
	}
	spec := traffic.Spec{
		Inside:  traffic.End{Namespace: l.PBX.Namespace, Address: mediaOf(l.Net.PBX), Link: &traffic.Link{Name: l.Box.Name, Far: inside}},
		Outside: traffic.End{Namespace: l.Carrier.Namespace, Address: mediaOf(l.Net.Carrier), Link: &traffic.Link{Name: l.Box.Name, Far: outside}},
		Calls:   s.calls[:calls], First: s.first, Warm: settle, Span: s.world.options.Span, Shared: s.shared,
	}
	report, cpu, err := s.generator.run(ctx, spec, s.relay.pid())
	s.first = report.Next
	return hearing{Report: report, calls: calls, cpu: cpu}, err
}

// boxPorts are the Ethernet addresses of the box's two interfaces.
func boxPorts(l *lab.Lab) (inside, outside net.HardwareAddr, err error) {
	err = lab.Inside(l.Box.Namespace, func() error {
		for name, address := range map[string]*net.HardwareAddr{lab.BoxInside: &inside, lab.BoxOutside: &outside} {
			link, err := net.InterfaceByName(name)
			if err != nil {
				return fmt.Errorf("find the box's port %s: %w", name, err)
			}
			*address = link.HardwareAddr
		}
		return nil
	})
	return inside, outside, err
}
