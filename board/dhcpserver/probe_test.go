package dhcpserver

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/vishvananda/netlink"

	"tollgate/board/link"
	"tollgate/scripts/lab/alone"
)

// probeTime is how long a question takes in these tests.
const probeTime = 450 * time.Millisecond

// inhabited is a link on which machines have addresses, by these; asked tells for which it was asked.
func inhabited(by map[string]net.HardwareAddr, asked *[]string) func(context.Context, string, netip.Addr) (net.HardwareAddr, bool) {
	return func(_ context.Context, _ string, a netip.Addr) (net.HardwareAddr, bool) {
		*asked = append(*asked, a.String())
		time.Sleep(probeTime)
		who, taken := by[a.String()]
		return who, taken
	}
}

func TestAnAddressThatSomebodyHasByHandIsNotOffered(t *testing.T) {
	printer := net.HardwareAddr{2, 0, 0, 0, 0, 0x99}
	for name, c := range map[string]struct {
		by   map[string]net.HardwareAddr
		want string
	}{
		"nobody has it":                   {nil, "OFFER 192.0.2.100"},
		"another machine has it":          {map[string]net.HardwareAddr{"192.0.2.100": printer}, "OFFER 192.0.2.102"},
		"the client itself has it":        {map[string]net.HardwareAddr{"192.0.2.100": {2, 0, 0, 0, 0, 1}}, "OFFER 192.0.2.100"},
		"other machines have all of them": {map[string]net.HardwareAddr{"192.0.2.100": printer, "192.0.2.102": printer}, "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			serving(t, func(s *Server, cable *cable, _ func() [][]Lease) {
				var asked []string
				var log bytes.Buffer
				s.Probe, s.Log = inhabited(c.by, &asked), slog.New(slog.NewTextHandler(&log, nil))
				wait(asks*askWait + time.Millisecond)
				cable.said()
				cable.in <- message(t, dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover))
				wait(probeTime - time.Millisecond)
				last := message(t, dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover))
				cable.in <- last // once more, and is not asked for once more
				if said, _ := cable.said(); len(said) != 0 {
					t.Errorf("before it is known who has the address: %v", said)
				}
				wait(2 * probeTime)
				got := "nothing"
				if said, l := cable.said(); len(said) == 1 {
					if got = word(l.message); l.message.TransactionID != last.message.TransactionID {
						t.Error("not the latest question is answered")
					}
				} else if len(said) > 1 {
					t.Errorf("said: %v", said)
				}
				if got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
				aside := s.State().Aside
				for _, a := range aside {
					if a.Hardware != printer.String() || !strings.Contains(log.String(), "address="+a.Address.String()+" machine="+a.Hardware) {
						t.Errorf("%+v is not in the log:\n%s", a, log.String())
					}
				}
				if others := strings.Count(log.String(), "level=WARN"); len(aside) != others || (c.want == "OFFER 192.0.2.100") != (others == 0) {
					t.Errorf("set aside: %v; the log:\n%s", aside, log.String())
				}
			})
		})
	}
}

func TestWhoHasAnAddressFromTheBoxIsNotAskedFor(t *testing.T) {
	serving(t, func(s *Server, c *cable, _ func() [][]Lease) {
		var asked []string
		s.Probe = inhabited(nil, &asked)
		wait(asks*askWait + time.Millisecond)
		discover := func(want int) {
			t.Helper()
			c.said()
			c.in <- message(t, dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover))
			wait(probeTime)
			if said, _ := c.said(); len(said) != 1 || len(asked) != want {
				t.Errorf("said %v, asked for %v, want %d questions", said, asked, want)
			}
		}
		discover(1)
		discover(1) // within the minute that the offer holds
		c.in <- message(t, dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest), wanting("192.0.2.100"), of("192.0.2.10"))
		wait(time.Hour / 2)
		discover(1) // while the lease runs
		wait(config().Length)
		discover(2) // when it is over, somebody may have come
	})
}

func TestAnAddressOfAnotherMachineOnTheLinkIsNotLent(t *testing.T) {
	t.Parallel() // as each of those that mostly wait
	if !alone.Inside(t) {
		return
	}
	vlan(t)
	// The other machine is on the telephone's cable, as behind a switch, and it alone answers for what is its own.
	cable, err := netlink.LinkByName("wan0")
	must(t, err)
	must(t, netlink.LinkAdd(&netlink.Macvlan{LinkAttrs: netlink.LinkAttrs{Name: "printer0", ParentIndex: cable.Attrs().Index}, Mode: netlink.MACVLAN_MODE_BRIDGE}))
	printer, err := netlink.LinkByName("printer0")
	must(t, err)
	must(t, netlink.LinkSetUp(printer))
	answerForOwnAlone(t, "wan0", "lan0")
	putOn(t, "printer0", "192.0.2.100/24")

	s := &Server{Log: slog.New(slog.DiscardHandler), Keep: func(netip.Prefix, []Lease) {}, Probe: link.Probe}
	s.Set(config(), func() []Lease { return nil })
	defer s.Set(Config{}, nil)
	until(t, s, "it lends", func(st State) bool { return st.Lends })
	if told := udhcpc(t); !strings.Contains(told, "\nip=192.0.2.102\n") {
		t.Error("it does not get the next address")
	}
	if st := s.State(); len(st.Aside) != 1 || st.Aside[0].Address.String() != "192.0.2.100" || st.Aside[0].Hardware != printer.Attrs().HardwareAddr.String() || len(st.Leases) != 1 {
		t.Errorf("%+v", st)
	}
}
