package trunk

import (
	"time"

	"tollgate/firmware/event"
)

// Standing is how a registration stands.
type Standing string

// The standings. A trunk without a registrar is always Static.
const (
	Registering Standing = "registering"
	Up          Standing = "up"
	Down        Standing = "down"
	Static      Standing = "static"
)

// AccountState is one account's registration.
type AccountState struct {
	User    string
	State   Standing
	Reason  string    // why it is not up, in words
	Expires time.Time // when the registration in force lapses; zero when there is none
	Tries   int       // failures since the last success
	NextTry time.Time // zero while a try is under way
}

// State is how one trunk stands: Up when each of its accounts is.
type State struct {
	Name     string
	State    Standing
	Reason   string
	Since    time.Time
	Expires  time.Time // the first lapse among the accounts
	TLS      string    // protocol version of the connection, "" without TLS
	Accounts []AccountState
}

// State tells how the trunk stands.
func (t *Trunk) State() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state()
}

func (t *Trunk) state() State {
	s := State{Name: t.Policy.Name, State: Up, Since: t.since, TLS: t.tlsUsed}
	if t.Policy.Registrar == "" {
		s.State = Static
		return s
	}
	s.Accounts = append(s.Accounts, t.accounts...)
	for _, a := range t.accounts {
		if worse(a.State, s.State) {
			s.State, s.Reason = a.State, a.Reason
		}
		if !a.Expires.IsZero() && (s.Expires.IsZero() || a.Expires.Before(s.Expires)) {
			s.Expires = a.Expires
		}
	}
	return s
}

func worse(a, b Standing) bool {
	rank := map[Standing]int{Up: 0, Registering: 1, Down: 2}
	return rank[a] > rank[b]
}

// note records an account's new state and tells when the trunk has come up or gone down.
func (t *Trunk) note(i int, a AccountState) {
	t.mu.Lock()
	t.accounts[i] = a
	s := t.state()
	up := s.State == Up
	changed := up != t.up || (t.since.IsZero() && s.State == Down)
	if changed {
		t.up, t.since = up, time.Now()
	}
	t.mu.Unlock()
	if changed {
		t.o.Sink.Tell(event.TrunkChanged{At: time.Now(), Trunk: s.Name, Up: up, Reason: s.Reason})
	}
}

func (t *Trunk) account(i int) AccountState {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.accounts[i]
}
