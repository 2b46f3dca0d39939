package main

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/firmware/cli"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
	"tollgate/scripts/lab/alone"
)

// said counts what a start has told of the packet filter.
func said(log *bytes.Buffer) (denied, set int) {
	return strings.Count(log.String(), "filter lets nothing in"), strings.Count(log.String(), "filter set")
}

// startOf begins a start with the policy of a document, up to where its filter is written ahead.
func startOf(t *testing.T, doc []byte) (*box, *bytes.Buffer) {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "tollgate.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	log := &bytes.Buffer{}
	b := &box{store: s, log: slog.New(slog.NewTextHandler(log, nil)), options: cli.RunOptions{StayClosed: true, Appliance: true}}
	b.shutting = &shutting{done: make(chan struct{})}
	b.sources = &sources{kept: s, log: b.log}
	b.writeAhead(t.Context(), doc)
	if err := b.shutting.take(t.Context(), true, b.log); err != nil {
		t.Fatal(err)
	}
	close(b.shutting.done)
	<-b.sources.ahead.done
	b.filter, b.sources.filter = b.shutting.filter, b.shutting.filter
	t.Cleanup(func() { b.filter.Close() })
	return b, log
}

func TestTheFilterOfAPolicyIsWrittenAheadAfterPowerOn(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	doc := policy.Example()
	p, err := policy.Parse(doc)
	if err != nil {
		t.Fatal(err)
	}
	expect := func(log *bytes.Buffer, what string, denied, set int) {
		t.Helper()
		if d, s := said(log); d != denied || s != set {
			t.Errorf("%s: shut %d times and set %d times, not %d and %d:\n%s", what, d, s, denied, set, log)
		}
	}
	remove := func(b *box) {
		if err := b.filter.Remove(); err != nil {
			t.Fatal(err)
		}
	}

	b, log := startOf(t, doc)
	expect(log, "while the box is put together", 1, 1)
	if err := b.filter.Whole(); err != nil {
		t.Error(err)
	}
	if err := b.sources.set(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	expect(log, "the policy comes into force", 1, 1)
	remove(b)
	if err := b.sources.set(t.Context(), p); err != nil || b.filter.Whole() != nil {
		t.Errorf("what was written ahead counts once: %v, %v", err, b.filter.Whole())
	}
	remove(b)

	b, log = startOf(t, doc)
	other := *p
	other.Admin.Port = 8443
	if err := b.sources.set(t.Context(), &other); err != nil {
		t.Fatal(err)
	}
	expect(log, "another policy comes into force", 1, 2)

	b, log = startOf(t, doc) // a process that follows another one
	expect(log, "the filter of before is there", 0, 0)
	remove(b)

	b, log = startOf(t, doc)
	if err := b.setFilter(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	expect(log, "the policy cannot come into force", 2, 1)
	remove(b)

	_, log = startOf(t, []byte("no policy"))
	expect(log, "the policy cannot be read", 1, 0)
}
