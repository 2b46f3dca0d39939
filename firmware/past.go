package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"tollgate/firmware/admission"
	"tollgate/firmware/call"
	"tollgate/firmware/event"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
)

// The records that hold the calls of the last days for rehearsals: so many of them, so many to a record, so long, and how
// soon they are written. Only the records that have changed are, for the sake of memory cards.
const (
	pastKind  = "past-calls"
	pastMost  = 10_000
	pastChunk = 250
	pastDays  = 14
	pastSave  = time.Minute
)

// pastCalls remembers the calls that were admitted, over a restart too.
type pastCalls struct {
	store *store.Store
	log   *slog.Logger

	writing sync.Mutex // held while records are written

	mu     sync.Mutex   // guards everything below
	list   []pastCall   // oldest first; it begins a record
	first  int          // what number the first of them has, counted from the box's first call
	saved  int          // up to which number they are written
	saving *time.Timer  // nil: nothing has changed
	gone   map[int]bool // records that are to be deleted
}

// pastCall is one call as it is kept: what admission judges by.
type pastCall struct {
	At       time.Time        `json:"at"`
	Seconds  float64          `json:"s,omitempty"` // from beginning to end
	Spoken   float64          `json:"spoken,omitempty"`
	Answered bool             `json:"ok,omitempty"`
	Caller   policy.Peer      `json:"peer"`
	Trunk    string           `json:"trunk,omitempty"`
	To       numbering.Number `json:"to"`
	From     string           `json:"from,omitempty"`
	User     string           `json:"user,omitempty"`
	Hidden   bool             `json:"hidden,omitempty"`
	Via      admission.Via    `json:"via,omitempty"`
	Shown    string           `json:"shown,omitempty"`
}

// openPastCalls reads what an earlier run has kept. A record that cannot be read is told and left aside.
func openPastCalls(s *store.Store, log *slog.Logger) (*pastCalls, error) {
	keys, err := s.List(pastKind)
	if err != nil {
		return nil, fmt.Errorf("read the calls of the last days: %w", err)
	}
	p := &pastCalls{store: s, log: log, gone: map[int]bool{}}
	for i, key := range keys {
		n, _ := strconv.Atoi(key)
		if i == 0 {
			p.first = n * pastChunk
		}
		value, _, err := s.Get(pastKind, key)
		if err != nil {
			return nil, fmt.Errorf("read the calls of the last days: %w", err)
		}
		var list []pastCall
		if err := json.Unmarshal(value, &list); err != nil {
			log.Error("some calls of the last days cannot be read", "record", key, "err", err)
			continue
		}
		p.list = append(p.list, list...)
	}
	p.saved = p.first + len(p.list)
	return p, nil
}

// note takes a call that is over.
func (p *pastCalls) note(c call.Snapshot, end event.CallEnded) {
	a := c.Attempt
	if a.Number.Class == "" { // it needed no leave, or stayed with the phones' PBX
		return
	}
	kept := pastCall{
		At: a.At.Round(time.Millisecond), Seconds: rounded(end.At.Sub(a.At).Seconds()), Spoken: rounded(end.Duration.Seconds()), Answered: end.Answered,
		Caller: a.Caller, Trunk: a.Trunk, To: a.Number, From: a.From.E164, User: a.User, Hidden: a.Withheld, Via: a.Via, Shown: c.Shown.E164,
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, kept)
	for len(p.list) > pastMost+pastChunk {
		p.gone[p.first/pastChunk] = true
		clear(p.list[:pastChunk])
		p.list, p.first = p.list[pastChunk:], p.first+pastChunk
	}
	if p.saving == nil {
		p.saving = time.AfterFunc(pastSave, p.save)
	}
}

// since returns the calls of the last days.
func (p *pastCalls) since(now time.Time) (list []admission.Past) {
	p.mu.Lock()
	kept := slices.Clone(p.list)
	p.mu.Unlock()
	for _, k := range kept {
		if now.Sub(k.At) > pastDays*24*time.Hour {
			continue
		}
		a := admission.Attempt{
			Caller: k.Caller, Trunk: k.Trunk, Number: k.To, From: numbering.Number{E164: k.From}, User: k.User, Withheld: k.Hidden, Via: k.Via, At: k.At,
		}
		list = append(list, admission.Past{
			Attempt: a, Shown: numbering.Number{E164: k.Shown}, Ended: k.At.Add(seconds(k.Seconds)), Answered: k.Answered, Spoken: seconds(k.Spoken),
		})
	}
	return list
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// save writes what has come since the last time.
func (p *pastCalls) save() {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.mu.Lock()
	changed, gone := p.saving, p.gone
	p.saving, p.gone = nil, map[int]bool{}
	chunks := map[int][]pastCall{}
	for n := max(p.first, p.saved) / pastChunk; n*pastChunk < p.first+len(p.list); n++ {
		from := n*pastChunk - p.first
		chunks[n] = slices.Clone(p.list[from:min(from+pastChunk, len(p.list))])
	}
	end := p.first + len(p.list)
	p.mu.Unlock()
	if changed == nil {
		return
	}
	changed.Stop()
	if err := p.write(chunks, gone); err != nil {
		p.log.Error("the calls of the last days are not kept over a restart", "err", err)
		return
	}
	p.mu.Lock()
	p.saved = end
	p.mu.Unlock()
}

func (p *pastCalls) write(chunks map[int][]pastCall, gone map[int]bool) error {
	for n, list := range chunks {
		value, err := json.Marshal(list)
		if err != nil {
			return fmt.Errorf("write calls: %w", err)
		}
		if err := p.store.Put(pastKind, pastKey(n), value); err != nil {
			return err
		}
	}
	for n := range gone {
		if err := p.store.Delete(pastKind, pastKey(n)); err != nil {
			return err
		}
	}
	return nil
}

// pastKey orders records as they were made.
func pastKey(n int) string { return fmt.Sprintf("%010d", n) }
