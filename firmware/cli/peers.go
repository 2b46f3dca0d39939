package cli

import (
	"fmt"
	"io"
	"time"

	"tollgate/firmware/api"
)

// showWarnings prints what the policy costs.
func showWarnings(w io.Writer, o api.Overview) {
	if len(o.Warnings) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := table(w)
	for _, n := range o.Warnings {
		row(t, "WARNING", clean(n.Peer), clean(n.Path), clean(n.Text))
	}
	t.Flush()
}

// showServers prints the servers of each trunk, and of the phones' PBX.
func showServers(w io.Writer, o api.Overview) {
	t := table(w)
	headed := false
	list := func(peer string, servers []api.PeerServer) {
		for _, s := range servers {
			if !headed {
				fmt.Fprintln(w)
				row(t, "SERVER OF", "ADDRESS", "NAME", "STATE", "ROUND TRIP", "REASON")
				headed = true
			}
			row(t, clean(peer), s.Address, clean(s.Host), serverState(s), roundTrip(s), orDash(s.Reason))
		}
	}
	for _, k := range o.Trunks {
		list(k.Name, k.Servers)
	}
	if o.Phones != nil {
		list("phones", o.Phones.Servers)
	}
	t.Flush()
}

// orDash cleans the last cell of a row, which tabwriter does not align when it is empty.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return clean(text)
}

func serverState(s api.PeerServer) string {
	if s.Registered {
		return s.State + ", registered"
	}
	return s.State
}

func roundTrip(s api.PeerServer) string {
	switch {
	case s.RoundTrip == 0:
		return ""
	case s.RoundTrip < 10:
		return fmt.Sprintf("%.1f ms", s.RoundTrip)
	}
	return fmt.Sprintf("%.0f ms", s.RoundTrip)
}

// showPhones prints the telephones that register through the box.
func showPhones(w io.Writer, o api.Overview, zone *time.Location) {
	if o.Phones == nil || len(o.Phones.Registered) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := table(w)
	row(t, "PHONE", "SOURCE", "TRANSPORT", "SINCE", "EXPIRES", "NAT", "INSTANCE")
	for _, p := range o.Phones.Registered {
		if p.Weak != "" {
			fmt.Fprintf(w, "WARNING  the password of phone %s is %s\n", clean(p.User), clean(p.Weak))
		}
		nat := "no"
		if p.BehindNAT {
			nat = "behind a router"
		}
		row(t, clean(p.User), p.Source, p.Transport, clock(&p.Since, o.At, zone), "in "+duration(p.Expires.Sub(o.At)), nat, orDash(p.Instance))
	}
	t.Flush()
}

// showEmergencies prints the latest calls for help, and which numbers an emergency service may call back.
func showEmergencies(w io.Writer, o api.Overview, zone *time.Location) {
	if len(o.Emergencies) > 0 {
		fmt.Fprintln(w)
		t := table(w)
		row(t, "EMERGENCY", "FROM", "TO", "SOURCE", "WHAT PASSED AGAINST THE POLICY")
		for _, e := range o.Emergencies {
			at, first := e.At, "nothing"
			if len(e.Exceptions) > 0 {
				first = clean(e.Exceptions[0].Reason)
			}
			row(t, clock(&at, o.At, zone), clean(e.From), clean(e.To), clean(e.Source), first)
			for _, x := range e.Exceptions[min(1, len(e.Exceptions)):] {
				row(t, "", "", "", "", clean(x.Reason))
			}
		}
		t.Flush()
	}
	for _, c := range o.CallBacks {
		until := c.Until
		fmt.Fprintf(w, "An emergency service may call %s back until %s.\n", clean(c.Number), clock(&until, o.At, zone))
	}
}
