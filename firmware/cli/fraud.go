package cli

import (
	"fmt"
	"net/http"
	"time"

	"tollgate/firmware/api"
)

// maxRates holds what the box reads at most.
const maxRates = 4 << 20

func fraudCommand() command {
	return command{
		name: "fraud", usage: "fraud [--state DIR]", short: "what calls out have cost today, and what is blocked",
		long: `Prints what the calls out of today have cost at worst, everything that is blocked until somebody releases it, and what was
found out since the box has started. The policy's section "fraud" says what leads there.

    --state DIR   the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).fraud,
	}
}

func releaseCommand() command {
	return command{
		name: "release", usage: "release WHO NAME [--state DIR]", short: "release what is blocked against fraud",
		long: `Releases a caller, a prefix or a trunk, as "tollgate fraud" lists it:

    tollgate release caller 12
    tollgate release prefix +252
    tollgate release trunk carrier-a

What led there begins anew: the levels, and a budget as large again. A country that was released counts as one that the
office usually calls.

    --state DIR   the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).release,
	}
}

func ratesCommand() command {
	return command{
		name: "rates", usage: "rates [--import FILE] [--state DIR]", short: "print or replace the carrier's prices of calls",
		long: `Prints the list of prices, or replaces it by the one in FILE (- reads the standard input). It is CSV, with semicolons, commas
or tabs; the first line names the columns, in any order. Prices are euros, a minute's by the second:

    prefix;minute;setup;minimum;name
    +33;0,012;;;France
    +336;0,035;;;France, mobile
    +49;0,018;0,05;;Germany
    3232;0,10;;;a short number, as it is dialled

Prefix and minute have to be there. The longest prefix counts; what no prefix fits costs what the box takes it for. A list
with a fault changes nothing, and every fault is told with its line. 50,000 prices are the most. An empty FILE empties the
list. Calls that run keep their price.

    --import FILE  the new list
    --state DIR    the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).rates,
	}
}

func (t *terminal) fraud(args []string) error {
	f := flags("fraud")
	state := stateFlag(f)
	if _, err := parse(f, args); err != nil {
		return err
	}
	s, err := ask[api.FraudState](newClient(*state), http.MethodGet, "/fraud", nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.stdout, "Calls out have cost %s today%s. %s\n", euros(s.Spent), budget(s.Budget),
		map[string]string{"simulate": "It is only told what would be done.", "off": "Nothing is judged."}[s.Mode])
	if len(s.Blocks) == 0 {
		fmt.Fprintln(t.stdout, "Nothing is blocked.")
	} else if err := t.blocks(s.Blocks); err != nil {
		return err
	}
	if len(s.Alarms) == 0 {
		return nil
	}
	w := table(t.stdout)
	row(w, "FOUND OUT", "CALLER", "TO", "DONE", "REASON")
	for _, a := range s.Alarms {
		done := a.Action
		if a.Simulated {
			done += ", simulated"
		}
		row(w, a.At.Local().Format(time.DateTime), orDash(clean(a.Caller)), orDash(clean(a.To)), clean(done), clean(a.Reason))
	}
	return w.Flush()
}

func (t *terminal) blocks(list []api.FraudBlock) error {
	w := table(t.stdout)
	row(w, "BLOCKED", "NAME", "SINCE", "REASON")
	for _, b := range list {
		row(w, clean(b.Kind), clean(b.Of), b.Since.Local().Format(time.DateTime), clean(b.Reason))
	}
	return w.Flush()
}

func euros(cents int) string { return fmt.Sprintf("%d.%02d €", cents/100, cents%100) }

func budget(cents int) string {
	if cents == 0 {
		return ""
	}
	return " of " + euros(cents)
}

func (t *terminal) release(args []string) error {
	f := flags("release")
	state := stateFlag(f)
	found, err := parse(f, args, "WHO", "NAME")
	if err != nil {
		return err
	}
	if k := found[0]; k != "caller" && k != "prefix" && k != "trunk" {
		return wrongUsage("%q is not caller, prefix or trunk", k)
	}
	b, err := ask[api.FraudBlock](newClient(*state), http.MethodPost, "/fraud/release", api.ReleaseRequest{Kind: found[0], Of: found[1]})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.stdout, "The %s %s is released.\n", clean(b.Kind), clean(b.Of))
	return nil
}

func (t *terminal) rates(args []string) error {
	f := flags("rates")
	state, file := stateFlag(f), f.String("import", "", "")
	if _, err := parse(f, args); err != nil {
		return err
	}
	if *file == "" {
		r, err := ask[api.Rates](newClient(*state), http.MethodGet, "/rates", nil)
		if err != nil {
			return err
		}
		fmt.Fprint(t.stdout, r.Text)
		return nil
	}
	_, text, err := t.readUpTo(*file, "list of prices", maxRates)
	if err != nil {
		return err
	}
	r, err := ask[api.Rates](newClient(*state), http.MethodPost, "/rates", api.RatesRequest{Text: string(text)})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.stdout, "%d prices are in force.\n", r.Count)
	return nil
}
