package stir

import (
	"crypto/sha256"
	"sync"
	"time"
)

// maxSeen bounds the memory of what was judged: hundreds of calls a second for as long as a signature is fresh.
const maxSeen = 50_000

// Seen remembers the signatures that were accepted, so that none serves a second call while it is fresh (RFC 8224 §12.1).
// The zero value is ready, and it is safe for concurrent use.
type Seen struct {
	mu    sync.Mutex // guards everything below
	calls map[[sha256.Size]byte]seenCall
	order [][sha256.Size]byte // the oldest first
}

type seenCall struct {
	id    string
	until time.Time
}

// note remembers that a call brought a PASSporT; false when another one has brought it before. What is remembered is what
// was signed and not the signature: of one text there are several that are right.
func (s *Seen) note(signed, id string, now time.Time) bool {
	key := sha256.Sum256([]byte(signed))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(now)
	if before, ok := s.calls[key]; ok {
		return before.id == id
	}
	if s.calls == nil {
		s.calls = map[[sha256.Size]byte]seenCall{}
	}
	s.calls[key] = seenCall{id, now.Add(2 * Freshness)} // it may be of a time ahead
	s.order = append(s.order, key)
	return true
}

// forget drops what is too old to be accepted anyway, and the oldest when there is too much.
func (s *Seen) forget(now time.Time) {
	for len(s.order) > 0 && (len(s.order) >= maxSeen || now.After(s.calls[s.order[0]].until)) {
		delete(s.calls, s.order[0])
		s.order = s.order[1:]
	}
}
