package call

import (
	"iter"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/firmware/media"
)

// manySessions is a relay with so many sessions, and counts how often it described them.
type manySessions struct{ sessions, asked int }

func (m *manySessions) KeepRecords(bool)                                   {}
func (m *manySessions) Kept()                                              {}
func (m *manySessions) Reopen(media.SessionRecord) (*media.Session, error) { return nil, nil }
func (m *manySessions) Records() iter.Seq[media.SessionRecord] {
	m.asked++
	return func(yield func(media.SessionRecord) bool) {
		for range m.sessions {
			if !yield(media.SessionRecord{}) {
				return
			}
		}
	}
}

// paper takes everything that is written.
type paper struct{}

func (paper) Write(string, []byte) error                { return nil }
func (paper) Remove(string) error                       { return nil }
func (paper) Read() (map[string][]byte, []error, error) { return nil, nil, nil }

func TestCallsAreWrittenEachSecondAndManyOfThemMoreSeldom(t *testing.T) {
	for sessions, want := range map[int]int{0: 12, 300: 12, 500: 12, 1000: 6, 2000: 3} {
		synctest.Test(t, func(t *testing.T) {
			m := &manySessions{sessions: sessions}
			k := &keeper{records: paper{}, sessions: m, log: slog.New(slog.DiscardHandler), names: map[string]bool{},
				changed: map[*Session]bool{}, stop: make(chan struct{}), stopped: make(chan struct{})}
			go k.run()
			time.Sleep(keepEvery + 11*time.Second + time.Millisecond)
			k.end()
			if m.asked != want {
				t.Errorf("%d calls: written %d times in 12 seconds, want %d", sessions, m.asked, want)
			}
		})
	}
}
