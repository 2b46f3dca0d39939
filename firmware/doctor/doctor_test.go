package doctor

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func at(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// well is a call of ten minutes in which both sides talk.
func well() Facts {
	leg := Leg{
		Sends: true, Takes: true, Silent: 20 * time.Millisecond, Ever: true, Sent: 1, PayloadType: 8, Known: []uint8{8, 0, 101}, Reports: true,
	}
	pbx, carrier := leg, leg
	pbx.Peer, pbx.Box, pbx.Named = "pbx", at("192.0.2.1:20000"), at("192.0.2.20:4000")
	carrier.Peer, carrier.Box, carrier.Named = "carrier-a", at("203.0.113.5:20002"), at("203.0.113.9:30000")
	carrier.Encrypted, carrier.Keyed = true, true
	pbx.SentTo, carrier.SentTo = pbx.Named.Addr(), carrier.Named.Addr()
	return Facts{Legs: [2]Leg{pbx, carrier}, Ports: "20000-20999", Answered: 10 * time.Minute}
}

// mute has a leg fall silent; never: it was not heard at all.
func mute(l *Leg, never bool) {
	l.Silent, l.Ever = 9*time.Second, !never
	if never {
		l.PayloadType = -1
	}
}

// illness is what a rule is known by.
type illness struct {
	rule   string
	leg    int
	remedy Remedy
	make   func(office, carrier *Leg)
}

var illnesses = []illness{
	{"never came", 1, Reopen, func(_, c *Leg) { mute(c, true) }},
	{"never came, router", 1, Reopen, func(_, c *Leg) { mute(c, true); c.NAT = true }},
	{"never came", 0, Reopen, func(o, _ *Leg) { mute(o, true) }},
	{"stopped", 1, Reopen, func(_, c *Leg) { mute(c, false) }},
	{"stopped", 0, Reopen, func(o, _ *Leg) { mute(o, false) }},
	{"other address", 1, Nothing, func(_, c *Leg) {
		mute(c, true)
		c.Strangers, c.Stranger = 400, netip.MustParseAddr("203.0.113.77")
	}},
	{"other port", 0, Nothing, func(o, _ *Leg) { mute(o, false); o.Strangers, o.Stranger = 400, o.SentTo }},
	{"wrong key", 1, Nothing, func(_, c *Leg) { mute(c, false); c.AuthFailures = 450 }},
	{"no handshake", 1, Nothing, func(_, c *Leg) { mute(c, true); c.Handshakes, c.Keyed, c.Early = true, false, 10 }},
	{"wrong payload type", 1, Nothing, func(_, c *Leg) { c.PayloadType = 18 }},
	{"port closed", 1, Nothing, func(_, c *Leg) { mute(c, false); c.Unreachable, c.UnreachableBy = 20, c.SentTo }},
	{"filter forbids", 1, Nothing, func(_, c *Leg) {
		c.Unreachable, c.Prohibited, c.UnreachableBy = 20, true, netip.MustParseAddr("198.51.100.1")
	}},
	{"private address", 1, Reopen, func(_, c *Leg) { mute(c, true); c.Named = at("192.168.7.7:4000"); c.SentTo = c.Named.Addr() }},
	{"changed by a router", 1, Reopen, func(_, c *Leg) { mute(c, true); c.Altered = true }},
	{"both silent", 0, Reopen, func(o, c *Leg) { mute(o, true); mute(c, true) }},
	{"does not arrive", 0, Reopen, func(o, _ *Leg) { o.Lost = 0.97 }},
}

func TestEveryIllnessIsFound(t *testing.T) {
	var said strings.Builder
	for _, c := range illnesses {
		f := well()
		c.make(&f.Legs[0], &f.Legs[1])
		got, ill := Examine(f)
		if !ill || got.Rule != c.rule || got.Leg != c.leg || got.Remedy != c.remedy {
			t.Errorf("%s of leg %d: found %q of leg %d, remedy %q", c.rule, c.leg, got.Rule, got.Leg, got.Remedy)
		}
		fmt.Fprintf(&said, "%s, leg %d, remedy %q, then %q\n", got.Rule, got.Leg, got.Remedy, got.Then)
		for _, l := range Languages() {
			fmt.Fprintf(&said, "    %s\n    %s\n", got.Sentence(l), got.Advice(l))
		}
	}
	const file = "testdata/sentences.txt"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(said.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if said.String() != string(want) {
		t.Errorf("the sentences are not those of %s (UPDATE=1 writes it):\n%s", file, said.String())
	}
}

func TestWhoMayBeSilentIsNotIll(t *testing.T) {
	for name, make := range map[string]func(f *Facts){
		"both talk":                         func(*Facts) {},
		"one side holds":                    func(f *Facts) { mute(&f.Legs[0], false); f.Legs[0].Sends = false },
		"one side holds and sends no music": func(f *Facts) { mute(&f.Legs[1], false); f.Legs[1].Sends, f.Legs[0].Takes = false, false },
		"both hold": func(f *Facts) {
			for i := range f.Legs {
				mute(&f.Legs[i], false)
				f.Legs[i].Sends, f.Legs[i].Takes = false, false
			}
		},
		"a pause that the codec makes":  func(f *Facts) { mute(&f.Legs[0], false); f.Legs[0].Pauses = true },
		"a moment of silence":           func(f *Facts) { f.Legs[1].Silent = 3 * time.Second },
		"just answered":                 func(f *Facts) { f.Answered = 2 * time.Second; mute(&f.Legs[1], true) },
		"a stranger who is refused":     func(f *Facts) { f.Legs[1].Strangers, f.Legs[1].Stranger = 9000, netip.MustParseAddr("203.0.113.66") },
		"an attacker without the key":   func(f *Facts) { f.Legs[1].AuthFailures = 10000 },
		"a key press":                   func(f *Facts) { f.Legs[1].PayloadType = 101 },
		"a line that is merely bad":     func(f *Facts) { f.Legs[1].Lost = 0.2 },
		"who is on hold gets nothing":   func(f *Facts) { f.Legs[1].Takes, f.Legs[1].Lost, f.Legs[1].Unreachable = false, 1, 9 },
		"ICMP about what was not sent":  func(f *Facts) { f.Legs[1].Unreachable, f.Legs[1].Sent = 50, 0 },
		"a private address that speaks": func(f *Facts) { f.Legs[1].Named = at("192.168.7.7:4000"); f.Legs[1].SentTo = f.Legs[1].Named.Addr() },
	} {
		f := well()
		make(&f)
		if got, ill := Examine(f); ill {
			t.Errorf("%s: %q: %s", name, got.Rule, got.Sentence(English))
		}
	}
}

func TestALongPauseIsNoPauseAnyMore(t *testing.T) {
	f := well()
	mute(&f.Legs[0], false)
	f.Legs[0].Pauses, f.Legs[0].Silent = true, 2*time.Minute
	if got, ill := Examine(f); !ill || got.Rule != "stopped" {
		t.Errorf("%+v, %v", got, ill)
	}
}

func TestEveryRuleSpeaksEveryLanguageAndHasAnIllness(t *testing.T) {
	holder := regexp.MustCompile(`\{[a-z]+\}`)
	for _, r := range rules {
		if !slices.ContainsFunc(illnesses, func(i illness) bool { return i.rule == r.name }) {
			t.Errorf("no row of the table has %q", r.name)
		}
		for _, l := range Languages() {
			s, ok := sayings[l][r.name]
			if !ok || s.what == "" || s.remedy == "" {
				t.Errorf("%q says nothing in %s", r.name, l)
			}
			for _, h := range holder.FindAllString(s.what+s.remedy, -1) {
				if !slices.Contains(placeholders[:], h) {
					t.Errorf("%q in %s: there is no %s", r.name, l, h)
				}
			}
		}
	}
	for _, l := range Languages() {
		if len(sayings[l]) != len(rules) {
			t.Errorf("%d sayings in %s for %d rules", len(sayings[l]), l, len(rules))
		}
	}
}
