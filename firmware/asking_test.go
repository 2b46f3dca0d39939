package main

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"tollgate/firmware/apply"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
)

func TestAKeptPolicyIsReadOnceAndEveryOtherOneToo(t *testing.T) {
	var r readOnce
	doc, another := []byte("version: 1\nnonsense: 1\n"), []byte("version: 2\n")
	_, want := policy.ParseKept(doc)
	if want == nil {
		t.Fatal("the document has no fault to be told by")
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := r.parse(doc); err == nil || err.Error() != want.Error() {
				t.Errorf("read: %v, want %v", err, want)
			}
		})
	}
	all.Wait()
	r.err = nil // what is known is taken, without reading
	if _, err := r.parse(doc); err != nil {
		t.Errorf("the same was read again: %v", err)
	}
	if _, err := r.parse(another); err == nil || err.Error() == want.Error() {
		t.Errorf("another one counts as the same: %v", err)
	}
}

func TestThePortsOfThePolicyInForceAreKnownAtTheNextStart(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "tollgate.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b := &box{store: s, log: slog.New(slog.DiscardHandler)}
	if c := b.knownPorts(); len(c.Ports) != 0 {
		t.Errorf("before any policy: %+v", c)
	}
	p := &policy.Policy{}
	p.Network.Inside.Interface, p.Network.Outside.Interface = "eth0", "eth1"
	p.Network.Inside.Address.Prefix = netip.MustParsePrefix("192.0.2.1/24")
	p.Network.Outside.Address.Prefix = netip.MustParsePrefix("2001:db8::2/64")
	p.Network.Gateway = netip.MustParseAddr("2001:db8::1")
	for _, inside := range []string{"192.0.2.1/24", "192.0.2.7/24"} {
		p.Network.Inside.Address.Prefix = netip.MustParsePrefix(inside)
		b.keepPorts(p)
		if got, want := b.knownPorts(), apply.Ports(p); len(want.Ports) != 2 || !reflect.DeepEqual(got, want) {
			t.Errorf("known are %+v, want %+v", got, want)
		}
	}
	p.Network.Outside.Address = policy.OwnAddress{By: policy.ByDHCP}
	b.keepPorts(p)
	if c := b.knownPorts(); len(c.Ports) != 0 {
		t.Errorf("with an address that is lent: %+v", c)
	}
}
