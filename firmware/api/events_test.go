package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// watcher collects what a stream sends, with the time since it began.
type watcher struct {
	begin  time.Time
	events []string
	at     []time.Duration
}

func (w *watcher) send(b []byte) error {
	w.events = append(w.events, string(b))
	w.at = append(w.at, time.Since(w.begin))
	return nil
}

// streamBench is a bench inside a bubble, and a visitor with a session.
func streamBench(t *testing.T) (*bench, visitor) {
	t.Helper()
	b := newBench(t)
	_, s, err := b.server.sessions.open("admin", false)
	if err != nil {
		t.Fatal(err)
	}
	return b, visitor{name: "admin", session: s}
}

func TestTheStreamSendsTheOverviewAtOnceAndThenOnlyWhenItChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, v := streamBench(t)
		b.box.change(func(o *Overview) { o.Mode = "running" })
		ctx, cancel := context.WithCancel(t.Context())
		w := &watcher{begin: time.Now()}
		done := make(chan error, 1)
		go func() { done <- b.server.stream(ctx, v, w.send) }()
		synctest.Wait()
		if len(w.events) != 1 || w.at[0] != 0 {
			t.Fatalf("at once: %q", w.events)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(w.events) != 1 {
			t.Errorf("sent again although nothing changed: %q", w.events[1:])
		}
		b.box.change(func(o *Overview) { o.Mode = "trial" })
		time.Sleep(streamPace + time.Millisecond)
		synctest.Wait()
		if len(w.events) != 2 || !strings.Contains(w.events[1], `"mode":"trial"`) {
			t.Errorf("after a change: %q", w.events)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("ended by %v", err)
		}
	})
}

func TestTheStreamSendsAtMostOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, v := streamBench(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second+time.Millisecond)
		defer cancel()
		go func() {
			for n := uint64(0); ctx.Err() == nil; n++ {
				b.box.change(func(o *Overview) { o.Counters = []Counter{{Name: "x", Packets: n}} })
				time.Sleep(10 * time.Millisecond)
			}
		}()
		w := &watcher{begin: time.Now()}
		if err := b.server.stream(ctx, v, w.send); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended by %v", err)
		}
		time.Sleep(10 * time.Millisecond) // the one who changes goes
		if len(w.events) != 11 {
			t.Errorf("%d events in 10 s: %v", len(w.events), w.at)
		}
		for i := 1; i < len(w.at); i++ {
			if w.at[i]-w.at[i-1] < streamPace {
				t.Errorf("%v after %v", w.at[i], w.at[i-1])
			}
		}
	})
}

func TestTheStreamBeatsWhileNothingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, v := streamBench(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		w := &watcher{begin: time.Now()}
		if err := b.server.stream(ctx, v, w.send); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended by %v", err)
		}
		if len(w.events) < 4 {
			t.Fatalf("%d events in a minute", len(w.events))
		}
		for i, e := range w.events[1:] {
			if !strings.HasPrefix(e, ":") || !strings.HasSuffix(e, "\n\n") {
				t.Errorf("%q is no comment", e)
			}
			if gap := w.at[i+1] - w.at[i]; gap > heartbeat+streamPace {
				t.Errorf("%v of silence", gap)
			}
		}
	})
}

func TestTheStreamEndsWithItsSessionAndWithTheServer(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(b *bench, v visitor)
		want error
	}{
		"log-out":          {func(b *bench, v visitor) { b.server.sessions.close(v.session.key) }, errSessionOver},
		"an idle hour":     {func(*bench, visitor) { time.Sleep(sessionIdle) }, errSessionOver},
		"the server stops": {func(b *bench, _ visitor) { close(b.server.closing) }, errClosing},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, v := streamBench(t)
				done := make(chan error, 1)
				w := &watcher{begin: time.Now()}
				go func() { done <- b.server.stream(t.Context(), v, w.send) }()
				time.Sleep(3 * time.Second)
				c.end(b, v)
				time.Sleep(streamPace)
				synctest.Wait()
				select {
				case err := <-done:
					if !errors.Is(err, c.want) {
						t.Errorf("ended by %v", err)
					}
				default:
					t.Fatal("goes on")
				}
			})
		})
	}
}

func TestAStreamWhoseReaderIsGoneEnds(t *testing.T) {
	b, v := streamBench(t)
	gone := errors.New("reset by peer")
	if err := b.server.stream(t.Context(), v, func([]byte) error { return gone }); !errors.Is(err, gone) {
		t.Errorf("ended by %v", err)
	}
}

func TestManyStreamsAskTheBoxOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, v := streamBench(t)
		asked := 0
		b.server.snapshots.box = counting{b.box, &asked}
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second+500*time.Millisecond)
		defer cancel()
		for range 20 {
			go b.server.stream(ctx, v, func([]byte) error { return nil })
		}
		<-ctx.Done()
		synctest.Wait()
		if asked > 10 {
			t.Errorf("asked %d times in 9.5 s", asked)
		}
	})
}

// counting counts how often the overview is asked for.
type counting struct {
	Box
	n *int
}

func (c counting) Overview() Overview { *c.n++; return c.Box.Overview() }

func TestAnEventIsOneLineWhateverAStrangerCallsHimself(t *testing.T) {
	b, v := streamBench(t)
	hostile := "x\n\nevent: overview\ndata: {}\r\n\r\n<script>alert(1)</script>\u2028"
	b.box.change(func(o *Overview) { o.Refusals = []Refusal{{From: hostile, Reason: hostile}} })
	ctx, cancel := context.WithCancel(t.Context())
	var got []byte
	err := b.server.stream(ctx, v, func(e []byte) error { got = e; cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ended by %v", err)
	}
	data, ok := bytes.CutPrefix(got, []byte("event: overview\ndata: "))
	data, ok2 := bytes.CutSuffix(data, []byte("\n\n"))
	if !ok || !ok2 || bytes.ContainsAny(data, "\r\n") {
		t.Fatalf("%q", got)
	}
	var o Overview
	if err := json.Unmarshal(data, &o); err != nil || o.Refusals[0].From != hostile {
		t.Errorf("%v: %+v", err, o.Refusals)
	}
}

func TestAPageLeftOpenIsNoPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		token, _, err := b.server.sessions.open("admin", false)
		if err != nil {
			t.Fatal(err)
		}
		c := &http.Cookie{Name: cookieName, Value: token}
		for range 6 {
			time.Sleep(sessionIdle/6 - time.Second)
			// The recorder knows no write deadline, so each stream ends at its first event and the browser comes again.
			if res := b.get("/api/v1/events", c); res.Code != http.StatusOK {
				t.Fatalf("%d %s", res.Code, res.Body)
			}
		}
		time.Sleep(time.Minute)
		wantProblem(t, b.get("/api/v1/events", c), NotLoggedIn)
	})
}
