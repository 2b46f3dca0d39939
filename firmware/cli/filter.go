package cli

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"tollgate/firmware/api"
	"tollgate/netfilter"
)

// maxBlockList holds what the box reads at most.
const maxBlockList = 8 << 20

func filterCommand() command {
	return command{
		name: "filter", usage: "filter [--drops] [--state DIR]", short: "print the packet filter's rules, or why packets were dropped",
		long: `Prints the rules in force as the tool nft does, with their counters. Each rule has its name (chain and place) and says
what it is for. Of the bans and the block list only their number is told.

    --drops       instead: what was dropped of late and why, newest first; samples, the counters have them all
    --state DIR   the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).filter,
	}
}

func blocklistCommand() command {
	return command{
		name: "blocklist", usage: "blocklist [--import FILE] [--state DIR]", short: "print or replace the list of sources that reach nothing",
		long: `Prints the block list, or replaces it by the one in FILE (- reads the standard input). It is text, one address or network
a line; # begins a remark, blank lines are passed over:

    # scanners seen in March
    203.0.113.7
    198.51.100.0/24    # a provider that does not answer
    2001:db8:bad::/48

A list with a fault changes nothing, and every fault is told with its line. 250,000 lines are the most. A configured peer
that is on the list is let in all the same. An empty FILE empties the list.

    --import FILE  the new list
    --state DIR    the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).blocklist,
	}
}

func denyCommand() command {
	return command{
		name: "deny", usage: "deny", short: "let nothing in while the box does not run",
		long: `Puts rules into the kernel that let nothing in but answers to what the system itself asked. "tollgate run" replaces them
by its own without a gap. For a machine that is nothing but the box: before "run" starts, and when it has ended.

    [Service]
    ExecStartPre=/usr/bin/tollgate deny
    ExecStart=/usr/bin/tollgate run --stay-closed
    ExecStopPost=/usr/bin/tollgate deny

While "run" runs it must not be used: nobody would get in any more until the policy changes.
`,
		do: (*terminal).deny,
	}
}

func (t *terminal) filter(args []string) error {
	f := flags("filter")
	state, why := stateFlag(f), f.Bool("drops", false, "")
	if _, err := parse(f, args); err != nil {
		return err
	}
	if *why {
		return t.drops(newClient(*state))
	}
	v, err := ask[api.FilterView](newClient(*state), http.MethodGet, "/filter", nil)
	if err != nil {
		return err
	}
	if v.Text == "" {
		fmt.Fprintln(t.stdout, "The filter has no rules yet.")
		return nil
	}
	fmt.Fprint(t.stdout, v.Text)
	fmt.Fprintf(t.stdout, "# %d sources banned, %d on the block list\n", v.Banned, v.Blocked)
	if v.Trial != nil {
		fmt.Fprintf(t.stdout, "# rules on trial until %s; then those before are in force again\n", v.Trial.Local().Format(time.TimeOnly))
	}
	return nil
}

func (t *terminal) drops(c *client) error {
	found, err := ask[struct{ Drops []api.Drop }](c, http.MethodGet, "/filter/drops", nil)
	if err != nil {
		return err
	}
	if len(found.Drops) == 0 {
		fmt.Fprintln(t.stdout, "Nothing was dropped since the box started.")
		return nil
	}
	w := table(t.stdout)
	row(w, "DROPPED", "SAMPLES", "FROM", "TO", "PROTOCOL", "PORT OF THE BOX", "REASON", "")
	for _, d := range found.Drops {
		row(w, d.At.Local().Format(time.DateTime), fmt.Sprint(d.Count), clean(d.Source), clean(d.To), clean(d.Protocol), clean(d.Interface), clean(d.Reason), clean(d.Why))
	}
	return w.Flush()
}

func (t *terminal) blocklist(args []string) error {
	f := flags("blocklist")
	state, file := stateFlag(f), f.String("import", "", "")
	if _, err := parse(f, args); err != nil {
		return err
	}
	if *file == "" {
		l, err := ask[api.BlockList](newClient(*state), http.MethodGet, "/blocklist", nil)
		if err != nil {
			return err
		}
		fmt.Fprint(t.stdout, l.Text)
		return nil
	}
	_, text, err := t.readUpTo(*file, "block list", maxBlockList)
	if err != nil {
		return err
	}
	l, err := ask[api.BlockList](newClient(*state), http.MethodPost, "/blocklist", api.BlockListRequest{Text: string(text)})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.stdout, "%d sources are blocked.\n", l.Sources)
	return nil
}

func (t *terminal) deny(args []string) error {
	if _, err := parse(flags("deny"), args); err != nil {
		return err
	}
	f, err := netfilter.Open(netfilter.Options{Adopt: true})
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Deny(context.Background()); err != nil {
		return err
	}
	fmt.Fprintln(t.stdout, "Nothing is let in until the box runs.")
	return nil
}
