package usb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// try is a child that looks what it may still do.
func try() int {
	if err := shutIn(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var header = unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	_ = unix.Capget(&header, &caps[0])
	limit := unix.Rlimit{}
	_ = unix.Getrlimit(unix.RLIMIT_DATA, &limit)
	news, _ := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	_, err := os.ReadFile("/etc/hostname")
	fmt.Printf("user %d, capabilities %x, memory %d, no new privileges %d, file shut %v",
		os.Geteuid(), caps[0].Permitted|caps[1].Permitted, limit.Cur, news, errors.Is(err, unix.EACCES))
	return 0
}

func TestTheChildHasNothingButTheDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root has something to give up")
	}
	r := reader(t)
	r.Command[1] = "try-confined"
	var out limited
	out.room = 1000
	if err := r.run(context.Background(), plugged(t, []byte{1}), os.O_RDONLY, nil, &out); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("user %d, capabilities 0, memory %d, no new privileges 1, file shut ", nobody, maxMemory)
	got := out.String()
	if !strings.HasPrefix(got, want) {
		t.Errorf("%s\nwant %s", got, want)
	}
	if landlocked() && !strings.HasSuffix(got, "true") {
		t.Errorf("this kernel has Landlock, and the child could open a file: %s", got)
	}
}

// landlocked tells whether this kernel has Landlock.
func landlocked() bool {
	_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	return errno == 0
}
