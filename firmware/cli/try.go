package cli

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"tollgate/firmware/api"
)

func tryCommand() command {
	return command{
		name: "try", usage: "try NUMBER [--from WHO] [--at TIME] [--trunk NAME] [--via WAY] [--in] [--state DIR]", short: "tell whether a call would go, and why",
		long: `Tells what would become of a call of the office to NUMBER, as it would be dialled: by which route and trunk it would go, or
what would refuse it, and everything that was considered. Nobody is called. The exit code is 1 when the call would not go.

    tollgate try 0899123456 --from 101 --at "2026-12-24 21:00"

    --from WHO    an extension, a user, or a number in international form
    --at TIME     when, by this machine's clock: 2026-12-24 21:00 (now)
    --trunk NAME  the carrier that is to take the call (as the routes say)
    --via WAY     dialled, transferred, redirected or overflowed (dialled)
    --in          a call that --trunk brings: NUMBER is one of the office's, --from who calls
    --state DIR   the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).try,
	}
}

func rehearseCommand() command {
	return command{
		name: "rehearse", usage: "rehearse FILE [--state DIR]", short: "tell which calls of the last days a policy would refuse",
		long: `Replays the calls of the last 14 days, 10,000 at most, under the policy in FILE (- reads the standard input), with its
routes, rules and caps, and prints those that would not have been let through. Nothing changes.

    --state DIR   the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).rehearse,
	}
}

func (t *terminal) try(args []string) error {
	f := flags("try")
	state, at := stateFlag(f), f.String("at", "", "")
	var r api.TryRequest
	f.StringVar(&r.From, "from", "", "")
	f.StringVar(&r.Trunk, "trunk", "", "")
	f.StringVar(&r.Via, "via", "", "")
	f.BoolVar(&r.Incoming, "in", false, "")
	found, err := parse(f, args, "NUMBER")
	if err != nil {
		return err
	}
	r.Number = found[0]
	if *at != "" {
		when, err := time.ParseInLocation("2006-01-02 15:04", *at, time.Local)
		if err != nil {
			return wrongUsage("--at %q is no time like 2026-12-24 21:00", *at)
		}
		r.At = &when
	}
	result, err := ask[api.TryResult](newClient(*state), http.MethodPost, "/calls/try", r)
	if err != nil {
		return err
	}
	return t.showTried(result)
}

func (t *terminal) showTried(r api.TryResult) error {
	number := clean(r.Number) + " (" + clean(r.Class)
	if r.Country != "" {
		number += ", " + clean(r.Country)
	}
	number += ")"
	switch {
	case !r.Goes:
		fmt.Fprintf(t.stdout, "REFUSED with %d: %s\n", r.Status, clean(r.Reason))
	case r.Route != "":
		fmt.Fprintf(t.stdout, "The call to %s goes, by route %s and trunk %s.\n", number, clean(r.Route), clean(r.Trunk))
	default:
		fmt.Fprintf(t.stdout, "The call to %s goes, by trunk %s.\n", number, clean(r.Trunk))
	}
	showSteps(t.stdout, r.Steps)
	if !r.Goes {
		return errSaid
	}
	return nil
}

// showSteps prints what was considered, one step a line.
func showSteps(w io.Writer, steps []api.Step) {
	for i, s := range steps {
		fmt.Fprintf(w, "  %2d. %-8s %-28s %s\n", i+1, clean(s.Says), clean(s.Rule), clean(s.Why))
	}
}

func (t *terminal) rehearse(args []string) error {
	f := flags("rehearse")
	state := stateFlag(f)
	found, err := parse(f, args, "FILE")
	if err != nil {
		return err
	}
	name, doc, err := t.read(found[0])
	if err != nil {
		return err
	}
	r, err := ask[api.Rehearsal](newClient(*state), http.MethodPost, "/policy/rehearse", api.RehearseRequest{Document: string(doc)})
	if err != nil {
		return t.refused(name, err)
	}
	return t.showRehearsal(r)
}

func (t *terminal) showRehearsal(r api.Rehearsal) error {
	if r.Calls == 0 || r.Since == nil {
		fmt.Fprintln(t.stdout, "There are no calls of the last days to replay.")
		return nil
	}
	since := r.Since.Local().Format("2006-01-02 15:04")
	if r.Blocked == 0 {
		fmt.Fprintf(t.stdout, "All %d calls since %s would have been let through.\n", r.Calls, since)
		return nil
	}
	fmt.Fprintf(t.stdout, "Would have blocked %d of %d calls since %s:\n", r.Blocked, r.Calls, since)
	w := table(t.stdout)
	row(w, "WHEN", "FROM", "TO", "BY", "REASON")
	for _, c := range r.Refused {
		row(w, c.At.Local().Format(time.DateTime), orDash(c.From), orDash(c.To), clean(c.Rule), clean(c.Reason))
	}
	if more := r.Blocked - len(r.Refused); more > 0 {
		row(w, fmt.Sprintf("and %d more before", more))
	}
	return w.Flush()
}
