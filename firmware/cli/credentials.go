package cli

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tollgate/firmware/api"
)

func credentialsCommand() command {
	return command{
		name: "credentials", usage: "credentials [--state DIR]", short: "show how old the passwords of PBX and carriers are",
		long: `Prints each password's age, when it is due, and how its replacement stands. It prints no password.

    --state DIR   the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).credentials,
	}
}

func rotateCommand() command {
	return command{
		name: "rotate", usage: "rotate NAME [--cancel] [--state DIR]", short: "replace a password without a call lost",
		long: `For pbx the box makes a new password and prints it, this once: enter it in the PBX, which may use either until it is done.
For a carrier's account, named as trunk/user, the new password is read from the standard input; the box registers with it
again and again until the carrier takes it, and keeps the old one until then. If the carrier refuses it later, the old one returns by
itself.

    --cancel      call a replacement off that is not in force yet
    --state DIR   the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).rotate,
	}
}

func (t *terminal) credentials(args []string) error {
	f := flags("credentials")
	state := stateFlag(f)
	if _, err := parse(f, args); err != nil {
		return err
	}
	found, err := ask[struct{ Credentials []api.Credential }](newClient(*state), http.MethodGet, "/credentials", nil)
	if err != nil {
		return err
	}
	if len(found.Credentials) == 0 {
		fmt.Fprintln(t.stdout, "The policy has no passwords.")
		return nil
	}
	w := table(t.stdout)
	row(w, "PASSWORD OF", "SINCE", "DUE", "STATE", "REMARK")
	for _, c := range found.Credentials {
		row(w, clean(c.ID), c.Since.Local().Format(time.DateOnly), day(c.Due), c.State, orDash(remark(c)))
	}
	return w.Flush()
}

// remark says what there is to know of a replacement.
func remark(c api.Credential) string {
	var list []string
	if c.Trouble != "" {
		list = append(list, c.Trouble)
	}
	if c.Until != nil {
		list = append(list, map[string]string{"active": "the one before is kept until ", "pending": "waits until ", "probed": "waits until "}[c.State]+day(c.Until))
	}
	for _, l := range c.Laggards {
		list = append(list, "the old one was used from "+l.Source)
	}
	return strings.Join(list, "; ")
}

func day(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.Local().Format(time.DateOnly)
}

func (t *terminal) rotate(args []string) error {
	f := flags("rotate")
	state, cancel := stateFlag(f), f.Bool("cancel", false, "")
	found, err := parse(f, args, "NAME")
	if err != nil {
		return err
	}
	box := newClient(*state)
	if *cancel {
		if _, err := box.do(http.MethodPost, "/credentials/cancel", api.CancelRequest{ID: found[0]}); err != nil {
			return err
		}
		fmt.Fprintf(t.stdout, "The password of %s stays as it is.\n", clean(found[0]))
		return nil
	}
	request := api.RotateRequest{ID: found[0]}
	if strings.Contains(found[0], "/") {
		fmt.Fprintf(t.stderr, "New password of %s: ", clean(found[0]))
		line, err := bufio.NewReader(t.stdin).ReadString('\n')
		if request.Secret = strings.TrimRight(line, "\r\n"); request.Secret == "" {
			return fmt.Errorf("no password was given: %w", err)
		}
	}
	result, err := ask[api.RotateResult](box, http.MethodPost, "/credentials/rotate", request)
	if err != nil {
		return err
	}
	if result.Secret != "" {
		fmt.Fprintf(t.stdout, "New password, shown this once:  %s\nEnter it in the PBX. Both count until the PBX has used it, and the old one for some days more.\n", result.Secret)
		return nil
	}
	fmt.Fprintln(t.stdout, "The carrier is asked now and every few minutes; the old password counts until it takes the new one.\nHow it stands: tollgate credentials")
	return nil
}
