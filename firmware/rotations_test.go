package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/apply"
	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/rotation"
	"tollgate/firmware/store"
)

const officePolicy = `version: 1
site: {name: Lyon, country: FR, time_zone: Europe/Paris}
network:
  inside: {interface: eth0, address: 192.0.2.10/24}
  outside: {interface: eth1, address: 198.51.100.10/24}
pbx: {address: 192.0.2.20, authentication: digest, user: x42, secret: the-first-Secret-77q}
trunks:
  - name: carrier-a
    domain: carrier.example
    registrar: sip.carrier.example
    accounts: [{user: alice, secret: carriers-First-77q, numbers: [+33423456700]}]
  - name: carrier-b
    domain: backup.example
    accounts: [{user: bobby, secret: backups-First-88w, numbers: [+33423456701]}]
`

// registry is a carrier that takes one password.
type registry struct {
	takes   string
	asked   int
	refuses bool // what is in force
}

func (r *registry) Probe(_ context.Context, trunk, user string, s policy.Secret) error {
	r.asked++
	if trunk != "carrier-a" || user != "alice" || s.Reveal() != r.takes {
		return errors.New("the carrier refused the credentials")
	}
	return nil
}

// turning is a box as far as passwords go.
type turning struct {
	*rotations
	carrier *registry
	facts   *facts
	store   *store.Store
	config  *apply.Box
	log     *bytes.Buffer
}

func newTurning(t *testing.T, path string, carrier *registry) turning {
	t.Helper()
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	b := turning{carrier: carrier, facts: &facts{}, store: s, log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(b.log, nil))
	gate := access.New(&policy.Policy{}, rand.Reader)
	b.rotations = &rotations{gate: gate, prober: carrier, refused: func(id credentialID) bool { return carrier.refuses }, rotated: func(_, _ policy.Secret) {},
		store: s, random: rand.Reader, sink: b.facts, log: log}
	if err := b.load(); err != nil {
		t.Fatal(err)
	}
	b.config = apply.New([]apply.Part{{Name: "passwords", Set: func(_ context.Context, p *policy.Policy) error {
		if p != nil {
			gate.Set(p)
			b.rotations.set(p, time.Now())
		}
		return nil
	}}}, s, &facts{}, log)
	b.rotations.config = b.config
	known, err := b.config.Boot(t.Context())
	if err == nil && !known {
		_, err = b.config.Import(t.Context(), []byte(officePolicy), "test", "")
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b turning) end(t *testing.T) {
	b.config.Close()
	if err := b.store.Close(); err != nil {
		t.Error(err)
	}
}

// inForce is the password of the policy in force.
func (b turning) inForce(id credentialID) policy.Secret {
	p, _, _ := b.config.Current()
	for _, c := range credentialsOf(p) {
		if c.id == id {
			return c.secret()
		}
	}
	return ""
}

func (b turning) state(id credentialID) rotation.State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept[id].State
}

// told tells whether something was told of a password.
func (b turning) told(id credentialID, what string) (found, alarm bool) {
	for _, e := range *b.facts {
		if c, ok := e.(event.CredentialChanged); ok && c.ID == string(id) && c.What == what {
			return true, c.Alarm
		}
	}
	return false, false
}

// wait lets minutes pass, step by step.
func (b turning) wait(t *testing.T, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(min(10*time.Minute, time.Until(end)))
		b.step(t.Context())
	}
}

func TestACarriersPasswordIsReplacedOnceItHasBeenSeenToWork(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	synctest.Test(t, func(t *testing.T) {
		carrier := &registry{takes: "carriers-First-77q"}
		b := newTurning(t, path, carrier)
		if _, err := b.begin("carrier-a/alice", "too-short", "admin", time.Now()); err == nil {
			t.Error("a weak password was taken")
		}
		const next = "carriers-Second-99e"
		if _, err := b.begin("carrier-a/alice", next, "admin", time.Now()); err != nil {
			t.Fatal(err)
		}
		b.wait(t, time.Hour)
		if carrier.asked < 5 || b.inForce("carrier-a/alice") != "carriers-First-77q" {
			t.Fatalf("asked %d times, %v", carrier.asked, b.state("carrier-a/alice"))
		}
		b.end(t)

		carrier.takes = next // the carrier has switched over while the box was restarting
		b = newTurning(t, path, carrier)
		b.wait(t, 10*time.Minute)
		if b.inForce("carrier-a/alice") != next || b.state("carrier-a/alice").Phase != rotation.Active {
			t.Fatalf("not in force: %+v\n%s", b.state("carrier-a/alice"), b.log)
		}
		b.wait(t, 8*24*time.Hour)
		if found, _ := b.told("carrier-a/alice", "done"); !found || b.kept["carrier-a/alice"].Going != "" {
			t.Errorf("the one before is kept: %+v", b.state("carrier-a/alice"))
		}
		if s := b.log.String(); strings.Contains(s, next) || strings.Contains(s, "First") {
			t.Errorf("the log has a password:\n%s", s)
		}
		b.end(t)
	})
}

func TestThePasswordBeforeReturnsByItselfWhenTheCarrierRefusesTheNewOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	synctest.Test(t, func(t *testing.T) {
		carrier := &registry{takes: "carriers-Second-99e"}
		b := newTurning(t, path, carrier)
		defer b.end(t)
		if _, err := b.begin("carrier-a/alice", "carriers-Second-99e", "admin", time.Now()); err != nil {
			t.Fatal(err)
		}
		b.step(t.Context())
		if b.inForce("carrier-a/alice") != "carriers-Second-99e" {
			t.Fatalf("%+v", b.state("carrier-a/alice"))
		}
		carrier.refuses = true
		b.wait(t, time.Hour)
		found, alarm := b.told("carrier-a/alice", "taken back")
		if s := b.state("carrier-a/alice"); !found || !alarm || b.inForce("carrier-a/alice") != "carriers-First-77q" || s.Phase != rotation.Current || s.Trouble == "" {
			t.Errorf("%+v, told %v", s, *b.facts)
		}
	})
}

func TestThePBXMayUseBothAndItsNewPasswordIsShownOnceAndKeptNowhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	synctest.Test(t, func(t *testing.T) {
		b := newTurning(t, path, &registry{})
		made, err := b.begin(policy.PeerPBX, "", "admin", time.Now())
		if err != nil || len(made) != 24 {
			t.Fatalf("%q, %v", made, err)
		}
		from := access.Source{Addr: netip.MustParseAddrPort("192.0.2.20:5060")}
		b.proved(time.Now(), from, 0)
		b.wait(t, time.Hour)
		if l := b.state(policy.PeerPBX).Laggards; len(l) != 1 || b.inForce(policy.PeerPBX) != policy.HashSecret("x42", "the-first-Secret-77q") {
			t.Fatalf("laggards %v", l)
		}
		b.proved(time.Now(), from, 1)
		b.step(t.Context())
		if b.inForce(policy.PeerPBX) != policy.HashSecret("x42", policy.Secret(made)) {
			t.Fatalf("not in force: %+v\n%s", b.state(policy.PeerPBX), b.log)
		}
		if l := b.state(policy.PeerPBX).Laggards; len(l) != 0 {
			t.Errorf("laggards %v", l)
		}
		b.proved(time.Now(), from, 1) // now that is the old one
		if l := b.state(policy.PeerPBX).Laggards; len(l) != 1 {
			t.Errorf("laggards %v", l)
		}
		b.wait(t, 8*24*time.Hour)
		if found, alarm := b.told(policy.PeerPBX, "done"); !found || !alarm {
			t.Errorf("told %v", *b.facts)
		}
		b.end(t)
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(file, []byte(made)) || bytes.Contains(file, []byte("the-first-Secret")) || strings.Contains(b.log.String(), made) {
			t.Error("a password of the PBX is kept in the clear")
		}
	})
}

func TestAPasswordChangedByHandEndsItsRotationAndIsYoung(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	synctest.Test(t, func(t *testing.T) {
		b := newTurning(t, path, &registry{})
		defer b.end(t)
		b.wait(t, 80*24*time.Hour)
		if found, alarm := b.told("carrier-b/bobby", "due"); !found || !alarm {
			t.Errorf("nobody was reminded: %v", *b.facts)
		}
		if _, err := b.begin("carrier-a/alice", "carriers-Second-99e", "admin", time.Now()); err != nil {
			t.Fatal(err)
		}
		doc := strings.Replace(officePolicy, "carriers-First-77q", "carriers-Third-55t", 1)
		if _, err := b.config.Import(t.Context(), []byte(doc), "test", ""); err != nil {
			t.Fatal(err)
		}
		if s := b.state("carrier-a/alice"); s.Phase != rotation.Current || !s.Since.Equal(time.Now()) || b.kept["carrier-a/alice"].Coming != "" {
			t.Errorf("%+v", s)
		}
		if s := b.state("carrier-b/bobby"); time.Since(s.Since) < 79*24*time.Hour {
			t.Errorf("a password that stayed has become younger: %+v", s)
		}
	})
}

func TestWhatCannotBeReplacedIsSaidWithTheRemedy(t *testing.T) {
	b := newTurning(t, filepath.Join(t.TempDir(), "tollgate.db"), &registry{takes: "nothing"})
	defer b.end(t)
	k := keyring{b.rotations}
	for _, c := range []struct{ id, secret, says string }{
		{"nobody", "", "no such credential"},
		{"pbx", "brought-Along-12345", "the box makes"},
		{"carrier-a/alice", "", "bring the new one"},
		{"carrier-a/alice", "carriers-First-77q", "the password in force"},
		{"carrier-a/alice", "alice-has-A-Long-44y", "holds the user"},
		{"carrier-b/bobby", "backups-Second-99e", "does not register"},
	} {
		if _, err := k.Rotate(c.id, c.secret, "admin"); err == nil || !strings.Contains(err.Error(), c.says) || c.secret != "" && strings.Contains(err.Error(), c.secret) {
			t.Errorf("%s: %v, want %q", c.id, err, c.says)
		}
	}
	if err := k.Cancel("pbx", "admin"); err == nil {
		t.Error("nothing was called off")
	}
	if list := k.List(); len(list) != 3 || list[0].ID != "pbx" || !list[0].Made || list[1].State != "current" || list[2].Replaceable {
		t.Errorf("%+v", list)
	}
}
