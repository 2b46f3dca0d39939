package cli

import (
	"fmt"
	"net/http"
	"time"

	"tollgate/firmware/api"
)

func bansCommand() command {
	return command{
		name: "bans", usage: "bans [--state DIR]", short: "list who is banned, and why",
		long: `Prints every source that may do nothing now: who it is, until when, what it did and how often it was banned in a row.
The policy's section "bans" says what leads there.

    --state DIR   the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).bans,
	}
}

func banCommand() command {
	return command{
		name: "ban", usage: "ban ADDRESS [--minutes N] [--why TEXT] [--state DIR]", short: "keep an address or a network away",
		long: `Keeps a source away: an address, a network such as 203.0.113.0/24, or with one IPv6 address the /64 that it is in. Packets
of strangers are dropped. A peer of the policy may begin nothing new, but emergency calls pass, and calls that run go on.

    --minutes N   how long (0: until "tollgate unban")
    --why TEXT    a note for the list
    --state DIR   the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).ban,
	}
}

func unbanCommand() command {
	return command{
		name: "unban", usage: "unban ADDRESS [--state DIR]", short: "end a ban",
		long: `Ends the ban of a source, as the list has it, and forgives what led to it.

    --state DIR   the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).unban,
	}
}

func (t *terminal) bans(args []string) error {
	f := flags("bans")
	state := stateFlag(f)
	if _, err := parse(f, args); err != nil {
		return err
	}
	found, err := ask[struct{ Bans []api.Ban }](newClient(*state), http.MethodGet, "/bans", nil)
	if err != nil {
		return err
	}
	if len(found.Bans) == 0 {
		fmt.Fprintln(t.stdout, "Nobody is banned.")
		return nil
	}
	w := table(t.stdout)
	row(w, "BANNED", "UNTIL", "TIMES", "BY", "REASON")
	for _, b := range found.Bans {
		row(w, clean(b.Source), banEnd(b), fmt.Sprint(b.Times), banner(b), orDash(b.Reason))
	}
	return w.Flush()
}

func (t *terminal) ban(args []string) error {
	f := flags("ban")
	state, minutes, why := stateFlag(f), f.Int("minutes", 0, ""), f.String("why", "", "")
	found, err := parse(f, args, "ADDRESS")
	if err != nil {
		return err
	}
	if *minutes < 0 {
		return wrongUsage("--minutes %d is below zero", *minutes)
	}
	b, err := ask[api.Ban](newClient(*state), http.MethodPost, "/bans", api.BanRequest{Source: found[0], Minutes: *minutes, Reason: *why})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.stdout, "%s is banned until %s.\n", clean(b.Source), banEnd(b))
	if b.Peer {
		fmt.Fprintln(t.stdout, "A peer of the policy is there: emergency calls from it pass, and calls that run go on.")
	}
	return nil
}

func (t *terminal) unban(args []string) error {
	f := flags("unban")
	state := stateFlag(f)
	found, err := parse(f, args, "ADDRESS")
	if err != nil {
		return err
	}
	b, err := ask[api.Ban](newClient(*state), http.MethodPost, "/bans/lift", api.LiftRequest{Source: found[0]})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.stdout, "%s is not banned any more.\n", clean(b.Source))
	return nil
}

func banEnd(b api.Ban) string {
	if b.Until == nil {
		return "it is lifted"
	}
	return b.Until.Local().Format(time.DateTime)
}

func banner(b api.Ban) string {
	if b.Who == "" {
		return "the box"
	}
	return clean(b.Who)
}
