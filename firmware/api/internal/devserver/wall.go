package main

import (
	"strings"
	"sync"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/api"
)

// wall shows the page's tests a packet filter.
type wall struct {
	world *world

	mu   sync.Mutex // guards list
	list api.BlockList
}

// View shows a few rules.
func (w *wall) View() (api.FilterView, error) {
	rule := func(id, text, why, counter string, packets uint64) api.FilterRule {
		return api.FilterRule{ID: id, Text: text, Why: why, Counter: counter, Packets: packets, Bytes: packets * 420}
	}
	chains := []api.FilterChain{
		{Name: "early", Where: "prerouting -450", Why: "before anything is spent on a packet: forged sources, banned ones, fragments", Rules: []api.FilterRule{
			rule("early.1", `iif "lo" accept`, "the box itself", "", 0),
			rule("early.2", "ip saddr 127.0.0.0/8 goto drop_forged", "source is the box itself, or belongs inside and arrived outside", "forged", 12),
			rule("early.3", "ip saddr @banned4 jump banned", "banned hosts", "", 0),
		}},
		{Name: "drop_banned", Why: "dropped: source is banned", Rules: []api.FilterRule{
			rule("drop_banned.1", `counter name "banned" drop`, "source is banned", "banned", 90_210),
		}},
	}
	var text strings.Builder
	text.WriteString("table inet tollgate {\n")
	for _, c := range chains {
		text.WriteString("\tchain " + c.Name + " {\n")
		for _, r := range c.Rules {
			text.WriteString("\t\t" + r.Text + " comment \"" + r.ID + ": " + r.Why + "\"\n")
		}
		text.WriteString("\t}\n")
	}
	text.WriteString("}\n")
	return api.FilterView{Text: text.String(), Banned: 3, Blocked: w.BlockList().Sources, Chains: chains}, nil
}

// Drops are some of a quarter of an hour.
func (w *wall) Drops() []api.Drop {
	at := func(ago time.Duration) time.Time { return w.world.now().Add(-ago) }
	return []api.Drop{
		{At: at(3 * time.Second), Reason: "outside_sip_refused", Why: "SIP ports: source not listed, or not this side's address", Interface: "eth1", Protocol: "udp", Source: "203.0.113.66", To: "198.51.100.10:5060", Count: 41},
		{At: at(2 * time.Minute), Reason: "banned", Why: "source is banned", Interface: "eth1", Protocol: "tcp", Source: "2001:db8:bad::7", To: "[2001:db8:2::2]:443", Count: 9},
		{At: at(15 * time.Minute), Reason: "inside_rtp_closed", Why: "media ports without a pinhole for the source", Interface: "eth0", Protocol: "udp", Source: "192.0.2.148", To: "192.0.2.10:20014", Count: 1},
	}
}

// BlockList says what was brought.
func (w *wall) BlockList() api.BlockList {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.list
}

// Block reads a list as the box does.
func (w *wall) Block(text, who string) (api.BlockList, error) {
	list, err := access.ReadBlockList(text)
	if err != nil {
		return api.BlockList{}, &api.Conflict{Detail: "The block list has faults:\n" + err.Error() + ".", Remedy: "Correct these lines; nothing was changed."}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.world.now()
	w.list = api.BlockList{Sources: len(list), At: &now, Who: who, Text: text}
	return w.list, nil
}
