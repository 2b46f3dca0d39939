package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/admission"
)

// A card wears out by what is written to it: a box that nobody calls writes nothing but what time it is.
func TestABoxAtRestWritesTheTimeAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "tollgate.db")
		b := newTurning(t, path, &registry{takes: "carriers-First-77q"})
		defer b.end(t)
		log := slog.New(slog.DiscardHandler)
		p, _, _ := b.config.Current()
		gate := admission.New(p)
		banned, err := newBans(access.New(p, nil), wall{}, b.store, b.facts, log)
		if err != nil {
			t.Fatal(err)
		}
		defer banned.close()
		callBacks, err := newCallBacks(gate, b.store, log)
		if err != nil {
			t.Fatal(err)
		}
		defer callBacks.save()
		judged, err := newFrauds(b.store, b.facts, log, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer judged.close()
		if err := judged.set(p); err != nil {
			t.Fatal(err)
		}
		judged.settle()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go b.rotations.run(ctx)
		var keeper timekeeper
		keeper.begin()
		noted := 0
		go keeper.keep(ctx, func(context.Context, []netip.AddrPort) bool { return true }, func(time.Time) { noted++ })
		keeper.ask([]netip.AddrPort{netip.MustParseAddrPort("192.0.2.123:123")})

		time.Sleep(time.Minute) // what the start leaves to be written
		synctest.Wait()
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		noted = 0
		const hours = 5
		time.Sleep(hours * time.Hour)
		synctest.Wait()
		after, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(before, after) {
			t.Errorf("something was written in %d idle hours: %v", hours, err)
		}
		if noted < 1 || noted > hours {
			t.Errorf("the time was noted %d times", noted)
		}
		if err := b.store.Put("test", "test", nil); err != nil { // what a write looks like
			t.Fatal(err)
		}
		if after, err = os.ReadFile(path); err != nil || bytes.Equal(before, after) {
			t.Errorf("a write was not seen: %v", err)
		}
	})
}
