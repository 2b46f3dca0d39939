package pull

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// world is a server and a box, in one memory.
type world struct {
	content  string
	etag     string
	status   int   // 0: as the request asks
	cut      int   // bytes after which a connection is gone; 0: none
	refuse   error // of Take
	system   bool
	talking  bool
	mark     Mark
	requests []http.Header
	times    []time.Time
	taken    []string
	restarts []time.Time
}

func (w *world) Load() (Mark, error) { return w.mark, nil }

func (w *world) Save(m Mark) error { w.mark = m; return nil }

// torn is a body that ends before its end.
type torn struct{ io.Reader }

func (t torn) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// RoundTrip is the server, as RFC 9110 has it.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.requests, w.times = append(w.requests, r.Header), append(w.times, time.Now())
	res := &http.Response{Header: http.Header{}, StatusCode: http.StatusOK, Request: r}
	if w.etag != "" {
		res.Header.Set("ETag", w.etag)
	}
	content := w.content
	var from int
	switch {
	case w.status != 0:
		res.StatusCode, content = w.status, ""
	case w.etag != "" && slices.Contains(strings.Split(r.Header.Get("If-None-Match"), ", "), w.etag):
		res.StatusCode, content = http.StatusNotModified, ""
	case r.Header.Get("If-Range") == w.etag && w.etag != "":
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err != nil {
			return nil, err
		}
		res.StatusCode, content = http.StatusPartialContent, content[from:]
		res.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(w.content)-1, len(w.content)))
	}
	res.Status = http.StatusText(res.StatusCode)
	res.ContentLength = int64(len(content))
	res.Body = io.NopCloser(strings.NewReader(content))
	if w.cut > 0 && len(content) > w.cut {
		res.Body = io.NopCloser(torn{strings.NewReader(content[:w.cut])})
	}
	return res, nil
}

func (w *world) puller(t *testing.T) *Puller {
	t.Helper()
	take := func(_ context.Context, path string) (bool, error) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		if w.refuse == nil {
			w.taken = append(w.taken, string(content))
		}
		return w.system, w.refuse
	}
	return New(Options{
		Client: &http.Client{Transport: w, CheckRedirect: redirect}, Memory: w, Folder: t.TempDir(), Take: take, Idle: func() bool { return !w.talking },
		Restart: func() { w.restarts = append(w.restarts, time.Now()) }, Random: func(n int64) int64 { return n - 1 }, Log: slog.New(slog.DiscardHandler),
	})
}

const address = "https://updates.example/branch.bundle"

func always(time.Time) bool { return true }

func daily() Config { return Config{From: address, Every: 24 * time.Hour, Within: always} }

func wantTaken(t *testing.T, w *world, want ...string) {
	t.Helper()
	if !slices.Equal(w.taken, want) {
		t.Errorf("taken: %.60q, want %.60q", w.taken, want)
	}
}

func TestWhatWasTakenIsNotFetchedAgain(t *testing.T) {
	for name, etag := range map[string]string{"with a tag": `"1"`, "without one": ""} {
		t.Run(name, func(t *testing.T) {
			w := &world{content: "a bundle", etag: etag}
			p := w.puller(t)
			for n, want := range []Outcome{Taken, Unchanged, Unchanged} {
				if s := p.fetch(t.Context(), daily()); s.Outcome != want {
					t.Errorf("look %d: %+v, want %s", n, s, want)
				}
			}
			wantTaken(t, w, "a bundle")
			w.content, w.etag = "the next", strings.Replace(etag, "1", "2", 1)
			p = w.puller(t) // after a restart
			if s := p.fetch(t.Context(), daily()); s.Outcome != Taken {
				t.Errorf("%+v", s)
			}
			if got := w.requests[3].Get("If-None-Match"); got != etag {
				t.Errorf("asked with the tag %q", got)
			}
			wantTaken(t, w, "a bundle", "the next")
			moved := daily()
			moved.From = "https://elsewhere.example/"
			if s := p.fetch(t.Context(), moved); s.Outcome != Taken || w.requests[4].Get("If-None-Match") != "" {
				t.Errorf("another address: %+v, asked with %q", s, w.requests[4])
			}
		})
	}
}

func TestWhatCameInPartIsFetchedOn(t *testing.T) {
	whole := strings.Repeat("0123456789", 1000)
	for _, tc := range []struct {
		name   string
		etag   string
		change func(w *world)
		want   string // Range of the second request
	}{
		{"the same bundle", `"1"`, func(*world) {}, "bytes=4000-"},
		{"another one by now", `"1"`, func(w *world) { w.content, w.etag = "another", `"2"` }, "bytes=4000-"},
		{"a tag that stands for several", `W/"1"`, func(*world) {}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := &world{content: whole, etag: tc.etag, cut: 4000}
			p := w.puller(t)
			if s := p.fetch(t.Context(), daily()); s.Outcome != Failed || !strings.Contains(s.Reason, "4000 bytes did") {
				t.Fatalf("%+v", s)
			}
			w.cut = 0
			tc.change(w)
			if s := p.fetch(t.Context(), daily()); s.Outcome != Taken {
				t.Errorf("%+v", s)
			}
			if got := w.requests[1].Get("Range"); got != tc.want {
				t.Errorf("asked for %q, want %q", got, tc.want)
			}
			wantTaken(t, w, w.content)
			if _, err := os.Stat(filepath.Join(p.o.Folder, partFile)); err == nil {
				t.Error("what was taken is still there")
			}
		})
	}
}

func TestWhatIsRefusedIsNotFetchedAgainForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{content: "a bundle", etag: `"1"`, refuse: errors.New("signed by nobody this box knows")}
		p := w.puller(t)
		if s := p.fetch(t.Context(), daily()); s.Outcome != Refused || s.Reason != w.refuse.Error() {
			t.Errorf("%+v", s)
		}
		if s := p.fetch(t.Context(), daily()); s.Outcome != Unchanged {
			t.Errorf("%+v", s)
		}
		time.Sleep(refusedTime + time.Minute)
		w.refuse = nil
		if s := p.fetch(t.Context(), daily()); s.Outcome != Taken {
			t.Errorf("%+v", s)
		}
		w.content, w.etag, w.refuse = "the next", `"2"`, fmt.Errorf("%w: another is being taken", ErrLater)
		if s := p.fetch(t.Context(), daily()); s.Outcome != Failed {
			t.Errorf("%+v", s)
		}
		if w.mark.ETag != `"1"` {
			t.Errorf("%+v counts as taken", w.mark)
		}
	})
}

func TestAServerThatSendsSomethingElseChangesNothing(t *testing.T) {
	for status, want := range map[int]string{
		http.StatusNotFound: "Not Found", http.StatusInternalServerError: "Internal", http.StatusPartialContent: "Partial", http.StatusNoContent: "No Content",
	} {
		w := &world{content: "a bundle", etag: `"1"`, status: status}
		if s := w.puller(t).fetch(t.Context(), daily()); s.Outcome != Failed || !strings.Contains(s.Reason, want) {
			t.Errorf("%d: %+v", status, s)
		}
		wantTaken(t, w)
	}
	large := &world{content: "a bundle", etag: `"1"`}
	p := large.puller(t)
	p.o.Client.Transport = endless{}
	if s := p.fetch(t.Context(), daily()); s.Outcome != Failed || !strings.Contains(s.Reason, "more than 80 MB") {
		t.Errorf("%+v", s)
	}
	if info, err := os.Stat(p.part()); err != nil || info.Size() > 0 {
		t.Errorf("what is too large is kept: %v, %v", info, err)
	}
}

// endless is a server that never stops.
type endless struct{}

func (endless) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, ContentLength: -1, Body: io.NopCloser(endless{})}, nil
}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestNobodyIsSentOnToPlainHTTP(t *testing.T) {
	for address, want := range map[string]bool{"https://b.example/": true, "http://b.example/": false, "file:///etc/passwd": false} {
		r, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := redirect(r, nil); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestTheServerIsAskedWhenItIsDueAndWithinTheHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now() // midnight
		w := &world{content: "a bundle", etag: `"1"`}
		p := w.puller(t)
		night := func(now time.Time) bool { return now.UTC().Hour() >= 2 && now.UTC().Hour() < 4 }
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go p.Run(ctx)
		p.Set(Config{From: address, Every: time.Hour, Within: night})
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if len(w.times) != 2 {
			t.Fatalf("asked %d times: %v", len(w.times), w.times)
		}
		for _, at := range w.times {
			if !night(at) {
				t.Errorf("asked after %v", at.Sub(start))
			}
		}
		p.Set(Config{})
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		if len(w.times) != 2 || p.State() != (State{}) {
			t.Errorf("asked although nobody wants it: %v", w.times)
		}
	})
}

func TestAServerThatFailsIsAskedLaterAndLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{status: http.StatusServiceUnavailable}
		p := w.puller(t)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go p.Run(ctx)
		p.Set(daily())
		time.Sleep(7 * 24 * time.Hour)
		synctest.Wait()
		if n := len(w.times); n < 12 || n > 20 {
			t.Fatalf("asked %d times in a week", n)
		}
		for i := 2; i < len(w.times)-1; i++ {
			if gap, before := w.times[i].Sub(w.times[i-1]), w.times[i-1].Sub(w.times[i-2]); gap < before {
				t.Errorf("after %v it was asked again after %v", before, gap)
			}
		}
		w.status, w.content, w.etag = 0, "a bundle", `"1"`
		time.Sleep(2 * 24 * time.Hour)
		synctest.Wait()
		wantTaken(t, w, "a bundle")
		if s := p.State(); s.From != address || s.Outcome != Unchanged && s.Outcome != Taken {
			t.Errorf("%+v", s)
		}
	})
}

func TestTheMachineRestartsForASystemWhenNobodySpeaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{content: "a bundle", etag: `"1"`, system: true, talking: true}
		p := w.puller(t)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go p.Run(ctx)
		p.Set(daily())
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		wantTaken(t, w, "a bundle")
		if len(w.restarts) != 0 {
			t.Fatal("calls were cut")
		}
		w.talking = false
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if len(w.restarts) != 1 {
			t.Errorf("restarted %d times", len(w.restarts))
		}
	})
}
