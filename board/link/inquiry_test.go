package link

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"tollgate/scripts/lab/alone"
)

// What was asked ahead is not asked again, whatever the answer was; but an answer that is old counts for nothing.
func TestSetTakesTheAnswersThatAreThere(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	cable(t)
	farEnd(t, "192.0.2.1/24", "192.0.2.20/24")
	for _, c := range []struct {
		addr  string
		old   time.Duration
		taken bool
		asks  bool // once more
	}{
		{"192.0.2.20/24", 0, true, false},
		{"192.0.2.10/24", 0, false, false},
		{"192.0.2.11/24", time.Minute, false, true},
		{"192.0.2.20/24", time.Minute, true, false}, // the answer ends the question
	} {
		conf := Config{Ports: []Port{{Role: "inside", Interface: "lan0", Addresses: []netip.Prefix{prefix(c.addr)}}}}
		asked, err := Inquire(context.Background(), conf)
		must(t, err)
		a := netip.MustParsePrefix(c.addr).Addr()
		if _, taken, known := asked.answer("lan0", a); taken != c.taken || !known {
			t.Errorf("%s: taken %v, known %v", c.addr, taken, known)
		}
		asked.begun = asked.begun.Add(-c.old)
		conf.Asked = asked
		begun := time.Now()
		err = Set(context.Background(), conf)
		var faults Faults
		if errors.As(err, &faults) != c.taken {
			t.Errorf("%s: %v", c.addr, err)
		}
		if again := time.Since(begun) > probes*probeWait; again != c.asks {
			t.Errorf("%s, %v old: asked again %v", c.addr, c.old, again)
		}
	}
	if _, _, known := (*Inquiry)(nil).answer("lan0", netip.MustParseAddr("192.0.2.1")); known {
		t.Error("nobody has asked, and there is an answer")
	}
}
