package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/board/usb"
	"tollgate/firmware/api"
	"tollgate/firmware/certs"
	"tollgate/firmware/delivery"
	"tollgate/firmware/envelope"
	"tollgate/firmware/event"
	"tollgate/firmware/stick"
	"tollgate/firmware/store"
)

const backupPhrase = "seven brass lanterns by the quay"

// keepsBox is a box that has something to keep, and a stick in it.
func keepsBox(t *testing.T, s aStick) (*box, stickView) {
	t.Helper()
	b, _ := stickBench(t)
	b.said = &lines{to: os.Stderr}
	var err error
	if b.key, err = openKey(b.store); err != nil {
		t.Fatal(err)
	}
	if b.authority, err = certs.Open(b.store, time.Now, rand.Reader); err != nil {
		t.Fatal(err)
	}
	if b.ended, err = openEnded(b.store, b.log); err != nil {
		t.Fatal(err)
	}
	if b.past, err = openPastCalls(b.store, b.log); err != nil {
		t.Fatal(err)
	}
	if b.frauds, err = newFrauds(b.store, &event.Hub{}, b.log, func(uint64, string) {}); err != nil {
		t.Fatal(err)
	}
	b.taker = delivery.New(delivery.Options{Box: delivered{b}, Lists: b.lists(), Key: b.key, Memory: bundles{b.store}, Serial: "B7"})
	b.sticks = stick.New(stick.Options{Reader: s, Taker: b.taker, Policy: b.policy, Serial: "B7", Recipient: b.key.Recipient(), Log: b.log})
	b.sticks.Plugged(t.Context(), usb.Change{Device: "/dev/sda", Here: true})
	return b, stickView{b}
}

// nextStart is the store of a box as its next start finds it.
func nextStart(t *testing.T, b *box) *store.Store {
	t.Helper()
	if err := recall(b.store); err != nil {
		t.Fatal(err)
	}
	return b.store
}

func TestABackupMakesAnotherBoxTheSame(t *testing.T) {
	out := aStick{}
	old, view := keepsBox(t, out)
	if _, err := old.config.Import(t.Context(), []byte(stickPolicy), "anna", "first"); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{delivery.BlockListFile: "203.0.113.9\n", delivery.RatesFile: "prefix;minute\n+49;0.02\n"} {
		if _, err := old.lists()[name].Put(text, "anna"); err != nil {
			t.Fatal(err)
		}
	}
	put := func(kind, key, value string) {
		t.Helper()
		if err := old.store.Put(kind, key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	put(pastKind, pastKey(3), `[{"at":"2026-11-20T08:00:00Z","s":12}]`)
	put(accountKindForTest, "admin", "a hash that stays here")
	if err := (bundles{old.store}).Keep(41); err != nil {
		t.Fatal(err)
	}
	written, err := view.WriteStick(t.Context(), api.StickExport{Backup: true, Calls: true, Log: true, Phrase: backupPhrase}, "anna")
	if err != nil || len(written) != 3 {
		t.Fatalf("%v, %v", written, err)
	}
	backup := written[0].Name
	if !strings.HasPrefix(backup, "backup-B7-") || !strings.HasSuffix(backup, ".age") {
		t.Errorf("it is called %s", backup)
	}

	other, _ := keepsBox(t, aStick{strings.ToLower(backup): out["out/"+backup]})
	if s := other.sticks.State(); s.Phase != stick.Waiting || !s.Sealed {
		t.Fatalf("%+v", s)
	}
	s, err := other.sticks.Accept(t.Context(), "bert", backupPhrase)
	if err != nil || s.Phase != stick.Taken || s.Entries[delivery.BlockListFile] != 1 || s.Entries[delivery.RatesFile] != 1 || s.Entries[delivery.RecordsFile] < 4 {
		t.Fatalf("%+v, %v", s, err)
	}
	_, was, _ := old.config.Current()
	if p, rev, trial := other.config.Current(); p == nil || string(rev.Policy) != string(was.Policy) || trial {
		t.Errorf("another policy, trial %v", trial)
	}
	if list := other.blockList.shown().Text; list != "203.0.113.9\n" {
		t.Errorf("block list %q", list)
	}
	if rates := other.frauds.Rates().Text; !strings.Contains(rates, "+49;0.02") {
		t.Errorf("rates %q", rates)
	}
	sameMemories(t, old, other)
}

const accountKindForTest = "account"

// sameMemories tells whether the next start of a box finds what another one knows.
func sameMemories(t *testing.T, old, other *box) {
	t.Helper()
	kept := nextStart(t, other)
	key, err := openKey(kept)
	if err != nil || key.Recipient() != old.key.Recipient() {
		t.Errorf("another key for sealed files: %v", err)
	}
	again, err := certs.Open(kept, time.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, is := again.CA()
	if _, was := old.authority.CA(); is != was {
		t.Error("another authority: every telephone would have to be told")
	}
	if n, err := (bundles{kept}).Last(); n != 41 || err != nil {
		t.Errorf("last bundle %d, %v", n, err)
	}
	past, err := openPastCalls(kept, other.log)
	if err != nil || len(past.list) != 1 || past.first != 3*pastChunk {
		t.Errorf("past calls: %+v, %v", past.list, err)
	}
	if _, found, _ := kept.Get(accountKindForTest, "admin"); found {
		t.Error("the administrator's password has travelled")
	}
	if _, found, _ := kept.Get(recallKind, recallKey); found {
		t.Error("the next start but one would do it again")
	}
}

func TestABackupThatDoesNotFitChangesNothing(t *testing.T) {
	out := aStick{}
	old, view := keepsBox(t, out)
	if _, err := view.WriteStick(t.Context(), api.StickExport{Backup: true, Phrase: backupPhrase}, "anna"); err == nil {
		t.Error("a box without a policy has something to keep")
	}
	if _, err := old.config.Import(t.Context(), []byte(stickPolicy), "anna", "first"); err != nil {
		t.Fatal(err)
	}
	for _, e := range []api.StickExport{{}, {Backup: true}, {Backup: true, Phrase: "password"}, {Backup: true, Phrase: backupPhrase, Recipient: old.key.Recipient()}, {Backup: true, Recipient: "age1none"}} {
		var no *api.Conflict
		if _, err := view.WriteStick(t.Context(), e, "anna"); !errors.As(err, &no) || strings.Contains(err.Error(), backupPhrase) {
			t.Errorf("%+v: %v", e, err)
		}
	}
	good, err := old.backup()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*delivery.Backup){
		"a policy of another world":  func(b *delivery.Backup) { b.Files[delivery.PolicyFile] = "version: 9\n" },
		"records of an unknown kind": func(b *delivery.Backup) { b.Files[delivery.RecordsFile] = `{"account":{"admin":"eA=="}}` },
		"a damaged authority":        func(b *delivery.Backup) { b.Files[delivery.RecordsFile] = `{"certs":{"authority":"eA=="}}` },
		"a damaged key":              func(b *delivery.Backup) { b.Files[delivery.RecordsFile] = `{"sealing":{"identity":"eA=="}}` },
		"a damaged number":           func(b *delivery.Backup) { b.Files[delivery.RecordsFile] = `{"bundle":{"number":"eA=="}}` },
		"an unknown file":            func(b *delivery.Backup) { b.Files["tune.wav"] = "la" },
	} {
		var wrong delivery.Backup
		if err := json.Unmarshal(good, &wrong); err != nil {
			t.Fatal(err)
		}
		change(&wrong)
		text, err := delivery.WriteBackup(wrong)
		if err != nil {
			t.Fatal(err)
		}
		other, _ := keepsBox(t, aStick{})
		sealed, err := envelope.Seal(text, envelope.For{Recipients: []string{other.key.Recipient()}})
		if err != nil {
			t.Fatal(err)
		}
		opened, err := other.taker.Open(map[string][]byte{"backup-b7.age": sealed}, "")
		if err == nil {
			_, err = other.taker.Examine(opened)
		}
		if err == nil || strings.Contains(err.Error(), "alice") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheEndOfTheLogIsRemembered(t *testing.T) {
	var to strings.Builder
	l := &lines{to: &to}
	log := slog.New(slog.NewTextHandler(l, nil))
	for n := range 9000 {
		log.Info("a line of the log as they are", "n", n)
	}
	l.flush()
	text := string(l.latest())
	if len(text) > linesTail || len(text) < linesTail/2 || !strings.HasPrefix(text, "time=") || !strings.HasSuffix(to.String(), text) {
		t.Errorf("%d bytes: %.60q … of %d", len(text), text, to.Len())
	}
	short := &lines{to: &to}
	short.Write([]byte("one\n"))
	if string(short.latest()) != "one\n" {
		t.Errorf("%q", short.latest())
	}
}

// Store writes beside what a stick holds.
func (s aStick) Store(_ context.Context, _, name string, data []byte) (string, error) {
	if slices.Contains(slices.Collect(maps.Keys(s)), "full") {
		return "", errors.New("the stick has room for 0 octets")
	}
	s["out/"+name] = data
	return name, nil
}
