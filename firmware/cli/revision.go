package cli

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"tollgate/firmware/api"
)

func importCommand() command {
	return command{
		name: "import", usage: "import FILE [--why TEXT] [--state DIR]", short: "put a policy into force",
		long: `Sends the policy in FILE (- reads the standard input) to the running box. The box checks it as "tollgate check"
does; with a fault nothing changes. Otherwise the calls of the last days that it would have refused are printed ("tollgate
rehearse"), then the differences, and the policy is in force: running calls keep what they started with. A secret written
*** keeps the one in force.

Some changes are on trial at first: unless "tollgate confirm" comes in time, the policy before returns by itself.

    --why TEXT    a note for the list of revisions
    --state DIR   the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).importPolicy,
	}
}

func (t *terminal) importPolicy(args []string) error {
	f := flags("import")
	state, why := stateFlag(f), f.String("why", "", "")
	found, err := parse(f, args, "FILE")
	if err != nil {
		return err
	}
	name, doc, err := t.read(found[0])
	if err != nil {
		return err
	}
	box := newClient(*state)
	rehearsal, err := ask[api.Rehearsal](box, http.MethodPost, "/policy/rehearse", api.RehearseRequest{Document: string(doc)})
	if err == nil && rehearsal.Blocked > 0 { // what stands against it, the import says itself
		if err := t.showRehearsal(rehearsal); err != nil {
			return err
		}
	}
	result, err := ask[api.ImportResult](box, http.MethodPost, "/policy", api.ImportRequest{Document: string(doc), Why: *why})
	if err != nil {
		return t.refused(name, err)
	}
	for _, w := range result.Warnings {
		t.warn(name, w.Path, w.Text)
	}
	t.showImport(result)
	return nil
}

// refused tells the faults for which the box has refused a document; any other error is returned as it is.
func (t *terminal) refused(name string, err error) error {
	p := (*api.Problem)(nil)
	if !errors.As(err, &p) || p.Type != api.PolicyFaults {
		return err
	}
	for _, fault := range p.Faults {
		t.fault(name, fault.Line, fault.Column, fault.Path, fault.Problem, fault.Hint)
	}
	return t.count(name, len(p.Faults))
}

func (t *terminal) showChanges(list []api.Change) {
	for _, c := range list {
		switch {
		case c.Old == "":
			fmt.Fprintf(t.stdout, "+ %s: %s\n", c.Path, c.New)
		case c.New == "":
			fmt.Fprintf(t.stdout, "- %s: %s\n", c.Path, c.Old)
		default:
			fmt.Fprintf(t.stdout, "~ %s: %s -> %s\n", c.Path, c.Old, c.New)
		}
	}
}

func (t *terminal) showImport(r api.ImportResult) {
	t.showChanges(r.Changes)
	if len(r.Changes) == 0 {
		fmt.Fprintln(t.stdout, "The document says what is in force already.")
	}
	if r.Revision.State != "proposed" || r.Revision.Deadline == nil {
		fmt.Fprintf(t.stdout, "Revision %d is in force.\n", r.Revision.Number)
		return
	}
	fmt.Fprintf(t.stdout, "Revision %d is in force on trial until %s, %s from now.\n", r.Revision.Number,
		r.Revision.Deadline.Local().Format("15:04:05"), duration(time.Until(*r.Revision.Deadline)))
	fmt.Fprintln(t.stdout, "Then the one before returns by itself. To keep it: tollgate confirm")
}

func confirmCommand() command {
	return command{
		name: "confirm", usage: "confirm [--state DIR]", short: "keep the policy that is on trial",
		long: `Confirms the revision on trial, so that it stays and is the one the box starts with.

    --state DIR   the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).confirm,
	}
}

func (t *terminal) confirm(args []string) error {
	f := flags("confirm")
	state := stateFlag(f)
	if _, err := parse(f, args); err != nil {
		return err
	}
	box := newClient(*state)
	overview, err := ask[api.Overview](box, http.MethodGet, "/overview", nil)
	if err != nil {
		return err
	}
	r, err := ask[api.Revision](box, http.MethodPost, "/policy/confirm", api.ConfirmRequest{Revision: overview.Revision.Number})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.stdout, "Revision %d is confirmed.\n", r.Number)
	return nil
}

func exportCommand() command {
	return command{
		name: "export", usage: "export [--state DIR]", short: "print the confirmed policy, secrets masked",
		long: `Prints the policy that was last confirmed, with *** for every secret. It can be edited and imported again: ***
keeps the secret in force.

    --state DIR   the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).export,
	}
}

func (t *terminal) export(args []string) error {
	f := flags("export")
	state := stateFlag(f)
	if _, err := parse(f, args); err != nil {
		return err
	}
	doc, err := newClient(*state).do(http.MethodGet, "/policy", nil)
	if err != nil {
		return err
	}
	_, err = t.stdout.Write(doc)
	return err
}

func passwordCommand() command {
	return command{
		name: "password", usage: "password [--state DIR]", short: "make a new first password for the page",
		long: `For a password that was forgotten, or a first one that nobody noted. The old password is worth nothing from then
on, everybody is logged out, and the new one must be changed at the first log-in.

    --state DIR   the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).password,
	}
}

func (t *terminal) password(args []string) error {
	f := flags("password")
	state := stateFlag(f)
	if _, err := parse(f, args); err != nil {
		return err
	}
	p, err := ask[api.NewPassword](newClient(*state), http.MethodPost, "/password/reset", nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.stdout, "user      %s\npassword  %s\nIt is shown this once and must be changed at the first log-in.\n", p.User, p.Password)
	return nil
}
