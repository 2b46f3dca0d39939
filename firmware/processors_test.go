package main

import (
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// asPreferring has the test run itself again, as a process that nobody else needs the niceness of.
const asPreferring = "TOLLGATE_TEST_PREFERRING"

func TestAudioGoesBeforeEverythingElse(t *testing.T) {
	if os.Getenv(asPreferring) == "" {
		again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		again.Env = append(os.Environ(), asPreferring+"=1")
		if out, err := again.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	runtime.LockOSThread()
	first := unix.Gettid()
	before, err := nicenessOf(first)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second time changes nothing
		if err := preferThreads([]int{first}); err != nil {
			t.Fatal(err)
		}
	}
	if now, err := nicenessOf(first); err != nil || now != before {
		t.Errorf("the preferred thread has niceness %d after %d: %v", now, before, err)
	}
	// Threads that are started later, by whomever, are nice as well: so many at once need new ones.
	var there, over sync.WaitGroup
	over.Add(1)
	for range 20 {
		there.Add(1)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			if now, err := nicenessOf(unix.Gettid()); err != nil || now != min(before+giveWay, 19) {
				t.Errorf("another thread has niceness %d: %v", now, err)
			}
			there.Done()
			over.Wait()
		}()
	}
	there.Wait()
	over.Done()
}
