// Package pull fetches a bundle from an HTTPS address, again and again, and has it taken.
//
//	due, and within the hours? -> GET with If-None-Match -> whole, not too large -> taken as from anywhere else
//	a system came              -> the machine restarts within the hours, when nobody speaks
//
// What was fetched in part is fetched on from there (RFC 9110, sections 13.1.5 and 14). A server that fails is asked again later and
// later; no two boxes ask at the same moment.
//
// It leaves to others what a bundle is and who may sign one (delivery), and how names are resolved and roots are found.
package pull

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Config says where bundles come from. The zero value fetches nothing.
type Config struct {
	From   string // an https address
	Every  time.Duration
	Within func(time.Time) bool // the hours in which to fetch and to restart
}

// Memory keeps what was fetched last over a restart.
type Memory interface {
	Load() (Mark, error)
	Save(Mark) error
}

// Mark is what was fetched last.
type Mark struct {
	From   string `json:"from"`
	ETag   string `json:"etag"`
	SHA256 string `json:"sha256"` // of the bundle
	Part   string `json:"part"`   // ETag of what is there in part
}

// Options are what a puller works with.
type Options struct {
	Client *http.Client
	Memory Memory
	Folder string // on the data partition, where a bundle lies until it is whole
	// Take takes the bundle in a file; system tells that the next start tries one. The error is ErrLater when another moment may be a
	// better one.
	Take func(ctx context.Context, path string) (system bool, err error)
	// Idle tells that nobody speaks.
	Idle func() bool
	// Restart restarts the machine.
	Restart func()
	// Random returns a number below n.
	Random func(n int64) int64
	Log    *slog.Logger
}

// ErrLater is what Take answers when the bundle is to be fetched again soon.
var ErrLater = errors.New("not at this moment")

// Times.
const (
	firstDelay   = time.Minute // after a start, and after the first failure
	lookInterval = time.Minute // for hours that begin and calls that end
	refusedTime  = 24 * time.Hour
)

// State says what became of the latest look at the address.
type State struct {
	From    string
	At      time.Time // zero: there was none yet
	Outcome Outcome
	Reason  string // a sentence, of what was refused or failed
}

// Outcome is what a look has come to.
type Outcome string

// The outcomes.
const (
	Unchanged Outcome = "unchanged"
	Taken     Outcome = "taken"
	Refused   Outcome = "refused"
	Failed    Outcome = "failed"
)

// Puller fetches bundles. It is safe for concurrent use.
type Puller struct {
	o     Options
	poked chan struct{} // has room for one: the configuration is a new one

	mu    sync.Mutex // guards everything below
	c     Config
	state State

	// Only Run uses what follows.
	due     time.Time
	failed  int // times in a row
	restart bool
	refused refusal
}

// refusal is a bundle that is not fetched again for a day.
type refusal struct {
	etag  string
	until time.Time
}

// New makes a puller that fetches nothing.
func New(o Options) *Puller { return &Puller{o: o, poked: make(chan struct{}, 1)} }

// Set has another configuration count. Setting the same again changes nothing.
func (p *Puller) Set(c Config) {
	p.mu.Lock()
	defer p.mu.Unlock()
	moved := c.From != p.c.From || c.Every != p.c.Every
	p.c = c
	if !moved {
		return
	}
	p.state = State{From: c.From}
	select {
	case p.poked <- struct{}{}:
	default:
	}
}

// State returns what became of the latest look.
func (p *Puller) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

func (p *Puller) config() Config {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.c
}

// Run fetches until ctx ends.
func (p *Puller) Run(ctx context.Context) {
	for {
		p.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-p.poked:
			p.failed, p.refused = 0, refusal{}
			p.due = time.Now().Add(firstDelay + p.upTo(5*firstDelay))
		case <-time.After(lookInterval):
		}
	}
}

// look does what is due.
func (p *Puller) look(ctx context.Context) {
	c := p.config()
	now := time.Now()
	if c.From == "" || p.due.IsZero() || !c.Within(now) {
		return
	}
	if p.restart && p.o.Idle() {
		p.restart = false
		p.o.Restart()
		return
	}
	if now.Before(p.due) {
		return
	}
	s := p.fetch(ctx, c)
	s.From, s.At = c.From, now
	p.settle(c, s)
}

// settle notes how a look came out and when the next one is due.
func (p *Puller) settle(c Config, s State) {
	wait := c.Every
	if s.Outcome == Failed {
		wait = min(c.Every, firstDelay<<min(p.failed, 20))
		p.failed++
		p.o.Log.Warn("no bundle from the address of the policy", "from", c.From, "why", s.Reason, "again in", wait)
	} else {
		p.failed = 0
	}
	p.due = time.Now().Add(wait + p.upTo(wait/10))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.c.From == c.From {
		p.state = s
	}
}

// upTo is a random time: boxes that were switched on together do not ask together.
func (p *Puller) upTo(d time.Duration) time.Duration {
	return time.Duration(p.o.Random(int64(max(d, 1))))
}
