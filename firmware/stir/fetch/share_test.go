package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"
)

// slowWorld is a world with servers that take a connection and then say nothing, and one as it should be.
func slowWorld(t *testing.T) *world {
	w := newWorld(t, ok)
	w.o.patience = 20 * time.Millisecond
	network := w.o.dial
	w.o.dial = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		if to.Addr() == netip.MustParseAddr("203.0.113.6") {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return network(ctx, to)
	}
	for i := range 100 {
		w.names[slowHost(i)] = []string{"203.0.113.6"}
	}
	return w
}

func slowHost(i int) string { return fmt.Sprintf("%d.slow.example", i) }

// begin has a call of source name a URL and not wait.
func (w *world) begin(source, url string) error {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := w.Get(gone, source, url)
	return err
}

// underWay counts the fetches of a source.
func (w *world) underWay(source string) (n int) {
	w.Certificates.mu.Lock()
	defer w.Certificates.mu.Unlock()
	for _, f := range w.flights {
		if f.source == source {
			n++
		}
	}
	return n
}

// Who calls chooses the server: acceptance case 20.
func TestSlowServersDoNotKeepTheCertificatesOfOthersAway(t *testing.T) {
	w := slowWorld(t)
	for i := range maxAtOnce {
		w.begin("trunk", "https://"+slowHost(i)+"/a.pem")
	}
	if n := w.underWay("trunk"); n != maxAtOnce {
		t.Fatalf("%d fetches are under way, want %d", n, maxAtOnce)
	}
	over := make(chan struct{})
	go func() { // and it goes on
		defer close(over)
		for i := maxAtOnce; i < 100; i++ {
			w.begin("trunk", "https://"+slowHost(i)+"/a.pem")
			time.Sleep(5 * time.Millisecond)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if certs, err := w.Get(ctx, "trunk", place); err != nil || len(certs) != 1 {
		t.Errorf("an honest caller's: %v, %v", certs, err)
	}
	<-over
}

func TestTheTrunkThatHasMostUnderWayGivesWayFirst(t *testing.T) {
	w := slowWorld(t)
	w.begin("quiet", "https://"+slowHost(0)+"/a.pem") // the oldest of all
	for i := 1; i < maxAtOnce; i++ {
		w.begin("loud", "https://"+slowHost(i)+"/a.pem")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := w.Get(ctx, "quiet", place); err != nil {
		t.Fatal(err)
	}
	if quiet, loud := w.underWay("quiet"), w.underWay("loud"); quiet != 1 || loud != maxAtOnce-2 {
		t.Errorf("%d of the quiet trunk's and %d of the loud one's go on", quiet, loud)
	}
	_, err := w.Get(ctx, "loud", "https://"+slowHost(1)+"/a.pem")
	if !errors.Is(err, errGaveWay) {
		t.Errorf("the one that gave way: %v", err)
	}
}

func TestAHostHasItsShareOfWhatIsFetchedAtOnce(t *testing.T) {
	w := slowWorld(t)
	for i := range maxOfHost + 1 {
		err := w.begin("trunk", fmt.Sprintf("https://%s/%d.pem", slowHost(0), i))
		if busy := errors.Is(err, errBusy); busy != (i == maxOfHost) {
			t.Errorf("URL %d of the host: %v", i, err)
		}
	}
	if n := w.underWay("trunk"); n != maxOfHost {
		t.Errorf("%d are under way", n)
	}
}

func TestAHostThatWasTooSlowIsLeftAloneLongerEachTime(t *testing.T) {
	w := slowWorld(t)
	w.o.most = 20 * time.Millisecond
	get := func(n int) error {
		_, err := w.Get(t.Context(), "trunk", fmt.Sprintf("https://%s/%d.pem", slowHost(0), n))
		return err
	}
	wait := failedFor
	for n := range 4 {
		if err := get(2 * n); err == nil || errors.Is(err, errSlowHost) {
			t.Fatalf("try %d: %v", n, err)
		}
		w.later(wait - time.Second)
		if err := get(2*n + 1); !errors.Is(err, errSlowHost) {
			t.Errorf("another URL of the host %v later: %v", wait-time.Second, err)
		}
		w.later(2 * time.Second)
		wait *= 2
	}
}

func TestHostsThatAreLeftAloneAreForgotten(t *testing.T) {
	w := newWorld(t, ok)
	w.Certificates.mu.Lock()
	defer w.Certificates.mu.Unlock()
	for i := range 2 * maxAside {
		w.remember(slowHost(i), true)
		w.later(time.Millisecond)
	}
	if _, kept := w.slow[slowHost(2*maxAside-1)]; len(w.slow) != maxAside || !kept {
		t.Errorf("%d are remembered, the last one: %v", len(w.slow), kept)
	}
	w.remember(slowHost(2*maxAside-1), false)
	if _, kept := w.slow[slowHost(2*maxAside-1)]; kept {
		t.Error("a host that has answered is still left alone")
	}
}
