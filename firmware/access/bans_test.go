package access

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/policy"
)

// guarded is the office's policy with the usual bans.
func guarded() *policy.Policy {
	p := office()
	p.Bans = policy.Bans{
		Mode: policy.BanModeBan, Seconds: 60, Malformed: 30, Strangers: 30, WrongPasswords: 10, UnknownUsers: 10, Scanners: 1, Unacknowledged: 30,
		FirstMinutes: 10, LongestHours: 24, Never: []netip.Prefix{netip.MustParsePrefix("203.0.113.99/32")},
	}
	return p
}

func newBans(p *policy.Policy) *Bans {
	b := &Bans{}
	b.Set(p)
	return b
}

// deed is one of a stranger outside, over UDP.
func deed(o Offence, source string) Deed {
	return Deed{Offence: o, Side: policy.SideOutside, Source: netip.MustParseAddr(source)}
}

// until notes d every step until a ban comes, at most most times; it returns how many it took, 0 for none.
func (b *Bans) until(now time.Time, d Deed, step time.Duration, most int) (int, Ban) {
	for i := 1; i <= most; i++ {
		if d.Offence == OffenceUnknownUser {
			d.User = fmt.Sprint("user-", i)
		}
		if ban, banned := b.Note(now, d); banned {
			return i, ban
		}
		now = now.Add(step)
	}
	return 0, Ban{}
}

func TestASourceIsBannedForMoreThanItMayDo(t *testing.T) {
	for _, c := range []struct {
		offence Offence
		within  int
		words   string
	}{
		{OffenceMalformed, 30, "30 messages that are no SIP"},
		{OffenceStranger, 30, "30 messages from where no peer is"},
		{OffenceWrongPassword, 10, "10 wrong passwords"},
		{OffenceUnknownUser, 10, "10 users tried"},
		{OffenceScanner, 1, "1 messages of a scanner"},
		{OffenceUnacknowledged, 30, "30 refused calls that were not acknowledged"},
	} {
		b := newBans(guarded())
		n, ban := b.until(noon, deed(c.offence, "203.0.113.7"), 0, 100)
		if n != c.within || !strings.Contains(ban.Reason, c.words) || ban.Rule != c.offence {
			t.Errorf("%s: banned after %d (%+v), want %d", c.offence, n, ban, c.within)
		}
		if got := ban.Until.Sub(noon); got != 10*time.Minute {
			t.Errorf("%s: banned for %v", c.offence, got)
		}
		if held, banned := b.Banned(noon, netip.MustParseAddr("::ffff:203.0.113.7")); !banned || held.Reason != ban.Reason {
			t.Errorf("%s: not banned: %+v", c.offence, held)
		}
		if _, banned := b.Banned(noon, netip.MustParseAddr("203.0.113.8")); banned {
			t.Errorf("%s: a neighbour is banned too", c.offence)
		}
		if _, banned := b.Banned(ban.Until, netip.MustParseAddr("203.0.113.7")); banned {
			t.Errorf("%s: banned past the end", c.offence)
		}
	}
}

func TestOffencesOfSeveralKindsAddUp(t *testing.T) {
	b := newBans(guarded())
	b.until(noon, deed(OffenceWrongPassword, "203.0.113.7"), 0, 5)
	if n, ban := b.until(noon, deed(OffenceMalformed, "203.0.113.7"), 0, 100); n != 15 || !strings.Contains(ban.Reason, "5 wrong passwords") {
		t.Errorf("banned after %d malformed ones: %+v", n, ban)
	}
}

// A device that was given a wrong password tries for years.
func TestADeviceThatTriesNowAndThenIsNeverBanned(t *testing.T) {
	b := newBans(guarded())
	d := deed(OffenceWrongPassword, "192.0.2.50")
	d.Side, d.Peer, d.Proven = policy.SideInside, true, true
	if n, ban := b.until(noon, d, 7*time.Second, 5000); n != 0 {
		t.Errorf("banned after %d tries: %+v", n, ban)
	}
}

func TestAPeerIsNotJudgedByWhatAnybodyCanSendInItsName(t *testing.T) {
	for _, offence := range []Offence{OffenceMalformed, OffenceWrongPassword, OffenceUnknownUser, OffenceScanner, OffenceUnacknowledged} {
		for _, c := range []struct {
			name         string
			side         policy.Side
			peer, proven bool
			banned       bool
		}{
			{"a peer, forgeable", policy.SideOutside, true, false, false},
			{"a peer inside, forgeable", policy.SideInside, true, false, false},
			{"somebody inside, forgeable", policy.SideInside, false, false, false},
			{"a stranger outside", policy.SideOutside, false, false, true},
			{"a peer, proven", policy.SideOutside, true, true, true},
			{"somebody inside, proven", policy.SideInside, false, true, true},
		} {
			b := newBans(guarded())
			d := Deed{Offence: offence, Side: c.side, Source: netip.MustParseAddr("203.0.113.7"), Peer: c.peer, Proven: c.proven}
			if n, _ := b.until(noon, d, 0, 1000); (n > 0) != c.banned {
				t.Errorf("%s by %s: banned after %d", offence, c.name, n)
			}
		}
	}
}

func TestTheTimeOfABanDoublesAndHasAnEnd(t *testing.T) {
	b, now := newBans(guarded()), noon
	want := []time.Duration{10 * time.Minute, 20 * time.Minute, 40 * time.Minute, 80 * time.Minute, 160 * time.Minute, 320 * time.Minute, 640 * time.Minute,
		1280 * time.Minute, 24 * time.Hour, 24 * time.Hour}
	for i, d := range want {
		_, ban := b.until(now, deed(OffenceScanner, "203.0.113.7"), 0, 1)
		if got := ban.Until.Sub(now); got != d || ban.Times != i+1 {
			t.Errorf("ban %d lasts %v, want %v (%+v)", i+1, got, d, ban)
		}
		now = ban.Until.Add(time.Minute)
		if ended := b.Expire(now); len(ended) != 1 {
			t.Errorf("ban %d has not ended: %+v", i+1, ended)
		}
	}
	if _, ban := b.until(now.Add(25*time.Hour), deed(OffenceScanner, "203.0.113.7"), 0, 1); ban.Times != 1 {
		t.Errorf("after a day of peace: %+v", ban)
	}
}

func TestManyPhonesBehindOneAddressAreNoAttack(t *testing.T) {
	b := newBans(guarded())
	d := Deed{Offence: OffenceWrongPassword, Side: policy.SideInside, Source: netip.MustParseAddr("192.0.2.200"), Peer: true, Proven: true}
	for i := range 100 { // each registers, and its old nonce counts as one wrong answer
		b.AtHome(noon, d.Source, fmt.Sprint("phone-", i))
	}
	for i := range 100 {
		if ban, banned := b.Note(noon.Add(time.Duration(i)*10*time.Millisecond), d); banned {
			t.Fatalf("phone %d: %+v", i, ban)
		}
	}
	if n, _ := b.until(noon.Add(time.Second), d, 0, 5000); n < 500 || n > 1000 {
		t.Errorf("an attack among them is stopped after %d, want some hundred", n)
	}
	d.Offence = OffenceScanner
	d.Source = netip.MustParseAddr("192.0.2.201")
	b.AtHome(noon, d.Source, "one")
	b.AtHome(noon, d.Source, "two")
	if n, _ := b.until(noon, d, 0, 5); n != 1 {
		t.Errorf("a scanner among phones is stopped after %d", n)
	}
}

func TestWhoAcknowledgesIsNotCounted(t *testing.T) {
	b := newBans(guarded())
	d := deed(OffenceUnacknowledged, "203.0.113.7")
	for range 1000 {
		if ban, banned := b.Note(noon, d); banned {
			t.Fatalf("%+v", ban)
		}
		b.Acknowledged(noon, d.Source)
	}
	b.Acknowledged(noon, d.Source) // one more than there were is no credit
	if n, _ := b.until(noon, d, 0, 100); n != 30 {
		t.Errorf("banned after %d that nobody acknowledged", n)
	}
}

func TestWhatTheBoxNeedsIsNeverBanned(t *testing.T) {
	p := guarded()
	p.Network.DNSServers = []netip.AddrPort{netip.MustParseAddrPort("198.51.100.53:53")}
	p.Network.STUNServers = []netip.AddrPort{netip.MustParseAddrPort("203.0.113.200:3478")}
	p.Network.Outside.Address.Prefix = netip.MustParsePrefix("198.51.100.10/24")
	b := newBans(p)
	for _, a := range []string{"198.51.100.53", "203.0.113.200", "198.51.100.10", "192.0.2.1", "203.0.113.99"} {
		d := deed(OffenceScanner, a)
		d.Proven = true
		if n, ban := b.until(noon, d, 0, 100); n != 0 {
			t.Errorf("%s is banned: %+v", a, ban)
		}
	}
	p.Bans.Mode = policy.BanModeOff
	if n, _ := newBans(p).until(noon, deed(OffenceScanner, "203.0.113.7"), 0, 100); n != 0 {
		t.Error("banned with mode off")
	}
	p.Bans.Mode = policy.BanModeWatch
	watching := newBans(p)
	if n, ban := watching.until(noon, deed(OffenceScanner, "203.0.113.7"), 0, 100); n != 1 || !ban.Watched {
		t.Errorf("watching: %d, %+v", n, ban)
	}
	if list := watching.List(); len(list) != 0 {
		t.Errorf("watching bans: %+v", list)
	}
}

func TestWhoHasBecomeAPeerIsNotBannedAnyMore(t *testing.T) {
	b, g := newBans(guarded()), New(guarded(), nil)
	b.until(noon, deed(OffenceScanner, "203.0.113.7"), 0, 1)
	b.until(noon, deed(OffenceScanner, "203.0.113.8"), 0, 1)
	proven := deed(OffenceScanner, "203.0.113.9")
	proven.Proven = true
	b.until(noon, proven, 0, 1)
	hand, err := ByHand(noon, netip.MustParsePrefix("203.0.113.64/26"), "no business here", "admin", 0)
	if err != nil {
		t.Fatal(err)
	}
	b.Put(hand)
	g.SetResolved("carrier-b", []netip.Addr{netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("203.0.113.65")})
	if lifted := b.Review(g.PeerIn); len(lifted) != 1 || lifted[0].Source.Addr() != netip.MustParseAddr("203.0.113.7") {
		t.Errorf("lifted %+v", lifted)
	}
	if _, banned := b.Banned(noon.AddDate(10, 0, 0), netip.MustParseAddr("203.0.113.65")); !banned {
		t.Error("a ban by hand for ever has ended")
	}
}

func TestBansOfIPv6AreOfTheWholeNetworkOfAHost(t *testing.T) {
	b := newBans(guarded())
	for i := range 29 {
		if _, banned := b.Note(noon, deed(OffenceStranger, fmt.Sprintf("2001:db8:1:2::%x", i+1))); banned {
			t.Fatalf("banned after %d", i+1)
		}
	}
	if _, banned := b.Note(noon, deed(OffenceStranger, "2001:db8:1:2:ffff::1")); !banned {
		t.Fatal("not banned for what came from 30 addresses of one /64")
	}
	for a, want := range map[string]bool{"2001:db8:1:2::77": true, "2001:db8:1:3::1": false} {
		if _, banned := b.Banned(noon, netip.MustParseAddr(a)); banned != want {
			t.Errorf("%s banned: %v", a, banned)
		}
	}
}

// The office may have a single /64, and on a link all have the same one: there a ban is of one host.
func TestBansOfIPv6InsideAreOfOneHost(t *testing.T) {
	p := guarded()
	p.Network.Inside.Prefixes = append(p.Network.Inside.Prefixes, netip.MustParsePrefix("2001:db8:5::/56"))
	b := newBans(p)
	for source, want := range map[string]string{
		"2001:db8:5:1::7": "2001:db8:5:1::7/128", "fe80::7%eth0": "fe80::7/128", "2001:db8:6:1::7": "2001:db8:6:1::/64", "::ffff:203.0.113.7": "203.0.113.7/32",
	} {
		if got := b.SourceOf(netip.MustParseAddr(source)); got.String() != want {
			t.Errorf("%s belongs to %s, want %s", source, got, want)
		}
	}
	d := Deed{Offence: OffenceWrongPassword, Side: policy.SideInside, Source: netip.MustParseAddr("2001:db8:5:1::7"), Peer: true, Proven: true}
	if n, ban := b.until(noon, d, 0, 100); n != 10 || ban.Source.String() != "2001:db8:5:1::7/128" {
		t.Fatalf("banned after %d: %+v", n, ban)
	}
	if _, banned := b.Banned(noon, netip.MustParseAddr("2001:db8:5:1::8")); banned {
		t.Error("a telephone beside the one that guesses is banned too")
	}
}

func TestBansAndWhatWasBeforeOutliveARestart(t *testing.T) {
	b := newBans(guarded())
	b.until(noon, deed(OffenceScanner, "203.0.113.7"), 0, 1)
	b.until(noon.Add(-time.Hour), deed(OffenceScanner, "2001:db8:1::1"), 0, 1) // ends before the restart
	text, err := json.Marshal(b.Kept(noon))
	if err != nil {
		t.Fatal(err)
	}
	var kept Kept
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	again := newBans(guarded())
	again.Restore(noon.Add(time.Minute), kept)
	if list := again.List(); len(list) != 1 || list[0].Source.String() != "203.0.113.7/32" || list[0].Until != noon.Add(10*time.Minute) {
		t.Errorf("after the restart: %+v", list)
	}
	if _, ban := again.until(noon.Add(2*time.Minute), deed(OffenceScanner, "2001:db8:1::1"), 0, 1); ban.Times != 2 {
		t.Errorf("what was before is forgotten: %+v", ban)
	}
}

func TestABanByHandIsChecked(t *testing.T) {
	for _, c := range []struct {
		source string
		d      time.Duration
		reason string
		ok     bool
	}{
		{"203.0.113.0/24", time.Hour, "scans", true},
		{"2001:db8::/32", 0, "", true},
		{"0.0.0.0/0", time.Hour, "", false},
		{"11.0.0.0/7", time.Hour, "", false},
		{"2000::/3", time.Hour, "", false},
		{"127.0.0.1/32", time.Hour, "", false},
		{"224.0.0.1/32", time.Hour, "", false},
		{"203.0.113.7/32", -time.Hour, "", false},
		{"203.0.113.7/32", time.Hour, strings.Repeat("x", 300), false},
	} {
		if _, err := ByHand(noon, netip.MustParsePrefix(c.source), c.reason, "admin", c.d); (err == nil) != c.ok {
			t.Errorf("%s for %v: %v", c.source, c.d, err)
		}
	}
}

func TestLiftingForgives(t *testing.T) {
	b := newBans(guarded())
	b.until(noon, deed(OffenceScanner, "203.0.113.7"), 0, 1)
	if _, found := b.Lift(netip.MustParsePrefix("203.0.113.7/32")); !found {
		t.Fatal("not found")
	}
	if _, found := b.Lift(netip.MustParsePrefix("203.0.113.7/32")); found {
		t.Error("lifted twice")
	}
	if _, ban := b.until(noon, deed(OffenceScanner, "203.0.113.7"), 0, 1); ban.Times != 1 {
		t.Errorf("%+v", ban)
	}
}

// A flood of forged sources fills what is remembered and nothing else.
func TestAFloodOfSourcesIsBounded(t *testing.T) {
	b := newBans(guarded())
	for i := range 3 * maxTallies {
		a := netip.AddrFrom4([4]byte{100, byte(i >> 16), byte(i >> 8), byte(i)})
		b.Note(noon, Deed{Offence: OffenceStranger, Side: policy.SideOutside, Source: a})
	}
	if len(b.tallies) > maxTallies {
		t.Errorf("%d tallies", len(b.tallies))
	}
	if n, _ := b.until(noon.Add(2*time.Minute), deed(OffenceStranger, "203.0.113.7"), 0, 100); n != 30 {
		t.Errorf("after the flood a stranger is banned after %d", n)
	}
}

func TestScannersAreKnownByTheNameTheyGiveThemselves(t *testing.T) {
	for agent, want := range map[string]bool{
		"friendly-scanner": true, " Friendly-Scanner 0.3": true, "sipvicious": true, "VaxSIPUserAgent/3.5": true, "sipcli/v1.8": true, "pplsip": true,
		"": false, "baresip v1.0.0 (x86_64/linux)": false, "Yealink SIP-T46U 108.86.0.20": false, "sipsak 0.9.8": false, "Cisco/SPA504G-7.6.2": false,
	} {
		if Scanner(agent) != want {
			t.Errorf("%q: %v", agent, !want)
		}
	}
}
