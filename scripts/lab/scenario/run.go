package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"tollgate/scripts/lab"
)

// Flow is one exchange across the box.
type Flow struct {
	Name   string
	Ladder string

	Calls int    // how many times, default once
	Rate  int    // new calls a second, default one after the other
	Boot  bool   // it begins with the start of the box
	While string // a ladder that is under way meanwhile: it must end by itself
	Cross bool   // the callers send to the box's address of the other side

	Play func(context.Context, *world) error // instead of a ladder, for what sipp cannot do
}

const (
	// patience bounds one flow.
	patience = 20 * time.Second
	// recvTimeout is how long sipp waits for one message: longer than the eight seconds that the money of a call lasts.
	recvTimeout = 10 * time.Second
)

// actor is one peer's part in a flow.
type actor struct {
	peer
	port    uint16
	steps   []step
	trace   string // file
	process *lab.Process
}

// calls tells whether the peer begins.
func (a *actor) calls() bool {
	return a.steps[slices.IndexFunc(a.steps, func(s step) bool { return s.kind != waits })].kind == sends
}

// run takes a flow through the box and judges what each peer saw.
func (w *world) run(ctx context.Context, f Flow) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if f.Play != nil {
		return f.Play(ctx, w)
	}
	var background []*actor
	if f.While != "" {
		var err error
		if background, err = w.begin(ctx, Flow{Ladder: f.While}); err != nil {
			return fmt.Errorf("the call that is up meanwhile: %w", err)
		}
		if err := w.answered(ctx, background); err != nil {
			return fmt.Errorf("the call that is up meanwhile: %w", err)
		}
	}
	actors, err := w.begin(ctx, f)
	if err == nil {
		err = w.end(ctx, f, actors)
	}
	return errors.Join(err, w.end(ctx, Flow{Ladder: f.While}, background))
}

// begin starts the peers, those who wait for a call first.
func (w *world) begin(ctx context.Context, f Flow) ([]*actor, error) {
	parts, err := read(f.Ladder)
	if err != nil {
		return nil, err
	}
	w.runs++
	var actors []*actor
	for name, steps := range parts {
		actors = append(actors, &actor{peer: w.peers[name], steps: steps})
	}
	slices.SortFunc(actors, func(a, b *actor) int {
		if a.calls() != b.calls() {
			return map[bool]int{false: -1, true: 1}[a.calls()]
		}
		return strings.Compare(a.name, b.name)
	})
	booted := !f.Boot
	for _, a := range actors {
		if a.calls() && !booted {
			if err := w.start(ctx); err != nil {
				return actors, err
			}
			booted = true
		}
		if err := w.launch(ctx, f, a); err != nil {
			return actors, err
		}
	}
	if !booted {
		return actors, w.start(ctx)
	}
	return actors, nil
}

// launch runs sipp for one peer.
func (w *world) launch(ctx context.Context, f Flow, a *actor) error {
	a.port = sipPort
	if a.calls() && (a.transport == "tcp" || f.While != "") {
		a.port = uint16(10000 + w.runs) // a port of its own: the last connection may linger
	}
	if f.Cross {
		a.box = w.peers[map[bool]string{true: office, false: carrier}[a.outside()]].box
	}
	sp := speaker{
		marker: a.marker(), transport: a.transport, number: map[bool]string{false: "0472105518", true: "+33123456701"}[a.outside()],
		self: netip.AddrPortFrom(a.address, a.port), box: netip.AddrPortFrom(a.box, sipPort),
	}
	base := w.lab.Path(fmt.Sprintf("flow%03d-%s", w.runs, a.name))
	if err := os.WriteFile(base+".xml", []byte(sp.script(a.steps)), 0o644); err != nil {
		return fmt.Errorf("write scenario: %w", err)
	}
	a.trace = base + ".trace"
	args := []string{
		"-sf", base + ".xml", "-i", a.address.String(), "-p", fmt.Sprint(a.port), "-m", fmt.Sprint(max(f.Calls, 1)), "-nostdin",
		"-t", map[string]string{"udp": "u1", "tcp": "t1"}[a.transport], "-cid_str", "%u-%p-" + a.marker(),
		"-trace_msg", "-message_file", a.trace, "-message_overwrite", "false", "-recv_timeout", fmt.Sprint(recvTimeout.Milliseconds()), "-timeout", "18", "-timeout_error",
	}
	if a.calls() {
		args = append([]string{netip.AddrPortFrom(a.box, sipPort).String()}, args...)
		if f.Rate > 0 {
			args = append(args, "-r", fmt.Sprint(f.Rate), "-l", fmt.Sprint(f.Calls))
		} else {
			args = append(args, "-l", "1")
		}
	}
	var err error
	name := fmt.Sprintf("flow%03d-%s", w.runs, a.name)
	if a.process, err = a.host.Start(name, "sipp", args...); err != nil {
		return err
	}
	if a.calls() {
		return nil
	}
	return a.process.Await(ctx, "listening", func() bool { return listens(a.process.PID(), a.transport, a.port) })
}

// listens tells whether somebody in the process's namespace has a port open.
func listens(pid int, transport string, port uint16) bool {
	for _, file := range []string{transport, transport + "6"} {
		table, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, file))
		for line := range strings.Lines(string(table)) {
			fields := strings.Fields(line)
			if len(fields) > 3 && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) && (transport == "udp" || fields[3] == "0A") {
				return true
			}
		}
	}
	return false
}

// answered waits until a call is up: until every peer has sent or got its ACK.
func (w *world) answered(ctx context.Context, actors []*actor) error {
	for _, a := range actors {
		err := a.process.Await(ctx, "talking", func() bool {
			b, _ := os.ReadFile(a.trace)
			return strings.Contains(string(b), "\nACK ")
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// end waits for every peer and judges what it saw.
func (w *world) end(ctx context.Context, f Flow, actors []*actor) error {
	var faults []error
	for _, a := range actors {
		if a.process == nil {
			continue
		}
		select {
		case <-a.process.Done():
			if code := a.process.ExitCode(); code != 0 {
				faults = append(faults, fmt.Errorf("%s did not see what it should (sipp ended with %d)", a.name, code))
			}
		case <-ctx.Done():
			a.process.Stop(time.Second)
			faults = append(faults, fmt.Errorf("%s still waits after %v", a.name, patience))
		}
	}
	for _, a := range actors {
		faults = append(faults, a.judge(max(f.Calls, 1)))
	}
	if err := errors.Join(faults...); err != nil {
		return &Defect{Expected: f.Ladder, Seen: seen(actors), Err: err}
	}
	return nil
}

// Defect says how a flow went wrong.
type Defect struct {
	Expected, Seen string // ladders
	Err            error
}

func (d *Defect) Error() string {
	return fmt.Sprintf("%v\n  expected:\n%s\n  seen:\n%s", d.Err, indent(d.Expected), indent(d.Seen))
}

func (d *Defect) Unwrap() error { return d.Err }

func indent(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if strings.TrimSpace(line) != "" {
			b.WriteString("    " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
