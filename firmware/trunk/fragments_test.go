package trunk_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"tollgate/scripts/lab/alone"
)

// shrinkLoopback has the loopback of a network of its own carry packets of 1,500 bytes.
func shrinkLoopback() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetMTU(lo, 1500); err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}

// fragmentsMade reads from the kernel how many fragments it has made.
func fragmentsMade() (int, error) {
	b, err := os.ReadFile("/proc/self/net/snmp")
	if err != nil {
		return 0, err
	}
	var names []string
	for line := range strings.Lines(string(b)) {
		words := strings.Fields(line)
		if words[0] != "Ip:" {
			continue
		}
		if names == nil {
			names = words
			continue
		}
		for i, name := range names {
			if name == "FragCreates" {
				return strconv.Atoi(words[i])
			}
		}
	}
	return 0, fmt.Errorf("no FragCreates")
}

func TestAnInviteTooLongForAPacketArrivesInFragments(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	if err := shrinkLoopback(); err != nil {
		t.Fatal(err)
	}
	TestAnInviteTooLongForUDPArrivesBothWays(t)
	// Each long message over UDP takes two: INVITEs and answers, both ways.
	if made, err := fragmentsMade(); err != nil || made < 8 {
		t.Errorf("%d fragments were made (%v): the test has not tested what it says", made, err)
	}
}
