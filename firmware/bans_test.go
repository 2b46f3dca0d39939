package main

import (
	"crypto/rand"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
	"tollgate/netfilter"
)

// wall is a packet filter that only remembers.
type wall map[netip.Prefix]time.Time

func (w wall) Ban(list ...netfilter.Ban) error {
	for _, b := range list {
		w[b.Source] = b.Until
	}
	return nil
}

func (w wall) Unban(sources ...netip.Prefix) error {
	for _, s := range sources {
		delete(w, s)
	}
	return nil
}

func (w wall) Bans() (list []netfilter.Ban) {
	for s, until := range w {
		list = append(list, netfilter.Ban{Source: s, Until: until})
	}
	return list
}

// told keeps the facts.
type facts []event.Event

func (f *facts) Tell(e event.Event) { *f = append(*f, e) }

// watched is a box's bans, with a PBX at 192.0.2.20, and what they act on.
type watched struct {
	*bans
	wall  wall
	facts *facts
	gate  *access.Gate
	store *store.Store
}

func newWatched(t *testing.T, path string, w wall) watched {
	t.Helper()
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	p := &policy.Policy{PBX: policy.PBX{Sources: []netip.Prefix{netip.MustParsePrefix("192.0.2.20/32")}}, Bans: policy.Bans{
		Mode: policy.BanModeBan, Seconds: 60, Malformed: 3, Strangers: 3, WrongPasswords: 3, UnknownUsers: 3, Scanners: 1, Unacknowledged: 3, FirstMinutes: 10, LongestHours: 24,
	}}
	g, f := access.New(p, rand.Reader), &facts{}
	b, err := newBans(g, w, s, f, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	b.set(p)
	return watched{b, w, f, g, s}
}

func (w watched) end(t *testing.T) {
	w.close()
	if err := w.store.Close(); err != nil {
		t.Error(err)
	}
}

func scan(source string, side policy.Side, proven bool) access.Deed {
	return access.Deed{Offence: access.OffenceScanner, Side: side, Source: netip.MustParseAddr(source), Proven: proven, Peer: source == "192.0.2.20"}
}

func TestABanIsToldKeptAndEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, path, wall{})
		w.Misbehaved(time.Now(), scan("203.0.113.7", policy.SideOutside, false))
		w.Misbehaved(time.Now(), scan("192.0.2.20", policy.SideInside, false)) // in the PBX's name
		source := netip.MustParsePrefix("203.0.113.7/32")
		if len(*w.facts) != 1 || (*w.facts)[0].(event.SourceBanned).Source != source || len(w.wall) != 1 {
			t.Fatalf("told %+v, the filter drops %v", *w.facts, w.wall)
		}
		w.end(t)
		time.Sleep(4 * time.Minute)

		again := newWatched(t, path, wall{netip.MustParsePrefix("203.0.113.99/32"): time.Time{}}) // of a run that was killed
		defer again.end(t)
		if list := again.List(); len(list) != 1 || list[0].Source != source || len(again.wall) != 1 || again.wall[source].IsZero() {
			t.Fatalf("after a restart %+v, the filter drops %v", list, again.wall)
		}
		time.Sleep(6*time.Minute - time.Second)
		if len(again.wall) != 1 {
			t.Error("the ban has ended too soon")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if _, lifted := (*again.facts)[0].(event.SourceLifted); !lifted || len(again.List()) != 0 || len(again.wall) != 0 {
			t.Errorf("told %+v, banned %+v, the filter drops %v", *again.facts, again.List(), again.wall)
		}
	})
}

// A call for help must pass, so that the packet filter may not drop whoever may make one.
func TestAPeerIsBannedByTheGateAlone(t *testing.T) {
	w := newWatched(t, filepath.Join(t.TempDir(), "tollgate.db"), wall{})
	defer w.end(t)
	w.Misbehaved(time.Now(), scan("192.0.2.20", policy.SideInside, true))
	if list := w.List(); len(list) != 1 || len(w.wall) != 0 {
		t.Errorf("banned %+v, the filter drops %v", list, w.wall)
	}
}

func TestPeopleBanAndLift(t *testing.T) {
	w := newWatched(t, filepath.Join(t.TempDir(), "tollgate.db"), wall{})
	defer w.end(t)
	source := netip.MustParsePrefix("203.0.113.0/24")
	if _, err := w.byHand(netip.MustParsePrefix("203.0.113.77/24"), "no business here", "admin", 0); err != nil {
		t.Fatal(err)
	}
	if _, err := w.byHand(netip.MustParsePrefix("0.0.0.0/0"), "", "admin", 0); err == nil {
		t.Error("everybody was banned")
	}
	if _, dropped := w.wall[source]; !dropped {
		t.Errorf("the filter drops %v", w.wall)
	}
	if list := (guard{w.bans}).List(); len(list) != 1 || list[0].Source != "203.0.113.0/24" || list[0].Until != nil || list[0].Who != "admin" {
		t.Errorf("listed %+v", list)
	}
	if _, err := (guard{w.bans}).Lift("203.0.113.1/24", "admin"); err != nil || len(w.wall) != 0 {
		t.Errorf("lifting: %v, the filter drops %v", err, w.wall)
	}
	if _, err := (guard{w.bans}).Lift("203.0.113.0/24", "admin"); err == nil {
		t.Error("lifted twice")
	}
	if n := len(*w.facts); n != 2 || !slices.ContainsFunc(*w.facts, func(e event.Event) bool { l, ok := e.(event.SourceLifted); return ok && l.Who == "admin" }) {
		t.Errorf("told %+v", *w.facts)
	}
}

func TestAnUnreadableRecordOfBansIsLeftAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(bansKind, bansKey, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	w := newWatched(t, path, wall{})
	defer w.end(t)
	if list := w.List(); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestASourceIsReadAsPeopleWriteIt(t *testing.T) {
	w := newWatched(t, filepath.Join(t.TempDir(), "tollgate.db"), wall{})
	defer w.end(t)
	w.set(&policy.Policy{Network: policy.Network{Inside: policy.Inside{Prefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8:5::/48")}}}})
	for text, want := range map[string]string{
		"2001:db8:5::7": "2001:db8:5::7/128", "2001:db8:5::7/64": "2001:db8:5::/64", "203.0.113.7": "203.0.113.7/32", " 203.0.113.7/24 ": "203.0.113.0/24", "2001:db8:1:2::3": "2001:db8:1:2::/64", "2001:db8::/32": "2001:db8::/32",
		"::ffff:203.0.113.7": "203.0.113.7/32", "example": "", "": "", "203.0.113.7/33": "",
	} {
		got, err := (guard{w.bans}).source(text)
		if want == "" != (err != nil) || want != "" && got.String() != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
