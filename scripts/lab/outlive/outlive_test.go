package outlive_test

import (
	"os"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/outlive"
)

// binary is the program under test: TOLLGATE_BINARY, or built once for this run.
var binary string

func TestMain(m *testing.M) {
	os.Exit(branch.WithProgram(m.Run, func(name string) { binary = name }))
}

const (
	rounds = 10
	calls  = 50
	// soon is how long after the process is up every call has to have audio again.
	soon = time.Second
)

func open(t *testing.T) *outlive.World {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to make network namespaces")
	}
	w, err := outlive.Open(t.Context(), binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the box said:\n%s", w.Box.Process.Tail(60))
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// TestCallsOutliveTheProcess kills the box ten times under 50 calls: each of them has audio again within a second and ends
// properly, from either side, with one record. Four more calls live through all of it, and roll over.
func TestCallsOutliveTheProcess(t *testing.T) {
	w := open(t)
	word := uint32(0)
	place := func(kind string, inbound bool, first uint16) *outlive.Call {
		t.Helper()
		word++
		c, err := w.Place(t.Context(), kind, inbound, word, first)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	var old []*outlive.Call
	for _, kind := range []string{"sdes-tls", "gcm-tls", "dtls-tls", "clear-udp"} {
		c := place(kind, false, 1<<15-20) // encrypted numbers begin below 2^15
		defer c.Close()
		old = append(old, c)
	}
	for round := range rounds {
		by := syscall.SIGKILL
		if round == rounds-1 {
			by = syscall.SIGHUP // and once as for an update
		}
		var young []*outlive.Call
		for i := range calls {
			kinds := outlive.Kinds()
			kind := kinds[i%len(kinds)]
			inbound := i >= 40 && kind != "gcm-tls" && kind != "dtls-tls"
			young = append(young, place(kind, inbound, uint16(65500+i%2*1000))) // half of them wrap before the end, on their way to the box
		}
		for _, c := range young[:calls/5] {
			if err := c.Hold(true); err != nil {
				t.Fatal(err)
			}
		}
		all := append(young, old...)
		mark(all)
		listen(t, all, time.Now().Add(5*time.Second))
		for range 3 {
			for _, c := range old {
				c.Skip(900)
			}
			time.Sleep(1100 * time.Millisecond) // what has happened is written down, and numbers are reserved
		}
		before := holes(t, w)
		if err := w.End(t.Context(), by); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		mark(all)
		begun := time.Now()
		if err := w.Begin(t.Context()); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		up := time.Now()
		last := listen(t, all, up.Add(soon))
		t.Logf("round %d: %v after its process began the box answers, after %v all %d calls have audio", round, up.Sub(begun).Round(time.Millisecond), last.Sub(begun).Round(time.Millisecond), len(all))
		if diff := cmp.Diff(before, holes(t, w)); diff != "" {
			t.Errorf("round %d: the pinholes before and after the restart:\n%s", round, diff)
		}
		finish(t, young)
		if s, err := w.Box.Status(t.Context()); err != nil || len(s.Calls) != len(old) {
			t.Fatalf("round %d: %d calls are left, %v", round, len(s.Calls), err)
		}
	}
	for i, c := range old {
		if err := c.HangUp(i%2 == 0); err != nil {
			t.Error(err)
		}
		if i < 3 && !c.RolledOver() {
			t.Errorf("%s has not rolled over; the test is too short", c)
		}
	}
	if err := w.Box.AwaitRest(t.Context()); err != nil {
		t.Error(err)
	}
	left := holes(t, w)
	for begun := time.Now(); len(left) > 0 && time.Since(begun) < time.Second; left = holes(t, w) {
		time.Sleep(20 * time.Millisecond)
	}
	if len(left) > 0 {
		t.Errorf("pinholes are left: %v", left)
	}
	for begun := time.Now(); len(ended.FindAllString(w.Box.Process.Output(), -1)) < rounds*calls+len(old) && time.Since(begun) < 2*time.Second; {
		time.Sleep(20 * time.Millisecond) // its log comes in pieces
	}
	audit(t, w.Box.Process.Output(), rounds*calls+len(old), rounds*(calls+len(old)))
}

func mark(all []*outlive.Call) {
	for _, c := range all {
		c.Mark()
	}
}

// holes are the pinholes of the box's packet filter, in order.
func holes(t *testing.T, w *outlive.World) (list []string) {
	t.Helper()
	open, err := w.Box.Pinholes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range open {
		list = append(list, h.Local.String()+" from "+h.From)
	}
	slices.Sort(list)
	return list
}

// listen waits until all calls have had audio since mark.
func listen(t *testing.T, all []*outlive.Call, until time.Time) (last time.Time) {
	t.Helper()
	for _, c := range all {
		at, err := c.Heard(until)
		if err == nil {
			err = c.Faults()
		}
		if err != nil {
			t.Error(err)
		}
		if at.After(last) {
			last = at
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	return last
}

// finish takes the calls back that are held, and ends all, half of them from either side.
func finish(t *testing.T, all []*outlive.Call) {
	t.Helper()
	var ending sync.WaitGroup
	for i, c := range all {
		ending.Go(func() {
			defer c.Close()
			if c.Held {
				if err := c.Hold(false); err != nil {
					t.Error(err)
				}
				c.Mark()
				if _, err := c.Heard(time.Now().Add(time.Second)); err != nil {
					t.Error(err)
				}
			}
			if err := c.HangUp(i%2 == 0); err != nil {
				t.Error(err)
			}
			if err := c.Faults(); err != nil {
				t.Error(err)
			}
		})
	}
	ending.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// ended is how the box tells the end of a call that was answered.
var ended = regexp.MustCompile(`msg="call ended".* answered=true`)

// audit counts what the box has said of its calls.
func audit(t *testing.T, log string, calls, resumed int) {
	t.Helper()
	for what, want := range map[string]int{`msg="call started"`: calls, ended.String(): calls, `msg="call taken up after a restart"`: resumed} {
		if n := len(regexp.MustCompile(what).FindAllString(log, -1)); n != want {
			t.Errorf("the box has said %s %d times, want %d", what, n, want)
		}
	}
	times := map[string]int{}
	for _, m := range regexp.MustCompile(`msg="call ended" call=(\w+)`).FindAllStringSubmatch(log, -1) {
		if times[m[1]]++; times[m[1]] > 1 {
			t.Errorf("call %s has ended twice", m[1])
		}
	}
}
