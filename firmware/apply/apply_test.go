package apply

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
)

// bench is a Box over a real store with parts that write down what they are set to.
type bench struct {
	*Box
	store *store.Store
	hub   event.Hub
	log   []string
	fail  string // the part that refuses the next policy with this site name
	site  string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "tollgate.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b := &bench{store: s}
	b.Box = b.boot()
	return b
}

// boot makes a Box as a process that starts would.
func (b *bench) boot() *Box {
	part := func(name string) Part {
		return Part{Name: name, Set: func(_ context.Context, p *policy.Policy) error {
			site := "set-up"
			if p != nil {
				site = p.Site.Name
			}
			b.log = append(b.log, name+"="+site)
			if name == b.fail && site == b.site {
				return errors.New("does not fit")
			}
			return nil
		}}
	}
	return New([]Part{part("first"), part("second"), part("third")}, b.store, &b.hub, slog.New(slog.DiscardHandler))
}

// document is the example with another site name, its secrets filled in, and lines replaced.
func document(t *testing.T, site string, replace ...string) []byte {
	t.Helper()
	doc := strings.Replace(string(policy.Example()), "name: Lyon office", "name: "+site, 1)
	before, from, _ := strings.Cut(doc, "    dhcp_server:\n") // which stands against one port for both sides
	_, after, _ := strings.Cut(from, "  outside:\n")
	doc = before + "  outside:\n" + after
	doc = regexp.MustCompile(`(?m)^ *certificate: \|\n( +[^:\n]*\n)+ *key: .*\n`).ReplaceAllString(doc, "") // whose key nobody has
	doc = regexp.MustCompile(`( +sign: )on\n((?: +#.*\n)*) +url: .*\n`).ReplaceAllString(doc, "${1}off\n$2")
	doc = strings.ReplaceAll(doc, `secret: "***"`, "secret: kX7-quiet-Lantern-42")
	doc = strings.NewReplacer(replace...).Replace(doc)
	if _, err := policy.Parse([]byte(doc)); err != nil {
		t.Fatalf("the document of this test is wrong: %v", err)
	}
	return []byte(doc)
}

func (b *bench) took() []string { l := b.log; b.log = nil; return l }

func (b *bench) inForce(t *testing.T) string {
	t.Helper()
	p, _, _ := b.Current()
	if p == nil {
		return "set-up"
	}
	return p.Site.Name
}

func TestTheFirstPolicyIsConfirmedAtOnceAndBootsAgain(t *testing.T) {
	b := newBench(t)
	if ok, err := b.Boot(t.Context()); ok || err != nil {
		t.Fatalf("an empty store booted: %v, %v", ok, err)
	}
	if got := b.took(); !slices.Equal(got, []string{"first=set-up", "second=set-up", "third=set-up"}) {
		t.Errorf("set-up mode: %v", got)
	}
	r, err := b.Import(t.Context(), document(t, "one"), "anna", "hello")
	if err != nil || r.Trial || r.Revision.State != store.Confirmed {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := b.took(); !slices.Equal(got, []string{"first=one", "second=one", "third=one"}) {
		t.Errorf("import: %v", got)
	}
	again := b.boot()
	if ok, err := again.Boot(t.Context()); !ok || err != nil {
		t.Fatalf("boot: %v, %v", ok, err)
	}
	if p, rev, trial := again.Current(); p.Site.Name != "one" || rev.Who != "anna" || rev.Why != "hello" || trial {
		t.Errorf("booted %s of %s because %q, trial %v", p.Site.Name, rev.Who, rev.Why, trial)
	}
}

func TestWhatIsInForceIsPutIntoForceAgain(t *testing.T) {
	b := newBench(t)
	if _, err := b.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"set-up", "one"} {
		if want != "set-up" {
			if _, err := b.Import(t.Context(), document(t, want), "anna", ""); err != nil {
				t.Fatal(err)
			}
		}
		b.took()
		if err := b.Again(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := b.took(); !slices.Equal(got, []string{"first=" + want, "second=" + want, "third=" + want}) {
			t.Errorf("again: %v, not %s", got, want)
		}
	}
	// On trial it is what is tried that is in force, and not the one before.
	if r, err := b.Import(t.Context(), document(t, "two", "port: 443", "port: 8443"), "anna", ""); err != nil || !r.Trial {
		t.Fatalf("%+v, %v", r, err)
	}
	b.took()
	if err := b.Again(t.Context()); err != nil || b.took()[0] != "first=two" {
		t.Errorf("during a trial something else was put into force: %v", err)
	}
}

func TestTheSamePolicyTwiceChangesNothing(t *testing.T) {
	b := newBench(t)
	doc := document(t, "one")
	first, err := b.Import(t.Context(), doc, "anna", "")
	if err != nil {
		t.Fatal(err)
	}
	b.took()
	second, err := b.Import(t.Context(), doc, "bert", "")
	if err != nil || second.Revision.Number != first.Revision.Number || len(b.took()) != 0 {
		t.Errorf("%+v, %v", second, err)
	}
}

func TestAMaskedSecretIsTheOneInForce(t *testing.T) {
	b := newBench(t)
	if _, err := b.Import(t.Context(), document(t, "one"), "anna", ""); err != nil {
		t.Fatal(err)
	}
	p, _, _ := b.Current()
	masked, err := p.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Import(t.Context(), []byte(strings.Replace(string(masked), "name: one", "name: two", 1)), "anna", ""); err != nil {
		t.Fatal(err)
	}
	p, _, _ = b.Current()
	if p.Site.Name != "two" || p.Trunks[0].Accounts[0].Secret.Reveal() != "kX7-quiet-Lantern-42" {
		t.Errorf("site %s; the secret was kept: %v", p.Site.Name, p.Trunks[0].Accounts[0].Secret.Reveal() == "kX7-quiet-Lantern-42")
	}
}

func TestAPartThatRefusesPutsEverythingBack(t *testing.T) {
	b := newBench(t)
	if _, err := b.Import(t.Context(), document(t, "one"), "anna", ""); err != nil {
		t.Fatal(err)
	}
	b.took()
	b.fail, b.site = "second", "two"
	_, err := b.Import(t.Context(), document(t, "two"), "anna", "")
	if err == nil || err.Error() != "second: does not fit" {
		t.Errorf("error %v, want the part and its reason", err)
	}
	if got, want := b.took(), []string{"first=two", "second=two", "second=one", "first=one"}; !slices.Equal(got, want) {
		t.Errorf("set %v, want %v", got, want)
	}
	if got := b.inForce(t); got != "one" {
		t.Errorf("%s is in force, want one", got)
	}
	if rev, _, _ := b.store.Confirmed(); rev.Number != 1 {
		t.Errorf("revision %d is confirmed, want 1", rev.Number)
	}
	if revs, _ := b.store.Revisions(5); len(revs) != 2 || revs[0].State != store.Reverted {
		t.Errorf("revisions %v, want the refused one marked as reverted", revs)
	}
}

func TestAWrongDocumentTouchesNothing(t *testing.T) {
	b := newBench(t)
	_, err := b.Import(t.Context(), []byte("version: 1\nsite: 3\n"), "anna", "")
	var faults policy.Faults
	if !errors.As(err, &faults) || len(faults) < 2 {
		t.Errorf("error %v, want every fault", err)
	}
	if revs, _ := b.store.Revisions(5); len(revs) != 0 || len(b.took()) != 0 {
		t.Error("a wrong document left a trace")
	}
}

func TestADocumentIsExaminedWithoutAnyChange(t *testing.T) {
	b := newBench(t)
	if _, err := b.Import(t.Context(), document(t, "one"), "anna", ""); err != nil {
		t.Fatal(err)
	}
	b.took()
	p, changes, err := b.Examine(document(t, "two"))
	if err != nil || p.Site.Name != "two" || len(changes) != 1 || changes[0].Path != "site.name" {
		t.Errorf("%v, %v", changes, err)
	}
	var faults policy.Faults
	if _, _, err := b.Examine([]byte("version: 2")); !errors.As(err, &faults) {
		t.Errorf("a wrong document: %v", err)
	}
	if got := b.took(); len(got) != 0 || b.inForce(t) != "one" {
		t.Errorf("something changed: %v, %s in force", got, b.inForce(t))
	}
}

func TestARiskyChangeIsTakenBackUnlessConfirmed(t *testing.T) {
	for name, confirm := range map[string]bool{"confirmed": true, "forgotten": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				if _, err := b.Import(t.Context(), document(t, "one"), "anna", ""); err != nil {
					t.Fatal(err)
				}
				r, err := b.Import(t.Context(), document(t, "two", "address: 192.0.2.20:5061", "address: 192.0.2.21:5061"), "anna", "")
				if err != nil || !r.Trial || time.Until(r.Revision.Deadline) != TrialTime {
					t.Fatalf("%+v, %v; want a trial of %v", r, err, TrialTime)
				}
				if _, err := b.Import(t.Context(), document(t, "three"), "bert", ""); !errors.Is(err, ErrOnTrial) {
					t.Errorf("a second import during the trial: %v", err)
				}
				if rev, _, _ := b.store.Confirmed(); rev.Number != 1 {
					t.Error("a power cut now would not wake the confirmed revision")
				}
				want := "one"
				if confirm {
					if _, err := b.Confirm("anna"); err != nil {
						t.Fatal(err)
					}
					want = "two"
				}
				time.Sleep(TrialTime + time.Second)
				synctest.Wait()
				if got := b.inForce(t); got != want {
					t.Errorf("%s is in force, want %s", got, want)
				}
				if _, err := b.Confirm("anna"); !errors.Is(err, ErrNoTrial) {
					t.Errorf("a late confirmation: %v", err)
				}
				again := b.boot()
				if _, err := again.Boot(t.Context()); err != nil {
					t.Fatal(err)
				}
				if p, _, _ := again.Current(); p.Site.Name != want {
					t.Errorf("the next start boots %s, want %s", p.Site.Name, want)
				}
			})
		})
	}
}

func TestOnlyWhatCanCutOffIsRisky(t *testing.T) {
	for path, want := range map[string]bool{
		"network.inside.address": true, "admin.port": true, "admin.sources": true, "pbx.address": true, "trunks[0].transport": true,
		"trunks[carrier-a].tls.trust": true, "trunks[carrier-a].registrar": true,
		"site.name": false, "limits.calls": false, "routes": false, "trunks[0].accounts[0].secret": false, "trunks[0].caps.calls": false,
		"pbx.codecs": false,
	} {
		if got := risky([]policy.Change{{Path: path}}); got != want {
			t.Errorf("%s: risky %v, want %v", path, got, want)
		}
	}
}

// A part that can go back by itself is tried with the trial's end, and set when it is confirmed.
func TestAPartThatGoesBackByItselfIsTriedAndThenKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		part := Part{Name: "filter", Set: func(_ context.Context, p *policy.Policy) error {
			b.log = append(b.log, "set "+p.Site.Name)
			return nil
		}, Try: func(_ context.Context, p *policy.Policy, until time.Time) error {
			b.log = append(b.log, "try "+p.Site.Name+" for "+time.Until(until).String())
			return nil
		}}
		b.Box = New([]Part{part}, b.store, &b.hub, slog.New(slog.DiscardHandler))
		want := func(what string, steps ...string) {
			t.Helper()
			if got := b.took(); !slices.Equal(got, steps) {
				t.Errorf("%s: %q, want %q", what, got, steps)
			}
		}
		imported := func(site string, replace ...string) {
			t.Helper()
			if _, err := b.Import(t.Context(), document(t, site, replace...), "anna", ""); err != nil {
				t.Fatal(err)
			}
		}
		risky := []string{"media_ports: 20000-20999", "media_ports: 21000-21999"}
		imported("one")
		want("the first", "set one")
		imported("two", risky...)
		want("a risky one", "try two for 2m0s")
		if _, err := b.Confirm("anna"); err != nil {
			t.Fatal(err)
		}
		want("confirmed", "set two")
		imported("three")
		want("another risky one", "try three for 2m0s")
		time.Sleep(TrialTime + time.Second)
		synctest.Wait()
		want("not confirmed", "set two")
	})
}
