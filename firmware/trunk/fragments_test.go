package trunk_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
)

// smallLoopback is set in a process that has a network of its own, whose loopback carries 1,500 bytes.
const smallLoopback = "TOLLGATE_SMALL_LOOPBACK"

func TestMain(m *testing.M) {
	if os.Getenv(smallLoopback) == "" {
		os.Exit(m.Run())
	}
	if err := shrinkLoopback(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	n, err := fragmentsMade()
	fmt.Println("fragments:", n, err)
	os.Exit(code)
}

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
	if os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs root to make a network namespace")
		}
		t.Skip("needs root to make a network namespace")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestAnInviteTooLongForUDPArrivesBothWays$", "-test.v")
	cmd.Env = append(os.Environ(), smallLoopback+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestAnInviteTooLongForUDPArrivesBothWays") {
		t.Fatalf("with packets of 1,500 bytes: %v\n%s", err, out)
	}
	_, count, _ := strings.Cut(string(out), "fragments: ")
	n, _, _ := strings.Cut(count, " ")
	// Each long message over UDP takes two: INVITEs and answers, both ways.
	if made, err := strconv.Atoi(n); err != nil || made < 8 {
		t.Errorf("%q fragments were made: the test has not tested what it says", n)
	}
}
