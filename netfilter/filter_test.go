package netfilter

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func openFilter(t *testing.T, table string) *Filter {
	t.Helper()
	f, err := Open(Options{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func mustSet(t *testing.T, f *Filter, c Config) {
	t.Helper()
	if err := f.Set(context.Background(), c); err != nil {
		t.Fatal(err)
	}
}

// listing is what nft prints of a table, counters at zero.
func listing(t *testing.T, table string) string {
	t.Helper()
	return regexp.MustCompile(`packets \d+ bytes \d+`).ReplaceAllString(nft(t, "list", "table", "inet", table), "packets 0 bytes 0")
}

func TestNftPrintsTheRulesetThatWasSet(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	f := openFilter(t, "")
	for name, c := range layouts() {
		t.Run(name, func(t *testing.T) {
			for _, times := range []string{"once", "twice"} {
				mustSet(t, f, c)
				if diff := cmp.Diff(c.Ruleset().String(), listing(t, DefaultTable)); diff != "" {
					t.Errorf("set %s, the kernel differs from the Ruleset (-ruleset +kernel):\n%s", times, diff)
				}
			}
			if err := f.Remove(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// What is kept stays where it was in the listing, so the order is another one.
func TestEveryLayoutReplacesEveryOther(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	f := openFilter(t, "")
	for from, a := range layouts() {
		for to, b := range layouts() {
			mustSet(t, f, a)
			mustSet(t, f, b)
			if diff := cmp.Diff(blocks(b.Ruleset().String()), blocks(listing(t, DefaultTable))); diff != "" {
				t.Errorf("%s after %s: the kernel differs from the Ruleset (-ruleset +kernel):\n%s", to, from, diff)
			}
		}
	}
}

// A later version may hang its chains elsewhere; the earlier one may have left its table after a crash.
func TestTheTableOfAnotherVersionIsReplaced(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	old := filepath.Join(t.TempDir(), "old.nft")
	const text = `table inet tollgate {
	counter forged { packets 7 bytes 700; }
	counter gone { packets 1 bytes 1; }
	set own4 { type ipv4_addr . inet_service; elements = { 192.0.2.1 . 1 }; }
	set gone { type mark; elements = { 5 }; }
	chain early { type filter hook input priority 5; policy drop; jump inside; }
	chain ancient { type filter hook forward priority 9; policy drop; ip saddr . tcp dport @own4 counter name "gone" drop; }
	chain inside { mark @gone counter name "forged" accept; }
	chain input { counter; }
	chain made_by_tollgate { }
}
`
	if err := os.WriteFile(old, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	nft(t, "--file", old)
	f := openFilter(t, "")
	mustSet(t, f, twoPorts())
	if diff := cmp.Diff(blocks(twoPorts().Ruleset().String()), blocks(listing(t, DefaultTable))); diff != "" {
		t.Errorf("the kernel differs from the Ruleset (-ruleset +kernel):\n%s", diff)
	}
	counters, err := f.Counters()
	i := slices.IndexFunc(counters, func(c Counter) bool { return c.Name == "forged" })
	if err != nil || i < 0 || counters[i].Packets != 7 || counters[i].Bytes != 700 {
		t.Errorf("the counter did not keep its value: %v, %v", counters, err)
	}
}

// blocks returns what a table holds, in an order of its own.
func blocks(text string) []string {
	_, text, _ = strings.Cut(strings.TrimSuffix(text, "}\n"), "{\n")
	list := strings.Split(strings.Trim(text, "\n"), "\n\n")
	slices.Sort(list)
	return list
}

func TestNftAcceptsEveryGoldenAsInput(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	goldens, err := filepath.Glob("testdata/*.nft")
	if err != nil || len(goldens) == 0 {
		t.Fatal(goldens, err)
	}
	for _, path := range goldens {
		nft(t, "--check", "--file", path)
	}
}

func TestTablesOfOthersStayAsTheyAre(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	rules := filepath.Join(t.TempDir(), "others.nft")
	others := `table inet others {
	chain input {
		type filter hook input priority filter; policy accept;
		tcp dport 22 accept
	}
}
table ip tollgate {
	chain made_by_tollgate {
		counter packets 7 bytes 700
	}
}
table inet tollgate2 {
	chain c {
	}
}
`
	if err := os.WriteFile(rules, []byte(others), 0o600); err != nil {
		t.Fatal(err)
	}
	nft(t, "--file", rules)
	before := nft(t, "list", "ruleset")

	f := openFilter(t, "")
	mustSet(t, f, twoPorts())
	mustSet(t, f, onePort())
	if err := f.Remove(); err != nil {
		t.Fatal(err)
	}
	if err := f.Remove(); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
	if diff := cmp.Diff(before, nft(t, "list", "ruleset")); diff != "" {
		t.Errorf("tables of others changed (-before +after):\n%s", diff)
	}
}

func TestATableOfOurNameThatIsNotOursIsRefused(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	f := openFilter(t, "")
	nft(t, "add table inet tollgate; add chain inet tollgate theirs")
	before := nft(t, "list", "ruleset")
	if _, err := Open(Options{}); err == nil {
		t.Error("Open took somebody else's table")
	}
	if err := f.Set(context.Background(), twoPorts()); err == nil {
		t.Error("Set replaced somebody else's table")
	}
	if err := f.Remove(); err == nil {
		t.Error("Remove deleted somebody else's table")
	}
	if diff := cmp.Diff(before, nft(t, "list", "ruleset")); diff != "" {
		t.Errorf("their table changed (-before +after):\n%s", diff)
	}
	nft(t, "delete table inet tollgate; add table inet tollgate")
	mustSet(t, f, twoPorts()) // an empty one may be taken
}

func TestAPinholeThatCouldNotBeOpenedIsNotOpenedLater(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	f := openFilter(t, "")
	mustSet(t, f, twoPorts())
	nft(t, "delete table inet tollgate; add table inet tollgate; add chain inet tollgate theirs")
	p := hole(Outside, "198.51.100.2:20000", "203.0.113.5/32")
	if err := f.OpenPinholes(p); err == nil {
		t.Error("a pinhole was opened in somebody else's table")
	}
	nft(t, "delete table inet tollgate")
	mustSet(t, f, twoPorts())
	if strings.Contains(listing(t, DefaultTable), "203.0.113.5 . 198.51.100.2") {
		t.Error("the pinhole is open although OpenPinholes failed")
	}
}

func TestAProcessStartedAgainTakesTheTableOver(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	first := openFilter(t, "box-1")
	mustSet(t, first, twoPorts())
	pinhole := Pinhole{Inside, netip.MustParseAddrPort("192.0.2.1:20000"), prefixes("192.0.2.20/32")}
	if err := first.OpenPinholes(pinhole); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(listing(t, "box-1"), "192.0.2.20 . 192.0.2.1 . 20000") {
		t.Fatal("Close took the table away")
	}
	second := openFilter(t, "box-1")
	mustSet(t, second, twoPorts())
	want := twoPorts().Ruleset()
	want.Table = "box-1"
	if diff := cmp.Diff(blocks(want.String()), blocks(listing(t, "box-1"))); diff != "" {
		t.Errorf("the old process's pinholes or rules are left (-want +got):\n%s", diff)
	}
}

func TestABadConfigChangesNothing(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	f := openFilter(t, "")
	mustSet(t, f, twoPorts())
	before := listing(t, DefaultTable)
	bad := twoPorts()
	bad.Services[0].Port = 0
	if err := f.Set(context.Background(), bad); err == nil {
		t.Error("a service without a port was set")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := f.Set(ctx, onePort()); err == nil {
		t.Error("set although the context was cancelled")
	}
	if diff := cmp.Diff(before, listing(t, DefaultTable)); diff != "" {
		t.Errorf("the table changed (-before +after):\n%s", diff)
	}
}

// Five thousand elements in one message would wrap a netlink length and be cut to a few hundred without an error.
func TestThousandsOfSourcesAndPinholesAreAllSet(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	c := twoPorts()
	var sources []netip.Prefix
	for i := range 5000 {
		sources = append(sources, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), 32))
	}
	c.Services = append(c.Services, Service{Name: "big", Side: Outside, Protocol: UDP, Port: 5060, Sources: sources})
	for i := range 60 {
		c.Services = append(c.Services, Service{Name: fmt.Sprint("trunk ", i), Side: Outside, Protocol: TCP, Port: 5061,
			Sources: prefixes("203.0.113.0/24")})
	}
	f := openFilter(t, "")
	mustSet(t, f, c)
	for i := range 1000 {
		p := Pinhole{Outside, netip.AddrPortFrom(c.Outside.Addresses[0], uint16(20000+i)), sources[i : i+1]}
		if err := f.OpenPinholes(p); err != nil {
			t.Fatal(err)
		}
	}
	mustSet(t, f, c)
	text := listing(t, DefaultTable)
	for i, s := range sources {
		if !strings.Contains(text, s.Addr().String()+",") && !strings.Contains(text, s.Addr().String()+" }") {
			t.Fatalf("source %d, %v, is missing", i, s)
		}
	}
	if n := strings.Count(text, " . 198.51.100.2 . 20"); n != 1000 {
		t.Errorf("%d pinholes after Set, want 1000", n)
	}
}

func TestATableTamperedWithIsRepaired(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	var log bytes.Buffer
	f := openFilter(t, "")
	f.log = slog.New(slog.NewTextHandler(&log, nil))
	mustSet(t, f, twoPorts())
	hole := Pinhole{Outside, netip.MustParseAddrPort("198.51.100.2:20000"), prefixes("203.0.113.5/32")}

	nft(t, "flush", "ruleset")
	if err := f.OpenPinholes(hole); err != nil {
		t.Fatal(err)
	}
	if text := listing(t, DefaultTable); !strings.Contains(text, "203.0.113.5 . 198.51.100.2 . 20000") {
		t.Error("the pinhole is not open")
	} else if !strings.Contains(text, "hook input priority filter; policy drop") {
		t.Error("the rules are not back")
	}

	if !strings.Contains(log.String(), "setting the whole table") {
		t.Errorf("the repair was not logged: %s", &log)
	}

	log.Reset()
	nft(t, "flush", "set", "inet", DefaultTable, "outside_rtp_hosts4")
	if err := f.ShutPinholes(hole); err != nil || log.Len() > 0 {
		t.Errorf("shutting a pinhole that somebody removed: %v, log %s", err, &log)
	}
	nft(t, "delete", "table", "inet", DefaultTable)
	mustSet(t, f, twoPorts())
	if diff := cmp.Diff(twoPorts().Ruleset().String(), listing(t, DefaultTable)); diff != "" {
		t.Errorf("Set did not repair the table (-want +got):\n%s", diff)
	}
}

func TestOpenRefusesTableNamesThatNftCannotRead(t *testing.T) {
	for _, name := range []string{"a b", "1box", "-box", "box;drop", `box"`, "péage"} {
		if _, err := Open(Options{Table: name}); err == nil || !strings.Contains(err.Error(), "table name") {
			t.Errorf("Open with table %q: %v", name, err)
		}
	}
}
