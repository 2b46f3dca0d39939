package supervise

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The test's own program is the one that is supervised, in the kind that its second word names.
func TestMain(m *testing.M) {
	if os.Args[0] != "supervised" {
		os.Exit(m.Run())
	}
	voice, err := NewVoice()
	if err != nil {
		panic(err)
	}
	kind, folder := os.Args[1], os.Args[2]
	starts, _ := os.ReadFile(filepath.Join(folder, "starts"))
	os.WriteFile(filepath.Join(folder, "starts"), append(starts, '.'), 0o600)
	if kind == "mute" {
		time.Sleep(time.Hour)
	}
	fmt.Fprintln(os.Stderr, "hello from", kind)
	leave := make(chan os.Signal, 1)
	signal.Notify(leave, syscall.SIGHUP) // whoever runs the tests may have it ignored
	go func() { <-leave; os.Exit(0) }()
	press := make(chan os.Signal, 1)
	signal.Notify(press, syscall.SIGUSR1)
	go func() {
		for range press {
			voice.Light("nonsense")
			voice.Light("pressed")
		}
	}()
	voice.Ready()
	if kind == "leaving" {
		voice.RestartMachine(true)
	}
	for i := 0; ; i++ {
		switch {
		case kind == "crashing", kind == "once" && i == 3 && len(starts) == 0:
			panic("as it must")
		case kind == "hanging" && i == 3:
			time.Sleep(time.Hour)
		}
		voice.Well()
		time.Sleep(20 * time.Millisecond)
	}
}

// meals counts what the watchdog gets.
type meals struct{ n atomic.Int32 }

// Feed counts.
func (m *meals) Feed() error { m.n.Add(1); return nil }

// scene is a supervisor with a program of one kind.
type scene struct {
	t      *testing.T
	s      *Supervisor
	folder string
	dog    meals
	asked  chan bool // what Run returned
	stop   context.CancelFunc

	mu     sync.Mutex // guards what follows
	states []string
	log    bytes.Buffer
}

// Write takes the log.
func (s *scene) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(b)
}

func (s *scene) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

func (s *scene) starts() int {
	b, _ := os.ReadFile(filepath.Join(s.folder, "starts"))
	return len(b)
}

func (s *scene) said(state string) bool { return s.count(state) > 0 }

func (s *scene) count(state string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.states {
		if strings.Contains(x, state) {
			n++
		}
	}
	return n
}

func supervised(t *testing.T, kind string, change func(*Config)) *scene {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sc := &scene{t: t, folder: t.TempDir(), asked: make(chan bool, 1)}
	c := Config{
		Path: program, Args: []string{"supervised", kind, sc.folder}, Output: os.Stdout.Fd(), Socket: filepath.Join(sc.folder, "notify"), SocketGroup: -1,
		LastWords: filepath.Join(sc.folder, "words.json"), Version: "1.2.3", Watchdog: &sc.dog, Log: slog.New(slog.NewTextHandler(sc, nil)),
		Patience: 500 * time.Millisecond, FirstDelay: 20 * time.Millisecond, MostDelay: 100 * time.Millisecond,
		State: func(state string) {
			sc.mu.Lock()
			defer sc.mu.Unlock()
			sc.states = append(sc.states, state)
		},
	}
	if change != nil {
		change(&c)
	}
	sc.s = New(c)
	ctx, stop := context.WithCancel(context.Background())
	sc.stop = stop
	over := make(chan struct{})
	go func() { sc.asked <- sc.s.Run(ctx); close(over) }()
	t.Cleanup(func() {
		stop()
		<-over
		if t.Failed() {
			t.Logf("the log:\n%s", sc.logged())
		}
	})
	return sc
}

func (s *scene) until(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("never: %s", what)
		}
	}
}

func (s *scene) words() []LastWords {
	s.t.Helper()
	list, err := ReadLastWords(filepath.Join(s.folder, "words.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func TestAProgramIsStartedHeardAndStopped(t *testing.T) {
	s := supervised(t, "well", nil)
	s.until("the program is heard", func() bool { return s.said("running") })
	s.stop()
	if asked := <-s.asked; !asked {
		t.Error("the stop was not told apart from giving up")
	}
	if n := len(s.words()); n != 0 || s.starts() != 1 {
		t.Errorf("%d starts and %d last words of a program that was asked to end", s.starts(), n)
	}
	s.asked <- true
}

func TestAProgramMayAskForARestartOfTheMachineThatTriesASystem(t *testing.T) {
	asked := make(chan bool, 1)
	supervised(t, "leaving", func(c *Config) { c.RestartMachine = func(trial bool) { asked <- trial } })
	select {
	case trial := <-asked:
		if !trial {
			t.Error("the trial was not heard")
		}
	case <-time.After(time.Minute):
		t.Error("nothing was heard")
	}
}

func TestAProgramThatCrashesComesBackAndLeavesLastWords(t *testing.T) {
	s := supervised(t, "once", nil)
	s.until("it runs again", func() bool { return s.starts() == 2 })
	s.until("its words are kept", func() bool { return len(s.words()) == 1 })
	w := s.words()[0]
	if !strings.Contains(w.Text, "hello from once") || !strings.Contains(w.Text, "panic: as it must") || w.How != "exit code 2" || w.Version != "1.2.3" {
		t.Errorf("last words: %+v", w)
	}
}

func TestDelaysGrowAndOnlyTheLatestEndsAreKept(t *testing.T) {
	s := supervised(t, "crashing", nil)
	s.until("it has started eight times", func() bool { return s.starts() >= 8 })
	for _, delay := range []string{"again in 20ms", "again in 40ms", "again in 80ms", "again in 100ms"} {
		if !s.said(delay) {
			t.Errorf("nothing starts %q: %q", delay, s.states)
		}
	}
	if n := len(s.words()); n != wordsKept {
		t.Errorf("%d ends are kept, not %d", n, wordsKept)
	}
}

func TestAProgramThatHangsIsAskedWhereAndReplaced(t *testing.T) {
	s := supervised(t, "hanging", nil)
	s.until("another one has started", func() bool { return s.starts() == 2 })
	w := s.words()[0]
	if w.How != "it proved itself well no more, and was ended" || !strings.Contains(w.Text, "SIGQUIT") || !strings.Contains(w.Text, "main.main") {
		t.Errorf("last words: %+v", w)
	}
}

func TestTheWatchdogGetsNothingMoreWhenNothingIsWellForTooLong(t *testing.T) {
	s := supervised(t, "mute", func(c *Config) { c.StartTime, c.Grace = time.Second, 3*time.Second })
	if asked := <-s.asked; asked {
		t.Error("giving up passes for a stop that was asked for")
	}
	if n := s.dog.n.Load(); n < 2 {
		t.Errorf("the watchdog had %d meals before", n)
	}
	if !s.said("not well for 3s") {
		t.Errorf("nobody was told: %q", s.states)
	}
	s.asked <- true
}

func TestARestartIsNoCrash(t *testing.T) {
	s := supervised(t, "well", nil)
	s.until("the program is heard", func() bool { return s.said("running") })
	s.s.Restart()
	s.until("another one has started", func() bool { return s.starts() == 2 })
	if n := len(s.words()); n != 0 {
		t.Errorf("%d last words of a program that was asked to go", n)
	}
}

func TestAPressReachesTheProgramAndItsLightComesBack(t *testing.T) {
	lights := make(chan string, 64)
	s := supervised(t, "well", func(c *Config) {
		c.Lights = []string{"steady", "pressed"}
		c.Light = func(word string) {
			select {
			case lights <- word:
			default:
			}
		}
	})
	s.s.Press() // nobody hears it yet, and nobody is ended by it
	s.until("the program is heard", func() bool { return s.said("running") })
	s.until("the light shows the press", func() bool { s.s.Press(); return len(lights) > 0 })
	if l := <-lights; l != "pressed" {
		t.Errorf("the light was told %q", l)
	}
	if s.starts() != 1 {
		t.Errorf("%d starts: a press ends the program", s.starts())
	}
}

// Every goroutine panics, three times at each of its points; the program must come to run all the same, and be kept alive.
func TestAPanicOfAnyGoroutineEndsNothing(t *testing.T) {
	var mu sync.Mutex
	left := map[string]int{"supervise": 3, "start": 3, "bury": 3, "reap": 3, "listen": 3, "overhear": 3}
	s := supervised(t, "once", func(c *Config) {
		c.Patience = 20 * time.Second
		c.Fault = func(point string) {
			mu.Lock()
			defer mu.Unlock()
			n, known := left[point]
			if !known {
				t.Errorf("nobody makes %q panic", point)
			}
			if n > 0 {
				left[point]--
				panic("injected at " + point)
			}
		}
	})
	kill := func() {
		if list, err := filepath.Glob("/proc/self/task/*/children"); err == nil {
			for _, f := range list {
				text, _ := os.ReadFile(f)
				for _, pid := range strings.Fields(string(text)) {
					var n int
					fmt.Sscan(pid, &n)
					if p, err := os.FindProcess(n); err == nil {
						p.Kill()
					}
				}
			}
		}
	}
	spent := func() bool {
		mu.Lock()
		defer mu.Unlock()
		for _, n := range left {
			if n > 0 {
				return false
			}
		}
		return true
	}
	for end := time.Now().Add(40 * time.Second); !spent(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not every goroutine was reached: %v", left)
		}
		kill()
	}
	before := s.dog.n.Load()
	starts, heard := s.starts(), s.count("running")
	kill()
	s.until("a program starts after all of it", func() bool { return s.starts() > starts })
	s.until("the watchdog is fed after all of it", func() bool { return s.dog.n.Load() > before+2 })
	s.until("the program is heard after all of it", func() bool { return s.count("running") > heard })
	if n := strings.Count(s.logged(), "panic in process 1: it goes on"); n < 18 {
		t.Errorf("%d of 18 panics were told of", n)
	}
}

// TestNoProgramStartsBeforeItCanBeHeard has the socket stand where none can be made: the program would end at once and its end pass for a
// crash.
func TestNoProgramStartsBeforeItCanBeHeard(t *testing.T) {
	var socket string
	s := supervised(t, "well", func(c *Config) {
		socket = c.Socket
		if err := os.MkdirAll(filepath.Join(socket, "in the way"), 0o700); err != nil {
			t.Fatal(err)
		}
	})
	time.Sleep(300 * time.Millisecond)
	if s.starts() != 0 || len(s.words()) != 0 {
		t.Errorf("%d starts and %d last words of a program that nobody hears", s.starts(), len(s.words()))
	}
	if err := os.RemoveAll(socket); err != nil {
		t.Fatal(err)
	}
	s.until("the program is heard", func() bool { return s.said("running") })
	if len(s.words()) != 0 {
		t.Error("its start passed for a crash")
	}
}
