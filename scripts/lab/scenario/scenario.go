// Package scenario drives the real box with sipp as PBX and as carriers, one ladder after the other, and tells which of
// them came out as written.
//
// A Flow is a name and a ladder (ladder.go says how to write one); the scenarios of both sides are generated from it. A
// Group is flows that share a box; Groups has them all. Each flow is judged three ways: sipp's own (order, and nothing
// unexpected), the traces (every message received, with the wishes for it), and over a whole group the captures of both
// links, in which nothing of the other side may be found.
//
// It leaves the namespaces to lab, starting the box to branch, reading captures to capture.
package scenario

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// Group is flows that share a box.
type Group struct {
	Name    string
	Setting Setting
	Flows   []Flow
}

// Result is what came of one flow.
type Result struct {
	Group, Flow string
	Took        time.Duration
	Err         error
}

const stopPatience = 2 * time.Second

// Run takes every flow of a group through one box, then looks for leaks and for calls that were left behind; these two are
// results as well. keep is a folder for the logs of a group in which something failed; "": they are not kept.
func Run(ctx context.Context, binary string, g Group, keep string, report func(Result)) (err error) {
	w, err := open(ctx, binary, g.Setting)
	if err != nil {
		return fmt.Errorf("%s: %w", g.Name, err)
	}
	failed := false
	tell := func(flow string, begun time.Time, err error) {
		failed = failed || err != nil
		report(Result{g.Name, flow, time.Since(begun), err})
	}
	defer func() {
		if (failed || err != nil) && keep != "" {
			err = errors.Join(err, w.keep(filepath.Join(keep, g.Name)))
		}
		err = errors.Join(err, w.close())
	}()
	if !g.Flows[0].Boot {
		if err := w.start(ctx); err != nil {
			return fmt.Errorf("%s: %w", g.Name, err)
		}
	}
	for _, f := range g.Flows {
		begun := time.Now()
		err := w.run(ctx, f)
		tell(f.Name, begun, err)
		if err != nil && w.box.Process == nil {
			return nil // without a box the rest is moot
		}
		if err != nil {
			_ = w.box.AwaitRest(ctx) // so that the next flow is judged for itself
		}
	}
	begun := time.Now()
	tell("no call is left behind", begun, w.box.AwaitRest(ctx))
	begun = time.Now()
	total, err := w.hidden()
	tell(fmt.Sprintf("nothing of the other side in %d packets, %d kB", total.Packets, total.Bytes/1000), begun, err)
	return nil
}
