// Package bench puts the same calls through the box and through Kamailio, one system after the other on one core, and
// holds what the box costs against its bars.
//
//	world    the namespaces of the lab: office, system, carrier
//	System   the box, Kamailio that records routes, Kamailio that hides the topology
//	load     sipp as PBX and as carrier, on the other core
//	usage    processor time and memory of a system's processes
//	Bar      what must be reached, and whether it was
//
// Each system stands between the two networks in the same namespace with the same addresses. It leaves to others the
// namespaces (lab), the box's start (branch) and the order of things (cmd/bench).
package bench

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// Options are what a bench is run with.
type Options struct {
	Binary   string // the box's program
	Core     int    // of the generator; the bench itself and what it measures run on the core it was started on
	Round    time.Duration
	Rounds   int
	Messages int    // of the flood
	Keep     string // folder for the logs; "": none
	Out      io.Writer
}

func (o Options) say(format string, args ...any) { fmt.Fprintf(o.Out, format+"\n", args...) }

// shuffled is the order of one round: no system always comes after the same other one.
func shuffled() []Kind {
	kinds := Kinds()
	rand.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	return kinds
}

// settle is how long a system rests between start and load.
const settle = time.Second

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
	time.Sleep(settle)
	r, err := w.measure(ctx, s, c)
	if err != nil || !r.clean() {
		w.keep(fmt.Sprintf("%s-%d", k, c.rate))
	}
	return r, err
}

func Try(ctx context.Context, o Options, k Kind, rate int) (Result, error) {
	return round(ctx, o, k, during(rate, o.Round))
}
