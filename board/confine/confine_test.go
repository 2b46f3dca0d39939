package confine

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Under the name confined, the test's program confines itself and tells what it may still do.
func TestMain(m *testing.M) {
	if os.Args[0] != "confined" {
		os.Exit(m.Run())
	}
	if err := Process(os.Args[1], "/does/not/exist"); err != nil {
		fmt.Println("confine:", err)
		os.Exit(1)
	}
	try := func(what string, err error) { fmt.Printf("%s: %t\n", what, err == nil) }
	try("write inside", os.WriteFile(filepath.Join(os.Args[1], "file"), []byte("x"), 0o600))
	try("write outside", os.WriteFile(filepath.Join(os.Args[2], "file"), []byte("x"), 0o600))
	try("remove outside", os.Remove(filepath.Join(os.Args[2], "there")))
	_, err := os.ReadFile(filepath.Join(os.Args[2], "there"))
	try("read outside", err)
	var core unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_CORE, &core)
	fmt.Println("core dumps:", core.Max)
	threads, _ := filepath.Glob("/proc/self/task/*/status")
	free := 0
	for _, f := range threads {
		if status, _ := os.ReadFile(f); !bytes.Contains(status, []byte("NoNewPrivs:\t1")) {
			free++
		}
	}
	fmt.Println("threads that may gain privileges:", free)
}

func TestAConfinedProcessWritesWhereItMayAndNowhereElse(t *testing.T) {
	inside, outside := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "there"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Args = []string{"confined", inside, outside}
	out, err := cmd.CombinedOutput()
	if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_GETPID, 0, 0, 0); errno == unix.ENOTSUP { // a test built with C
		if err == nil || !strings.Contains(string(out), "confine: forbid new privileges: operation not supported") {
			t.Errorf("a program with C is confined in part, and does not say so: %s", out)
		}
		return
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := "write inside: true\nwrite outside: false\nremove outside: false\nread outside: true\ncore dumps: 0\nthreads that may gain privileges: 0\n"
	if kernelLacksLandlock() {
		want = strings.ReplaceAll(want, "outside: false", "outside: true")
		want = strings.Replace(want, "read outside: true", "read outside: false", 1) // it was removed
	}
	if string(out) != want {
		t.Errorf("it says\n%swant\n%s", out, want)
	}
}

func kernelLacksLandlock() bool {
	_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, 1) // asks for the version
	return errors.Is(errno, unix.ENOSYS) || errors.Is(errno, unix.EOPNOTSUPP)
}
