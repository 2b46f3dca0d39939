package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"tollgate/firmware/api"
)

func stickCommand() command {
	return command{
		name: "stick", usage: "stick [--yes | --no] [--phrase] [--write WHAT,...] [--recipient R] [--state DIR]", short: "show what became of a USB stick, decide, or write onto it",
		long: `Shows the latest USB stick: what it would change, whether it was taken, and why not. A stick that nobody signed waits for a
word once the box has a policy, one that is sealed for its pass phrase. The recipient that is shown is for sealing keys for this box:
age -r RECIPIENT.

    --yes          take the stick that waits, or open it
    --no           refuse it
    --phrase       read a pass phrase from standard input
    --write WHAT   write onto the stick: backup, calls, log or evidence, with commas between; a backup is sealed with the pass phrase
    --recipient R  seal the backup for R instead
    --state DIR    the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).stick,
	}
}

// stickAnswer is what the box says of sticks.
type stickAnswer struct {
	Stick     *api.Stick
	Recipient string
	Files     []api.StickFile
}

func (t *terminal) stick(args []string) error {
	f := flags("stick")
	state, yes, no := stateFlag(f), f.Bool("yes", false, ""), f.Bool("no", false, "")
	typed, write, recipient := f.Bool("phrase", false, ""), f.String("write", "", ""), f.String("recipient", "", "")
	if _, err := parse(f, args); err != nil {
		return err
	}
	if *yes && *no || (*yes || *no) && *write != "" {
		return wrongUsage("say --yes or --no, or --write")
	}
	phrase := ""
	if *typed {
		line, err := bufio.NewReader(t.stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the pass phrase: %w", err)
		}
		phrase = strings.TrimRight(line, "\r\n")
	}
	box := newClient(*state)
	switch {
	case *write != "":
		return t.writeStick(box, *write, api.StickExport{Phrase: phrase, Recipient: *recipient})
	case *yes || *no:
		return t.told(ask[stickAnswer](box, http.MethodPost, "/stick", api.StickDecision{Yes: *yes, Phrase: phrase}))
	}
	return t.told(ask[stickAnswer](box, http.MethodGet, "/stick", nil))
}

func (t *terminal) told(a stickAnswer, err error) error {
	if err != nil {
		return err
	}
	t.showStick(a.Stick)
	fmt.Fprintf(t.stdout, "Recipient of what is sealed for this box: %s\n", clean(a.Recipient))
	return nil
}

func (t *terminal) writeStick(box *client, what string, e api.StickExport) error {
	for _, word := range listOf(what) {
		wanted := map[string]*bool{"backup": &e.Backup, "calls": &e.Calls, "log": &e.Log, "evidence": &e.Evidence}[word]
		if wanted == nil {
			return wrongUsage("--write takes backup, calls, log and evidence, not %q", word)
		}
		*wanted = true
	}
	answer, err := ask[stickAnswer](box, http.MethodPost, "/stick/export", e)
	if err != nil {
		return err
	}
	for _, f := range answer.Files {
		fmt.Fprintf(t.stdout, "from-tollgate/%s  %d bytes\n", clean(f.Name), f.Size)
	}
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
	if s.Prices > 0 {
		fmt.Fprintf(t.stdout, "  %d prices\n", s.Prices)
	}
}
