package trunk

import (
	"net/netip"
	"time"

	"tollgate/firmware/event"
)

// Standing is how a registration or a trunk stands.
type Standing string

// The standings. A trunk without a registrar is Static as long as nothing is known of its health.
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
	Refused bool      // the carrier does not accept the credentials
	NextTry time.Time // zero while a try is under way
}

// MemberState is one of the servers that take the trunk's calls.
type MemberState struct {
	Host       string // host[:port] of the policy that led to it
	Addr       netip.AddrPort
	Down       bool          // does not answer OPTIONS
	Avoided    time.Time     // tried last until then; zero: it is not
	Reason     string        // why it is down or avoided
	RoundTrip  time.Duration // of the last OPTIONS answered; 0: none yet
	Registered bool          // has our registration
}

// State is how one trunk stands: Up when each of its accounts is and one of its servers answers.
type State struct {
	Name      string
	State     Standing
	Reason    string
	Since     time.Time
	Expires   time.Time     // the first lapse among the accounts
	TLS       string        // protocol version of the connection, "" without TLS
	RoundTrip time.Duration // of OPTIONS to the server tried first; 0: not known
	Accounts  []AccountState
	Place     PlaceState
	Members   []MemberState // in the order in which they are tried, but for what is drawn among equals
}

// State tells how the trunk stands.
func (t *Trunk) State() State {
	order := t.calls.order(func(uint64) uint64 { return 0 }) // the same each time: nothing is drawn for people
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.state()
	s.Place = t.placeState()
	for i, m := range order {
		s.Members = append(s.Members, m.state())
		if i == 0 {
			s.RoundTrip = m.health.roundTrip
		}
	}
	return s
}

func (m *Member) state() MemberState {
	s := MemberState{Host: m.pool.host, Addr: m.addr, Down: m.health.down, Reason: m.health.reason, RoundTrip: m.health.roundTrip, Registered: m == m.pool.holder}
	if time.Now().Before(m.avoided) {
		s.Avoided = m.avoided
		if s.Reason == "" {
			s.Reason = m.why
		}
	}
	return s
}

// Down tells whether calls had better go elsewhere: no registration, or no server that is well.
func (t *Trunk) Down() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state().State == Down {
		return true
	}
	members := t.calls.members()
	for _, m := range members {
		if m.well() {
			return false
		}
	}
	return len(members) > 0
}

func (t *Trunk) state() State {
	s := State{Name: t.Policy.Name, State: Up, Since: t.since, TLS: t.tlsUsed}
	health, reason := t.standing()
	if t.Policy.Registrar == "" {
		s.State, s.Reason = health, reason
		return s
	}
	if health == Down {
		s.State, s.Reason = health, reason
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

// standing sums up the health of the servers: Up when one answers, Down when none does, Static when nobody knows.
func (t *Trunk) standing() (Standing, string) {
	if !t.watched() {
		return Static, ""
	}
	down, reason, members := 0, "", t.calls.members()
	for _, m := range members {
		switch {
		case m.health.down:
			down++
			reason = m.health.reason
		case m.health.heard:
			return Up, ""
		}
	}
	switch {
	case down > 0 && down == len(members):
		return Down, reason
	case len(members) == 0 && t.calls[0].failure != nil:
		return Down, t.calls[0].failure.Error()
	}
	return Static, ""
}

func worse(a, b Standing) bool {
	rank := map[Standing]int{Up: 0, Registering: 1, Down: 2}
	return rank[a] > rank[b]
}

// note records an account's new state.
func (t *Trunk) note(i int, a AccountState) {
	t.mu.Lock()
	t.accounts[i] = a
	t.mu.Unlock()
	t.review()
}

// review tells when the trunk has come up or gone down.
func (t *Trunk) review() {
	t.reviewing.Lock() // or a later fact could be told before an earlier one
	defer t.reviewing.Unlock()
	t.mu.Lock()
	s := t.state()
	up := s.State == Up
	changed := (up != t.up && s.State != Static) || (t.since.IsZero() && s.State == Down)
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
