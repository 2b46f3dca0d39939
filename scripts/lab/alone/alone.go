// Package alone runs a test in a network namespace of its own, so that it may do to ports, addresses and routes what it likes.
package alone

import (
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// Inside re-executes the test in a network namespace of its own and tells whether this is the inner run; the outer one has nothing
// else to do, and is skipped when the inner one was. It needs root: see Root.
func Inside(t *testing.T) bool {
	t.Helper()
	const mark = "TOLLGATE_TEST_ALONE"
	if os.Getenv(mark) == t.Name() {
		return true
	}
	Root(t)
	cmd := exec.Command(os.Args[0], "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.v", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), mark+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // the death signal follows the thread, not the process
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	t.Logf("in its own network namespace:\n%s", out)
	if err == nil && strings.Contains(string(out), "--- SKIP: "+t.Name()+" ") {
		t.Skip("skipped in its own network namespace")
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Errorf("the inner run did not pass: %v", err)
	}
	return false
}

// Root skips a test that needs namespaces where they cannot be made, but not in continuous integration, which has root: there it fails.
func Root(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("needs root for namespaces, and CI runs as root")
	}
	t.Skip("needs root for namespaces")
}
