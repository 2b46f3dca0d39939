package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"tollgate/scripts/lab/branch"
)

// emergencies are calls for help in a box whose only place is taken, and what the service may do afterwards.
func emergencies() []Flow {
	const help = `
INVITE{to 112} -> INVITE{to 112}
200            <- 200
ACK            -> ACK
` + officeHangsUp
	return []Flow{
		{Name: "an emergency call when the box is full", While: callMeanwhile, Ladder: help},
		{Name: "the service calls back when the box is full", Play: calledBack},
		{Name: "another number of ours is not called back", While: callMeanwhile, Ladder: `
 <- INVITE{to +33123456702}
 -> 486
`},
		{Name: "busy with the first carrier: the second is tried", Ladder: `
INVITE{to 15} ->   INVITE{to 15}
              <-   486
              -> b:INVITE{to 15}
` + toBackup},
		{Name: "an emergency caller who wants to stay unknown", Ladder: `
INVITE{to 112 | from "Anonymous" <sip:anonymous@anonymous.invalid> | Privacy: id} -> INVITE{to 112 | From: ^<sip:\+33123456700@ | no Privacy}
200 <- 200
ACK -> ACK
` + officeHangsUp},
		{Name: "an emergency call that requires what nobody speaks", Ladder: `
INVITE{to 112 | Require: teleport} -> INVITE{to 112 | no Require}
200 <- 200
ACK -> ACK
` + officeHangsUp},
		{Name: "more digits are no emergency call", Ladder: `
INVITE{to 1120} ->
484             <-
`},
		{Name: "an emergency call is not transferred", Ladder: `
INVITE{to 112} -> INVITE{to 112}
200            <- 200
ACK            -> ACK
REFER{Refer-To: <sip:004930123456@hidden-office.example>} ->
403                                                       <-
` + officeHangsUp},
		{Name: "an emergency call while a policy is on trial", Play: func(ctx context.Context, w *world) error { return w.onTrial(ctx, help) }},
		{Name: "a stop waits for one emergency call and takes another", Play: stopped},
	}
}

// take is a ladder that another is under way with.
func (w *world) take(ctx context.Context, ladder string) error {
	f := Flow{Ladder: ladder, While: ladder} // the caller's port is its own
	actors, err := w.begin(ctx, f)
	if err != nil {
		return err
	}
	return w.end(ctx, f, actors)
}

// calledBack has the service call the number that it was shown while an office call has the only place. That the place is
// taken is what the flow before and the one behind it show.
func calledBack(ctx context.Context, w *world) error {
	const officeCalls = `
INVITE{to 004930123456} -> b:INVITE{to +4930123456}
200                     <- b:200
ACK                     -> b:ACK
wait 1000               |
BYE                     -> b:BYE
200                     <- b:200
`
	other, err := w.begin(ctx, Flow{Ladder: officeCalls, While: officeCalls})
	if err == nil {
		err = w.answered(ctx, other)
	}
	if err != nil {
		return err
	}
	return errors.Join(w.take(ctx, `
INVITE <- INVITE{to +33123456700}
200    -> 200
ACK    <- ACK
`+carrierHangsUp), w.end(ctx, Flow{Ladder: officeCalls}, other))
}

// onTrial takes a ladder while the policy in force may be taken back.
func (w *world) onTrial(ctx context.Context, ladder string) error {
	policy, err := w.policy()
	if err != nil {
		return err
	}
	file := w.lab.Path("trial.yaml")
	if err := os.WriteFile(file, []byte(policy+"admin:\n  port: 8443\n"), 0o600); err != nil {
		return fmt.Errorf("write the policy: %w", err)
	}
	if err := w.command(ctx, "import", file); err != nil {
		return err
	}
	if err := w.box.Await(ctx, "on trial", func(s branch.Status) bool { return s.Mode == "trial" }); err != nil {
		return err
	}
	return errors.Join(w.take(ctx, ladder), w.command(ctx, "confirm"))
}

// command runs the box's own command line.
func (w *world) command(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, w.box.Binary, append(args, "--state", w.box.State())...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("tollgate %v: %w: %s", args, err, out)
	}
	return nil
}

// stopped tells the box to stop during an emergency call. It refuses an ordinary call, takes another emergency call, and
// ends when both have; then it starts again for the flows to come.
func stopped(ctx context.Context, w *world) error {
	help, err := w.begin(ctx, Flow{Ladder: `
INVITE{to 112} -> INVITE{to 112}
               <- 503
               -> b:INVITE{to 112}
200            <- b:200
ACK            -> b:ACK
wait 4000      |
BYE            -> b:BYE
200            <- b:200
`})
	if err == nil {
		err = w.answered(ctx, help)
	}
	if err != nil {
		return err
	}
	if err := w.box.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := w.box.Await(ctx, "draining", func(s branch.Status) bool { return s.Mode == "draining" }); err != nil {
		return err
	}
	err = errors.Join(w.take(ctx, `
INVITE ->
503    <-
`), w.take(ctx, `
INVITE{to 17} -> INVITE{to 17}
200           <- 200
ACK           -> ACK
`+officeHangsUp), w.end(ctx, Flow{}, help))
	select {
	case <-w.box.Process.Done():
	case <-ctx.Done():
		return errors.Join(err, errors.New("the box has not stopped"))
	}
	if code := w.box.Process.ExitCode(); code != 0 {
		err = errors.Join(err, fmt.Errorf("the box ended with %d", code))
	}
	return errors.Join(err, w.start(ctx))
}
