package call

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"tollgate/firmware/media"
)

// Running calls are written down, so that a process after this one can take them up (takeup.go). One goroutine writes, on a
// tick: each call whose state has changed says itself how it stands, between two events; then the relay says so of all
// media, in one record, because numbers of packets change with every tick.
//
//	calls say how they stand -> the relay does -> media is written -> calls are -> what is over is removed -> media.Kept
//
// The order matters. A key that a call knows is in the media written before it, with what has been sent under it.

// Records keeps records by name; *live.Folder satisfies it.
type Records interface {
	Write(name string, record []byte) error
	Remove(name string) error
	// Read returns the records of an earlier process. What is damaged is told, and removed.
	Read() (records map[string][]byte, damaged []error, err error)
}

// Sessions are the media of calls as they are kept; *media.Relay satisfies it.
type Sessions interface {
	KeepRecords(on bool)
	Records() iter.Seq[media.SessionRecord]
	Kept()
	Reopen(media.SessionRecord) (*media.Session, error)
}

const (
	// keepEvery is how old what is written down may be when a process ends without warning. Writing more often would cost a box
	// with many short calls, or one with many calls, a tenth of its processor.
	keepEvery = time.Second
	// keepEach is how much older it may be for each call, where that is more: beyond 500 calls the writing takes no more of the
	// processor, which their audio needs.
	keepEach = 2 * time.Millisecond
	// sayTime is how long a call may take to say how it stands; one that connects to somebody is asked at the next tick.
	sayTime = 50 * time.Millisecond
)

const (
	mediaRecord = "media"
	callRecords = "call-" // and the call's id
)

// keeper writes the calls down.
type keeper struct {
	records  Records
	sessions Sessions
	log      *slog.Logger
	idle     bool            // what is written is that there is nothing
	count    int             // of sessions that are
	media    bytes.Buffer    // the record of the media
	names    map[string]bool // of the records of calls that are written
	stop     chan struct{}
	stopped  chan struct{}

	mu      sync.Mutex // guards everything below
	changed map[*Session]bool
	over    []string
	off     bool // nothing is kept any more
}

// writeDown is a note: say how the call stands.
type writeDown struct{ to chan<- written } // has room for everybody

// written is how a call stands.
type written struct {
	session *Session
	record  []byte
	err     error
}

// touch has the call written down at the next tick.
func (s *Session) touch() {
	if k := s.desk.keeper; k != nil {
		k.mu.Lock()
		if !k.off {
			k.changed[s] = true
		}
		k.mu.Unlock()
	}
}

// wipe has what is written about a call removed.
func (s *Session) wipe() {
	if k := s.desk.keeper; k != nil {
		k.mu.Lock()
		if !k.off {
			delete(k.changed, s)
			k.over = append(k.over, s.id)
		}
		k.mu.Unlock()
	}
}

// run writes until end.
func (k *keeper) run() {
	defer close(k.stopped)
	t := time.NewTimer(keepEvery)
	defer t.Stop()
	for {
		select {
		case <-k.stop:
			return
		case <-t.C:
			began := time.Now()
			if !k.tick() {
				return
			}
			t.Reset(time.Until(began.Add(max(keepEvery, time.Duration(k.count)*keepEach))))
		}
	}
}

// tick writes what has changed; false when nothing can be kept any more.
func (k *keeper) tick() bool {
	k.mu.Lock()
	off := k.off
	k.mu.Unlock()
	if off {
		return false
	}
	if err := k.write(); err != nil {
		k.log.Error("running calls are not kept any more; a restart would end them", "err", err)
		k.giveUp()
		return false
	}
	return true
}

// giveUp lets the calls go on without records, which would be wrong from now on.
func (k *keeper) giveUp() {
	k.mu.Lock()
	k.off, k.changed, k.over = true, nil, nil
	k.mu.Unlock()
	k.sessions.KeepRecords(false)
	names := []string{mediaRecord}
	for name := range k.names {
		names = append(names, name)
	}
	for _, name := range names {
		if err := k.records.Remove(name); err != nil {
			k.log.Error("the record of a call is left", "err", err)
		}
	}
}

func (k *keeper) write() error {
	calls := k.ask()
	if err := k.writeMedia(); err != nil {
		return err
	}
	for _, w := range calls {
		if w.session.isEnding() {
			continue // what is written about it is removed
		}
		k.names[callRecords+w.session.id] = true
		if err := k.records.Write(callRecords+w.session.id, w.record); err != nil {
			return err
		}
	}
	k.mu.Lock()
	over := k.over
	k.over = nil
	k.mu.Unlock()
	for _, id := range over {
		if !k.names[callRecords+id] {
			continue // it was too short
		}
		if err := k.records.Remove(callRecords + id); err != nil {
			return err
		}
		delete(k.names, callRecords+id)
	}
	k.sessions.Kept()
	return nil
}

// ask has every call that has changed say how it stands.
func (k *keeper) ask() (calls []written) {
	k.mu.Lock()
	asked := k.changed
	k.changed = map[*Session]bool{}
	k.mu.Unlock()
	answers := make(chan written, len(asked))
	for s := range asked {
		if !s.inbox.Post(writeDown{answers}) {
			delete(asked, s)
		}
	}
	late := time.NewTimer(sayTime)
	defer late.Stop()
	for len(asked) > 0 {
		select {
		case w := <-answers:
			delete(asked, w.session)
			switch {
			case w.err == nil && w.record != nil:
				calls = append(calls, w)
			case w.err != nil:
				k.log.Error("a call is not kept", "call", w.session.id, "err", w.err)
			}
		case <-late.C:
			for s := range asked {
				if !s.isEnding() {
					s.touch()
				}
			}
			return calls
		}
	}
	return calls
}

// allMedia is the record of the media of all calls, as writeMedia writes it.
type allMedia struct {
	Written  time.Time
	Sessions []media.SessionRecord
}

// writeMedia writes the media down. Each session is put into words as it is described, so that it is never done for all at
// once: audio comes first.
func (k *keeper) writeMedia() error {
	b := &k.media
	b.Reset()
	fmt.Fprintf(b, `{"Written":%q,"Sessions":[`, time.Now().Format(time.RFC3339Nano))
	words, n := json.NewEncoder(b), 0
	var one media.SessionRecord // for all of them: an encoder keeps what it is given from the stack
	for one = range k.sessions.Records() {
		if n++; n > 1 {
			b.WriteByte(',')
		}
		if err := words.Encode(&one); err != nil {
			return err
		}
	}
	k.count = n
	if n == 0 && k.idle {
		return nil
	}
	k.idle = n == 0
	b.WriteString("]}")
	return k.records.Write(mediaRecord, b.Bytes())
}

// end stops the writing.
func (k *keeper) end() {
	close(k.stop)
	<-k.stopped
}

// Leave writes the calls down a last time and stops writing, for a process that takes them up. Nobody is hung up; what
// happens from now on is lost. It tells how many calls there are.
func (d *Desk) Leave() int {
	if d.keeper == nil {
		return 0
	}
	d.keeper.end()
	d.keeper.tick()
	return len(d.Calls())
}

// Forget stops writing and removes what is written. It is for a stop after which there are no calls.
func (d *Desk) Forget() {
	if d.keeper == nil {
		return
	}
	d.keeper.end()
	d.keeper.giveUp()
}

// isEnding tells whether the call is on its way out.
func (s *Session) isEnding() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == Ending
}
