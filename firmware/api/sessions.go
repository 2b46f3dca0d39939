package api

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// How long a session lives and how many there may be.
const (
	sessionIdle     = time.Hour
	sessionAbsolute = 12 * time.Hour
	maxSessions     = 16
)

// cookieName: with the prefix __Host- a browser takes the cookie only with Secure, Path=/ and no Domain, so that neither
// another port's page nor a subdomain can set it (RFC 6265bis §4.1.3.2).
const cookieName = "__Host-session"

// sessionKey is the SHA-256 of a token: the table alone lets nobody in.
type sessionKey [sha256.Size]byte

// session is one logged-in browser.
type session struct {
	key        sessionKey
	user       string
	mustChange bool
	opened     time.Time
	seen       time.Time
}

// ends returns when the session ends in any case.
func (s session) ends() time.Time { return s.opened.Add(sessionAbsolute) }

func (s session) alive(now time.Time) bool {
	return now.Before(s.ends()) && now.Before(s.seen.Add(sessionIdle))
}

// sessions is the table of sessions. It lives in memory only: a restart logs everybody out.
type sessions struct {
	random io.Reader

	mu    sync.Mutex // guards everything below
	byKey map[sessionKey]session
}

func newSessions(random io.Reader) *sessions {
	return &sessions{random: random, byKey: map[sessionKey]session{}}
}

// open adds a session and returns the token for its cookie. Every log-in gets a fresh one, so that a token planted
// before it is worth nothing.
func (t *sessions) open(user string, mustChange bool) (string, session, error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(t.random, raw); err != nil {
		return "", session{}, fmt.Errorf("opening a session: %w", err)
	}
	token := base64.RawURLEncoding.EncodeToString(raw)
	now := time.Now()
	s := session{key: sha256.Sum256([]byte(token)), user: user, mustChange: mustChange, opened: now, seen: now}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.makeRoom(now)
	t.byKey[s.key] = s
	return token, s, nil
}

// makeRoom drops the dead, then the one that was quiet longest. The caller holds mu.
func (t *sessions) makeRoom(now time.Time) {
	var oldest session
	for k, s := range t.byKey {
		if !s.alive(now) {
			delete(t.byKey, k)
			continue
		}
		if oldest.seen.IsZero() || s.seen.Before(oldest.seen) {
			oldest = s
		}
	}
	if len(t.byKey) >= maxSessions {
		delete(t.byKey, oldest.key)
	}
}

// find returns the session of a token. With touch it counts as a request and puts off the idle end.
func (t *sessions) find(token string, touch bool) (session, bool) {
	return t.get(sha256.Sum256([]byte(token)), touch)
}

// alive tells whether the session is still there, without touching it.
func (t *sessions) alive(key sessionKey) bool {
	_, ok := t.get(key, false)
	return ok
}

func (t *sessions) get(key sessionKey, touch bool) (session, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.byKey[key]
	if !ok {
		return session{}, false
	}
	now := time.Now()
	if !s.alive(now) {
		delete(t.byKey, key)
		return session{}, false
	}
	if touch {
		s.seen = now
		t.byKey[key] = s
	}
	return s, true
}

// close ends one session.
func (t *sessions) close(key sessionKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byKey, key)
}

// closeAll ends every session.
func (t *sessions) closeAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.byKey)
}

// cookie carries a token; an empty one takes the cookie away.
func cookie(token string) http.Cookie {
	c := http.Cookie{Name: cookieName, Value: token, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if token == "" {
		c.MaxAge = -1
	}
	return c
}
