package cli

import (
	"fmt"
	"net/http"
	"time"

	"tollgate/firmware/api"
)

func stickCommand() command {
	return command{
		name: "stick", usage: "stick [--yes | --no] [--state DIR]", short: "show what became of a USB stick, or decide",
		long: `Shows the latest USB stick: what it would change, whether it was taken, and why not. A stick that nobody signed waits for a
word once the box has a policy.

    --yes          take the stick that waits
    --no           refuse it
    --state DIR    the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).stick,
	}
}

func (t *terminal) stick(args []string) error {
	f := flags("stick")
	state, yes, no := stateFlag(f), f.Bool("yes", false, ""), f.Bool("no", false, "")
	if _, err := parse(f, args); err != nil {
		return err
	}
	if *yes && *no {
		return wrongUsage("say --yes or --no")
	}
	var answer struct{ Stick *api.Stick }
	var err error
	if *yes || *no {
		answer, err = ask[struct{ Stick *api.Stick }](newClient(*state), http.MethodPost, "/stick", api.StickDecision{Yes: *yes})
	} else {
		answer, err = ask[struct{ Stick *api.Stick }](newClient(*state), http.MethodGet, "/stick", nil)
	}
	if err != nil {
		return err
	}
	t.showStick(answer.Stick)
	return nil
}

func (t *terminal) showStick(s *api.Stick) {
	if s == nil {
		fmt.Fprintln(t.stdout, "No stick was plugged in since the box started.")
		return
	}
	fmt.Fprintf(t.stdout, "Stick of %s: %s\n", s.At.Local().Format(time.DateTime), s.Phase)
	if s.Signer != "" {
		fmt.Fprintf(t.stdout, "Signed by %s\n", clean(s.Signer))
	}
	if s.Reason != "" {
		fmt.Fprintln(t.stdout, clean(s.Reason))
	}
	t.showChanges(s.Changes)
	if s.Sources > 0 {
		fmt.Fprintf(t.stdout, "  %d sources to keep away\n", s.Sources)
	}
}
