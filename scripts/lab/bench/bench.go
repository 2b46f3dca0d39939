// Package bench puts the same calls through the box and through Kamailio, and the same audio through the box and through
// rtpengine, in turns on one core, and holds what the box costs against its bars.
//
//	world    the namespaces of the lab: office, system, carrier
//	Kind     the box, Kamailio that records routes, Kamailio that hides the topology
//	load     sipp as PBX and as carrier, on the other core
//	flood    a million messages that nobody asked for
//	stage    a system and its calls, with audio on them: the box, rtpengine
//	generate the generator of audio (traffic), on the other core
//	usage    processor time and memory of a system's processes
//	Bar      what must be reached, and whether it was
//
// Each system stands between the two networks in the same namespace with the same addresses. It leaves to others the
// namespaces (lab), the box's start (branch) and how results are printed (cmd/bench).
package bench

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// Options are what a bench is run with.
type Options struct {
	Binary   string        // the box's program
	Core     int           // of the generator; the bench itself and what it measures run on the core it was started on
	Another  string        // another build of the box's program, to be compared with it; "": Kamailio is
	Round    time.Duration // with calls, of each system and rate: in one go, or, for processor time, in turns
	Span     time.Duration // of each number of calls, for media
	Levels   []int         // numbers of calls at which the cost of a packet is measured, for media
	Only     string        // the one system to measure, for processor time and media; "": all of them, and their bars
	Rates    []int         // calls a second at which processor time is compared
	Rounds   int           // of each system, for media
	Live     int           // calls up at once, for memory
	Messages int           // of the flood
	Together int           // calls at once through the whole box
	First    int           // seed of invented offices, for fraud
	Seeds    int           // how many of them
	More     int           // calls that come and go meanwhile
	Keep     string        // folder for the logs; "": none
	Out      io.Writer     // what is going on, line by line
}

func (o Options) say(format string, args ...any) { fmt.Fprintf(o.Out, format+"\n", args...) }

// Bar is something that must be reached.
type Bar struct {
	Name, Measured, Limit string
	OK                    bool
}

func atMost(name string, measured, limit float64, format string) Bar {
	return Bar{name, fmt.Sprintf(format, measured), "at most " + fmt.Sprintf(format, limit), measured <= limit}
}

func atLeast(name string, measured, limit float64, format string) Bar {
	return Bar{name, fmt.Sprintf(format, measured), "at least " + fmt.Sprintf(format, limit), measured >= limit}
}

// The bars of signalling.
const (
	ofHiding    = 0.4 // of the processor time of Kamailio that hides the topology
	ofRecording = 0.9 // of the one that records routes
	cleanRate   = 1000
	mostMemory  = 400 // MB, at cleanRate
	liveMemory  = 25  // kB a call
)

// Part measures one thing and says what must be reached.
type Part struct {
	Name string
	Run  func(context.Context, Options) ([]Bar, error)
}

// SIP are the parts of the bench of signalling.
func SIP() []Part {
	return []Part{{"cpu", Cost}, {"rate", Rate}, {"live", Live}, {"flood", Flood}}
}

// Rates are those at which processor time is compared, in rising order. At the first the box's core is idle for three quarters
// of the time, and waking up is part of what a call costs; at the second topology hiding has Kamailio's core nearly full; the
// last is what the box must take on one core.
func Rates() []int { return []int{300, 500, cleanRate} }

// rateStep is how finely the highest clean rate is looked for.
const rateStep = 100

// Rate looks for the highest rate that each system takes cleanly for a round.
func Rate(ctx context.Context, o Options) ([]Bar, error) {
	o.say("highest clean rate over %v", o.Round)
	var bars []Bar
	for _, k := range Kinds() {
		from := cleanRate
		if k != Box {
			from = Rates()[0] // every system takes it
		}
		best, err := highest(ctx, o, k, from)
		if err != nil {
			return nil, err
		}
		if k != Box {
			o.say("  %-20s %d calls/s", k, best.Wanted)
			continue
		}
		bars = append(bars, atLeast("highest clean rate on one core", float64(best.Wanted), cleanRate, "%.0f calls/s"))
		at := best
		if best.Wanted > cleanRate {
			if at, err = round(ctx, o, k, during(cleanRate, o.Round)); err != nil {
				return nil, err
			}
			o.say("  %-20s %v", k, at)
		}
		bars = append(bars, atMost(fmt.Sprintf("memory at %d calls/s", at.Wanted), float64(at.Memory)/1e6, mostMemory, "%.0f MB"))
	}
	return bars, nil
}

// highest goes up while rounds are clean, else down until one is.
func highest(ctx context.Context, o Options, k Kind, from int) (Result, error) {
	var best Result
	for rate := from; rate > 0; {
		r, err := round(ctx, o, k, during(rate, o.Round))
		if err != nil {
			return best, err
		}
		o.say("  %-20s %v", k, r)
		switch {
		case r.clean() && rate >= from:
			best = r
			rate += rateStep
		case r.clean():
			return r, nil
		case best.Wanted > 0:
			return best, nil
		default:
			rate -= rateStep
		}
	}
	return best, nil
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// round takes calls through a freshly started system.
func round(ctx context.Context, o Options, k Kind, c calls) (Result, error) {
	w, err := open(o)
	if err != nil {
		return Result{}, err
	}
	defer w.close()
	s, err := w.start(ctx, k)
	if err != nil {
		return Result{}, err
	}
	r, err := w.measure(ctx, s, c)
	if err != nil {
		err = fmt.Errorf("%s: %w", k, err)
	}
	if err != nil || !r.clean() {
		w.keep(fmt.Sprintf("%s-%d", k, c.rate))
	}
	return r, err
}
