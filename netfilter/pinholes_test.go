package netfilter

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// Whatever is opened and shut in whatever order: an address may come in exactly while an opening that holds it is left.
func TestPinholesAreOpenWhileAnOpeningIsLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		live := pinholes{}
		var model []Pinhole
		local := netip.MustParseAddrPort("192.0.2.1:20000")
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			if len(model) > 0 && rapid.Bool().Draw(t, "shut") {
				i := rapid.IntRange(0, len(model)-1).Draw(t, "which")
				if !live.shut(model[i].plain()) {
					t.Fatalf("%v was open and could not be shut", model[i])
				}
				model = slices.Delete(model, i, i+1)
				continue
			}
			sources := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) netip.Prefix { return close4(t, "source") }), 1, 3).Draw(t, "sources")
			p := Pinhole{Inside, local, sources}
			live.open(p.plain())
			model = append(model, p)
		}
		addr := netip.AddrFrom4([4]byte{192, 0, 2, rapid.Byte().Draw(t, "addr")})
		want := slices.ContainsFunc(model, func(p Pinhole) bool { return holds(p.Sources, addr) })
		if got := holds(live.sources(spot{Inside, local}), addr); got != want {
			t.Fatalf("%v open: %t, want %t; openings %v", addr, got, want, model)
		}
		if len(model) == 0 && len(live) != 0 {
			t.Fatalf("something is left: %v", live)
		}
	})
}

func TestShutPinholeOfWhatIsNotOpenDoesNothing(t *testing.T) {
	live := pinholes{}
	p := Pinhole{Inside, netip.MustParseAddrPort("192.0.2.1:20000"), prefixes("192.0.2.20/32")}
	live.open(p)
	other := p
	other.Sources = prefixes("192.0.2.0/24")
	if live.shut(other) || len(live) != 1 {
		t.Error("shut by sources it was not opened for")
	}
	if !live.shut(p) || live.shut(p) || len(live) != 0 {
		t.Error("one opening has to be shut exactly once")
	}
}

// Calls come and go on many goroutines while the configuration changes; the kernel ends with what the Filter knows.
func TestTheKernelHoldsExactlyTheLivePinholes(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	f := openFilter(t, "")
	mustSet(t, f, twoPorts())
	var wg sync.WaitGroup
	left := make([][]Pinhole, 6)
	for worker := range left {
		wg.Go(func() { left[worker] = comeAndGo(t, f, uint64(worker)) })
	}
	for i := range 20 {
		c := twoPorts()
		if i%2 == 0 {
			c.Media = PortRange{19000, 21999}
		}
		mustSet(t, f, c)
	}
	wg.Wait()
	requireElements(t, f, left)

	for _, p := range slices.Concat(left...) {
		if err := f.ShutPinholes(p); err != nil {
			t.Error(err)
		}
	}
	requireElements(t, f, nil)
	if _, err := f.Counters(); err != nil {
		t.Error(err)
	}
}

// comeAndGo opens and shuts pinholes, some of them on ports of other workers, and returns those left open.
func comeAndGo(t *testing.T, f *Filter, seed uint64) []Pinhole {
	random := rand.New(rand.NewPCG(seed, 7))
	var open []Pinhole
	for range 150 {
		if len(open) > 10 {
			i := random.IntN(len(open))
			if err := f.ShutPinholes(open[i]); err != nil {
				t.Error(err)
			}
			open = slices.Delete(open, i, i+1)
			continue
		}
		p := Pinhole{Outside, netip.MustParseAddrPort(fmt.Sprintf("198.51.100.2:%d", 20000+random.IntN(20))), nil}
		for range 1 + random.IntN(3) {
			a := netip.AddrFrom4([4]byte{203, 0, 113, byte(random.IntN(256))})
			p.Sources = append(p.Sources, netip.PrefixFrom(a, 32-random.IntN(2)*random.IntN(8)).Masked())
		}
		if err := f.OpenPinholes(p); err != nil {
			t.Error(err)
			continue
		}
		open = append(open, p)
	}
	return open
}

// requireElements compares the pinhole sets of the kernel with what these openings come to.
func requireElements(t *testing.T, f *Filter, open [][]Pinhole) {
	t.Helper()
	live := pinholes{}
	for _, p := range slices.Concat(open...) {
		live.open(p.plain())
	}
	want := live.elements()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, prefix := range []bool{false, true} {
		name := pinholeSetName(Outside, ip4, prefix)
		s, ok := f.rules.set(name)
		if !ok {
			t.Fatalf("no set %s", name)
		}
		keys, err := f.kernel.conn.GetSetElements(f.kernel.setOf(s))
		if err != nil {
			t.Fatal(err)
		}
		held, _ := s.held(keys)
		if missing, extra := without(want[name], held), without(held, want[name]); len(missing)+len(extra) > 0 {
			t.Errorf("%s: %d elements missing, %d too many", name, len(missing), len(extra))
		}
	}
}

func TestAFilterWorksOnAfterClose(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	f := openFilter(t, "")
	mustSet(t, f, twoPorts())
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"Set", func() error { return f.Set(context.Background(), twoPorts()) }},
		{"OpenPinholes", func() error { return f.OpenPinholes(hole(Inside, "192.0.2.1:20000", "192.0.2.20/32")) }},
		{"ShutPinholes", func() error { return f.ShutPinholes(hole(Inside, "192.0.2.1:20000", "192.0.2.20/32")) }},
		{"Counters", func() error { _, err := f.Counters(); return err }},
		{"Remove", f.Remove},
	} {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err := step.do(); err != nil {
			t.Errorf("%s after Close: %v", step.name, err)
		}
	}
}
