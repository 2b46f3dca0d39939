package main

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/admission"
	"tollgate/firmware/api"
	"tollgate/firmware/event"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
)

// watchfulPolicy lets a caller have two calls at once and two within a minute, whatever time it is.
const watchfulPolicy = `
version: 1
site: {name: Lyon, country: FR, time_zone: Europe/Paris}
network:
  inside: {interface: eth0, address: 192.0.2.10/24}
  outside: {interface: eth1, address: 198.51.100.10/24}
pbx: {address: 192.0.2.20}
trunks:
  - {name: carrier, domain: carrier.example, accounts: [{user: line, numbers: [+33423456700, +33423456701]}]}
fraud:
  caller:
    day: {calls: 0, per_minute: 2, simultaneous: 2, sequential: 0, minutes: 0}
    night: {calls: 0, per_minute: 2, simultaneous: 2, sequential: 0, minutes: 0}
    weekend: {calls: 0, per_minute: 2, simultaneous: 2, sequential: 0, minutes: 0}
  budgets: {caller: 5}
`

// till is frauds with what they tell and cut.
type till struct {
	*frauds
	t     *testing.T
	store *store.Store
	told  chan event.Event
	cuts  chan uint64
	plan  *numbering.Plan
}

// Tell takes what is told.
func (k *till) Tell(e event.Event) { k.told <- e }

// openTill takes up what is kept at a path, and puts the policy into force.
func openTill(t *testing.T, path string) *till {
	t.Helper()
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	k := &till{t: t, store: s, told: make(chan event.Event, 100), cuts: make(chan uint64, 100)}
	if k.frauds, err = newFrauds(s, k, slog.New(slog.DiscardHandler), func(ticket uint64, _ string) { k.cuts <- ticket }); err != nil {
		t.Fatal(err)
	}
	if k.plan, err = numbering.For("FR"); err != nil {
		t.Fatal(err)
	}
	k.follow(watchfulPolicy)
	return k
}

func (k *till) follow(doc string) {
	k.t.Helper()
	p, err := policy.Parse([]byte(doc))
	if err != nil {
		k.t.Fatal(err)
	}
	if err := k.set(p); err != nil {
		k.t.Fatal(err)
	}
}

// shut ends this run of the box.
func (k *till) shut() {
	k.t.Helper()
	k.close()
	if err := k.store.Close(); err != nil {
		k.t.Error(err)
	}
}

func (k *till) attempt(user, from, to string) admission.Attempt {
	k.t.Helper()
	n, err := k.plan.Read(to, "")
	if err != nil {
		k.t.Fatal(err)
	}
	return admission.Attempt{Caller: policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}, User: user, From: numbering.Number{E164: from}, Number: n, At: time.Now()}
}

// dial makes a call if it may go, and returns the rule that refuses it.
func (k *till) dial(id uint64, a admission.Attempt) string {
	if no := k.Refuse(a); no != nil {
		return no.Rule
	}
	k.Begin(id, a, time.Time{})
	return ""
}

func (k *till) next() event.Event {
	k.t.Helper()
	select {
	case e := <-k.told:
		return e
	case <-time.After(time.Minute):
		k.t.Fatal("nothing is told")
		return nil
	}
}

func TestWhatIsBlockedIsToldAndStaysSoOverARestartUntilReleased(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	k := openTill(t, path)
	call := k.attempt("201", "", "+4930123456")
	for id := range uint64(2) {
		if rule := k.dial(id+1, call); rule != "" {
			t.Fatalf("call %d is refused by %s", id+1, rule)
		}
	}
	if rule := k.dial(3, call); !strings.HasPrefix(rule, "fraud.caller.") {
		t.Fatalf("the third call at once is refused by %q", rule)
	}
	if e, ok := k.next().(event.FraudFound); !ok || e.Of != "201" || e.Action != "block-caller" || e.To != "+4930123456" {
		t.Errorf("told %+v", e)
	}
	for range 2 { // what runs is ended too
		<-k.cuts
	}
	if shown := k.Fraud(); shown.Mode != "act" || len(shown.Blocks) != 1 || len(shown.Alarms) != 1 || shown.Blocks[0].Of != "201" {
		t.Errorf("shown %+v", shown)
	}
	k.shut()

	k = openTill(t, path)
	defer k.shut()
	if rule := k.dial(4, call); rule != "fraud.blocked.caller" {
		t.Errorf("after a restart it is refused by %q", rule)
	}
	b, err := k.Release(api.ReleaseRequest{Kind: "caller", Of: "201"}, "anna")
	if err != nil || b.Of != "201" {
		t.Fatalf("released %+v, %v", b, err)
	}
	if e, ok := k.next().(event.FraudReleased); !ok || e.Who != "anna" || e.Of != "201" {
		t.Errorf("told %+v", e)
	}
	if rule := k.dial(5, call); rule != "" {
		t.Errorf("after its release it is refused by %s", rule)
	}
	var conflict *api.Conflict
	if _, err := k.Release(api.ReleaseRequest{Kind: "caller", Of: "201"}, "anna"); !errors.As(err, &conflict) {
		t.Errorf("released again: %v", err)
	}
}

// A call that was taken up after a restart is charged from when it was answered.
func TestACallWhoseMoneyIsGoneIsEnded(t *testing.T) {
	k := openTill(t, filepath.Join(t.TempDir(), "tollgate.db"))
	defer k.shut()
	k.Begin(7, k.attempt("201", "", "+252612345678"), time.Now().Add(-10*time.Minute)) // 30 of 5 €
	select {
	case id := <-k.cuts:
		if id != 7 {
			t.Errorf("call %d is cut", id)
		}
	case <-time.After(time.Minute):
		t.Fatal("it goes on")
	}
	if shown := k.Fraud(); shown.Spent < 3000 || len(shown.Blocks) != 1 {
		t.Errorf("shown %+v", shown)
	}
	k.End(7)
}

func TestTheOfficesNumberIsNotJudgedAsOneCaller(t *testing.T) {
	k := openTill(t, filepath.Join(t.TempDir(), "tollgate.db"))
	defer k.shut()
	for i, to := range []string{"+4930123456", "+34911234567", "+3227123456", "+39061234567"} {
		if rule := k.dial(uint64(i+1), k.attempt("0423456700", "+33423456700", to)); rule != "" {
			t.Errorf("call %d of the office's number is refused by %s", i+1, rule)
		}
	}
	for i, want := range []string{"", "", "fraud.caller."} {
		if rule := k.dial(uint64(i+10), k.attempt("0423456701", "+33423456701", "+41441234567")); !strings.HasPrefix(rule, want) || want == "" && rule != "" {
			t.Errorf("call %d of a number of one telephone: %q, want %q", i+1, rule, want)
		}
	}
}

func TestCallsThatComeInAreNotJudged(t *testing.T) {
	k := openTill(t, filepath.Join(t.TempDir(), "tollgate.db"))
	defer k.shut()
	in := k.attempt("", "+4930123456", "0423456700")
	in.Caller = policy.Peer{Side: policy.SideOutside, Name: "carrier"}
	within := k.attempt("201", "", "+252612345678")
	within.Number.Class = ""
	for _, a := range []admission.Attempt{in, within} {
		for range 5 {
			if no := k.Refuse(a); no != nil {
				t.Errorf("refused by %s", no.Rule)
			}
		}
	}
}

func TestRatesAreKeptOverARestartAndLeftAsideInAnotherCountry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	k := openTill(t, path)
	var conflict *api.Conflict
	if _, err := k.SetRates("prefix;minute\n+49;dear\n", "anna"); !errors.As(err, &conflict) || !strings.Contains(conflict.Detail, "line 2") {
		t.Errorf("a list with a fault: %v", err)
	}
	if n := k.Rates().Count; n != 0 {
		t.Errorf("%d prices of a list with a fault are in force", n)
	}
	if r, err := k.SetRates("prefix;minute\n+252;0.10\n3611;0.40\n", "anna"); err != nil || r.Count != 2 || r.Who != "anna" {
		t.Fatalf("%+v, %v", r, err)
	}
	k.shut()

	k = openTill(t, path)
	defer k.shut()
	if r := k.Rates(); r.Count != 2 || r.At == nil {
		t.Errorf("after a restart %+v", r)
	}
	k.Begin(7, k.attempt("201", "", "+252612345678"), time.Now().Add(-10*time.Minute)) // 1 of 5 €
	if shown := k.Fraud(); shown.Spent < 100 || shown.Spent > 110 || len(shown.Blocks) > 0 {
		t.Errorf("shown %+v", shown)
	}
	k.End(7)
	k.follow(strings.Replace(watchfulPolicy, "country: FR", "country: DE", 1)) // 3611 is no short number there
	if no := k.Refuse(k.attempt("202", "", "+252612345678")); no != nil {
		t.Errorf("refused by %s", no.Rule)
	}
}

func TestARecordThatCannotBeReadIsLeftAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	k := openTill(t, path)
	k.close()
	for _, key := range []string{fraudLedger, fraudHabits} {
		if err := k.store.Put(fraudKind, key, []byte("{")); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.store.Close(); err != nil {
		t.Fatal(err)
	}
	k = openTill(t, path)
	defer k.shut()
	if rule := k.dial(1, k.attempt("201", "", "+4930123456")); rule != "" {
		t.Errorf("refused by %s", rule)
	}
}
