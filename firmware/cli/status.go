package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"tollgate/firmware/api"
)

func statusCommand() command {
	return command{
		name: "status", usage: "status [--json] [--state DIR]", short: "show mode, trunks, live calls, refusals and counters",
		long: `Shows what the running box does at this moment.

    --json        the same as JSON, for programs; /api/v1/openapi.json describes it
    --state DIR   the box's state folder (/var/lib/tollgate)
`,
		do: (*terminal).status,
	}
}

func (t *terminal) status(args []string) error {
	f := flags("status")
	state, asJSON := stateFlag(f), f.Bool("json", false, "")
	if _, err := parse(f, args); err != nil {
		return err
	}
	body, err := newClient(*state).do(http.MethodGet, "/overview", nil)
	if err != nil {
		return err
	}
	if *asJSON {
		var b bytes.Buffer
		if err := json.Indent(&b, body, "", "  "); err != nil {
			return fmt.Errorf("reading the box's answer: %w", err)
		}
		_, err := t.stdout.Write(append(bytes.TrimSpace(b.Bytes()), '\n'))
		return err
	}
	var o api.Overview
	if err := json.Unmarshal(body, &o); err != nil {
		return fmt.Errorf("reading the box's answer: %w", err)
	}
	show(t.stdout, o)
	return nil
}

// show prints o for a person: the verdict first, then what is behind it.
func show(w io.Writer, o api.Overview) {
	zone, err := time.LoadLocation(o.Site.TimeZone)
	if err != nil || o.Site.TimeZone == "" {
		zone = time.UTC
	}
	name := o.Site.Name
	if name == "" {
		name = "no name yet"
	}
	fmt.Fprintf(w, "%s – Tollgate %s, up %s\n\n", clean(name), o.Site.Version, duration(o.At.Sub(o.Started)))
	showState(w, o, zone)
	showWarnings(w, o)
	showTrunks(w, o, zone)
	showServers(w, o)
	showPhones(w, o, zone)
	showEmergencies(w, o, zone)
	showCalls(w, o)
	showRefusals(w, o, zone)
	showCounters(w, o)
}

func showState(w io.Writer, o api.Overview, zone *time.Location) {
	t := table(w)
	row(t, "mode", mode(o, zone))
	if r := o.Revision; r.Number > 0 {
		row(t, "revision", fmt.Sprintf("%d, %s, %s by %s%s", r.Number, r.State, r.At.In(zone).Format("2006-01-02 15:04 MST"), clean(r.Who), why(r.Why)))
	}
	if p := o.PBX; p.Address != "" {
		row(t, "PBX", fmt.Sprintf("%s %s, SRTP %s%s", p.Address, p.Transport, p.SRTP, reachable(p)))
	}
	if p := o.Phones; p != nil {
		row(t, "phones", fmt.Sprintf("%d of at most %d registered with %s%s", len(p.Registered), p.Most, clean(p.PBX), away(p)))
	}
	row(t, "calls", fmt.Sprintf("%d of at most %d", len(o.Calls), o.Limits.Calls))
	row(t, "load", busy(o.Load))
	for _, worry := range o.Worries {
		row(t, "ALARM", fmt.Sprintf("%s, since %s", clean(worry.Reason), worry.Since.In(zone).Format("2006-01-02 15:04 MST")))
	}
	if u := o.Update; u != nil {
		row(t, "update", updated(*u, zone))
	}
	if l := o.Lending; l != nil {
		row(t, "DHCP", lent(*l))
	}
	t.Flush()
}

// updated tells what became of the latest update: which, when, and when it was left, why and what to do.
func updated(u api.UpdateAttempt, zone *time.Location) string {
	which, at := clean(u.Release), u.At.In(zone).Format("2006-01-02 15:04 MST")
	switch {
	case u.Outcome == "waiting":
		return fmt.Sprintf("%s waits for the next start, or has yet to prove itself; since %s", which, at)
	case u.Outcome == "kept":
		return fmt.Sprintf("%s has proved itself and was kept, %s", which, at)
	case u.Why == "":
		return fmt.Sprintf("%s FELL BACK, %s. %s", which, at, u.Remedy())
	}
	return fmt.Sprintf("%s FELL BACK, %s: %s. %s", which, at, clean(u.Why), u.Remedy())
}

// lent tells how much of what the box can lend to telephones is left.
func lent(l api.Lending) string {
	switch {
	case l.Other != "":
		return fmt.Sprintf("LENDS NOTHING: another server, %s, answers on %s", clean(l.Other), l.Interface)
	case l.Problem != "":
		return fmt.Sprintf("LENDS NOTHING on %s: %s", l.Interface, clean(l.Problem))
	case !l.Lends:
		return fmt.Sprintf("looks first whether another server answers on %s", l.Interface)
	}
	return fmt.Sprintf("%d of %d addresses lent on %s, %s to %s", l.Size-l.Free, l.Size, l.Interface, l.First, l.Last)
}

func mode(o api.Overview, zone *time.Location) string {
	switch {
	case o.Mode == "setup":
		return "set-up: there is no policy yet, no call passes; tollgate import FILE"
	case o.Mode == "draining":
		return "stopping: only emergency calls start"
	case o.Mode == "trial" && o.Revision.Deadline != nil:
		d := *o.Revision.Deadline
		return fmt.Sprintf("on trial: revision %d goes at %s, in %s; to keep it: tollgate confirm", o.Revision.Number, d.In(zone).Format("15:04:05"), duration(d.Sub(o.At)))
	}
	return o.Mode
}

func why(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf(" (%s)", clean(text))
}

func away(p *api.Phones) string {
	if p.Reachable {
		return ""
	}
	return ", WHICH IS AWAY: " + clean(p.Reason)
}

func reachable(p api.PBX) string {
	switch {
	case p.Reachable == nil:
		return ""
	case *p.Reachable && p.Expires != nil:
		return ", registered"
	case *p.Reachable:
		return ", answers"
	case p.Reason != "":
		return ", NOT REACHABLE: " + clean(p.Reason)
	}
	return ", DOES NOT ANSWER"
}

func showTrunks(w io.Writer, o api.Overview, zone *time.Location) {
	if len(o.Trunks) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := table(w)
	row(t, "TRUNK", "STATE", "SINCE", "CALLS", "TRANSPORT", "SRTP", "PROFILE", "SEEN AT", "REASON")
	for _, k := range o.Trunks {
		calls := fmt.Sprint(k.Calls)
		if k.Cap > 0 {
			calls = fmt.Sprintf("%d of %d", k.Calls, k.Cap)
		}
		transport := k.Transport
		if k.TLSVersion != "" {
			transport = k.TLSVersion
		}
		row(t, clean(k.Name), k.State, clock(k.Since, o.At, zone), calls, transport, k.SRTP, k.Profile, k.SeenAt, clean(k.Reason))
	}
	t.Flush()
	for _, k := range o.Trunks {
		if k.Altered != "" {
			fmt.Fprintf(w, "%s: %s\n", clean(k.Name), clean(k.Altered))
		}
	}
}

func showCalls(w io.Writer, o api.Overview) {
	fmt.Fprintln(w)
	if len(o.Calls) == 0 {
		fmt.Fprintln(w, "No call at this moment.")
		return
	}
	t := table(w)
	row(t, "CALL", "FROM", "TO", "TRUNK", "STATE", "TIME", "CALLER", "CALLEE")
	for _, c := range o.Calls {
		state, since := c.State, c.Started
		if c.Answered != nil {
			since = *c.Answered
		}
		if c.Emergency {
			state += ", EMERGENCY"
		}
		row(t, c.Direction, clean(c.From), clean(c.To), clean(c.Trunk), state, duration(o.At.Sub(since)), leg(c.Legs.Caller), leg(c.Legs.Callee))
	}
	t.Flush()
	showDiagnoses(w, o)
}

func leg(l api.Leg) string {
	text := "plain RTP"
	if l.Encrypted {
		text = "SRTP"
	}
	if l.Keying == "dtls" {
		text = "DTLS-SRTP"
	}
	if l.Peer != "" {
		text = clean(l.Peer) + ": " + text
	}
	text += fmt.Sprintf(", %d in, %d out", l.PacketsIn, l.PacketsOut)
	if bad := l.AuthFailures + l.Strangers; bad > 0 {
		text += fmt.Sprintf(", %d REFUSED", bad)
	}
	if q := l.Quality; q != nil && q.In.Packets > 0 {
		text += ", " + heard(q.In)
	}
	return text
}

func showRefusals(w io.Writer, o api.Overview, zone *time.Location) {
	if len(o.Refusals) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := table(w)
	row(t, "REFUSED", "TIMES", "FROM", "TO", "SIDE", "SOURCE", "STATUS", "RULE", "REASON")
	for _, r := range o.Refusals {
		status := fmt.Sprint(r.Status)
		if r.Status == 0 {
			status = "no answer"
		}
		at := r.At
		row(t, clock(&at, o.At, zone), fmt.Sprint(r.Count), clean(r.From), clean(r.To), clean(r.Side), clean(r.Source), status, clean(r.Rule), clean(r.Reason))
	}
	t.Flush()
}

func showCounters(w io.Writer, o api.Overview) {
	if len(o.Counters) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := table(w)
	row(t, "COUNTER", "PACKETS", "BYTES", "")
	for _, c := range o.Counters {
		row(t, clean(c.Name), fmt.Sprint(c.Packets), fmt.Sprint(c.Bytes), clean(c.Comment))
	}
	t.Flush()
}

func table(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }

func row(t *tabwriter.Writer, cells ...string) {
	for i, c := range cells {
		if c == "" && i < len(cells)-1 {
			cells[i] = "-"
		}
	}
	fmt.Fprintln(t, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
}

// clean makes text that came from a stranger harmless: a SIP name may hold control characters that a terminal obeys.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, text)
}

// clock writes a time of today without its date.
func clock(at *time.Time, now time.Time, zone *time.Location) string {
	if at == nil {
		return ""
	}
	a, n := at.In(zone), now.In(zone)
	if a.YearDay() == n.YearDay() && a.Year() == n.Year() {
		return a.Format("15:04:05")
	}
	return a.Format("2006-01-02 15:04")
}

// duration writes d in its two largest units.
func duration(d time.Duration) string {
	s := int64(max(d, 0).Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %02d s", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%d h %02d min", s/3600, s%3600/60)
	}
	return fmt.Sprintf("%d d %d h", s/86400, s%86400/3600)
}
