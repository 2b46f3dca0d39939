package main

import (
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/firmware/api"
	"tollgate/firmware/store"
)

// fence is a packet filter that remembers its block list.
type fence struct {
	list []netip.Prefix
	err  error
}

func (f *fence) Block(list []netip.Prefix) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	f.list = list
	return len(list), nil
}

func TestTheBlockListIsKeptOverARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	open := func(f *fence) (*blockList, *store.Store) {
		t.Helper()
		s, err := store.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := newBlockList(f, s)
		if err != nil {
			t.Fatal(err)
		}
		return b, s
	}
	f := &fence{}
	b, s := open(f)
	if l := b.shown(); l.Sources != 0 || l.At != nil || f.list != nil {
		t.Errorf("before there is one: %+v, %v", l, f.list)
	}
	if l, err := b.set("203.0.113.7 # seen\n198.51.100.0/24\n", "anna"); err != nil || l.Sources != 2 || l.Who != "anna" || l.At == nil {
		t.Errorf("set: %+v, %v", l, err)
	}
	if _, err := b.set("203.0.113.9\nnonsense\n", "bert"); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a list with a fault: %v", err)
	}
	if c := (*api.Conflict)(nil); !errors.As(func() error { _, err := b.set("x", "bert"); return err }(), &c) || c.Remedy == "" {
		t.Errorf("the fault names no remedy")
	}
	f.err = errors.New("the kernel does not want to")
	if _, err := b.set("203.0.113.9", "bert"); err == nil {
		t.Error("set although the filter failed")
	}
	if l := b.shown(); l.Sources != 2 || l.Who != "anna" || len(f.list) != 2 {
		t.Errorf("after faults: %+v, %v", l, f.list)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f = &fence{}
	b, s = open(f)
	defer s.Close()
	if l := b.shown(); l.Sources != 2 || l.Who != "anna" || len(f.list) != 2 || l.Text != "203.0.113.7 # seen\n198.51.100.0/24\n" {
		t.Errorf("after a restart: %+v, %v", l, f.list)
	}
	if l, err := b.set("", "anna"); err != nil || l.Sources != 0 || len(f.list) != 0 {
		t.Errorf("emptied: %+v, %v", l, err)
	}
}
