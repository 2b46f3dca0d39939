package netfilter

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestMergeKeepsThePrefixesThatHoldTheOthers(t *testing.T) {
	for _, c := range []struct{ in, want []string }{
		{nil, nil},
		{[]string{"192.0.2.7/24"}, []string{"192.0.2.0/24"}},
		{[]string{"192.0.2.7/32", "192.0.2.0/24", "192.0.2.128/25"}, []string{"192.0.2.0/24"}},
		{[]string{"192.0.2.128/25", "192.0.2.0/25"}, []string{"192.0.2.0/25", "192.0.2.128/25"}},
		{[]string{"0.0.0.0/0", "255.255.255.255/32", "::/0"}, []string{"0.0.0.0/0", "::/0"}},
		{[]string{"::ffff:192.0.2.1/128", "192.0.2.1/32"}, []string{"192.0.2.1/32"}},
		{[]string{"2001:db8::1/128", "2001:db8::/32", "198.51.100.1/32"}, []string{"198.51.100.1/32", "2001:db8::/32"}},
	} {
		var got []string
		for _, p := range merge(prefixes(c.in...)) {
			got = append(got, p.String())
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("merge(%v) (-want +got):\n%s", c.in, diff)
		}
	}
}

// close4 draws prefixes near one another, so that they overlap.
func close4(t *rapid.T, label string) netip.Prefix {
	a := netip.AddrFrom4([4]byte{192, 0, 2, rapid.Byte().Draw(t, label)})
	return netip.PrefixFrom(a, rapid.IntRange(22, 32).Draw(t, label+" bits")).Masked()
}

func TestMergeHoldsTheSameAddressesWithoutOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) netip.Prefix { return close4(t, "prefix") }), 0, 12).Draw(t, "in")
		out := merge(in)
		for i, p := range out {
			for _, q := range out[i+1:] {
				if p.Overlaps(q) {
					t.Fatalf("%v overlaps %v", p, q)
				}
			}
		}
		addr := netip.AddrFrom4([4]byte{192, 0, 2, rapid.Byte().Draw(t, "addr")})
		if holds(in, addr) != holds(out, addr) {
			t.Fatalf("%v: %v and %v differ", addr, in, out)
		}
	})
}

func holds(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func TestLastOfIsTheHighestAddress(t *testing.T) {
	for prefix, want := range map[string]string{
		"192.0.2.0/24": "192.0.2.255", "192.0.2.1/32": "192.0.2.1", "0.0.0.0/0": "255.255.255.255", "10.0.0.0/9": "10.127.255.255",
		"2001:db8::/33": "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff", "::1/128": "::1",
	} {
		if got := lastOf(netip.MustParsePrefix(prefix)); got.String() != want {
			t.Errorf("lastOf(%s) = %v, want %s", prefix, got, want)
		}
	}
}
