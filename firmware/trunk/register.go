package trunk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

const (
	lifetime        = 300 * time.Second // asked of the registrar
	registerTimeout = 35 * time.Second  // a little over Timer F (RFC 3261 §17.1.2.2)
	leaveTimeout    = 2 * time.Second

	firstWait   = 2 * time.Second
	longestWait = 2 * time.Minute
	// Refused credentials do not mend themselves, and carriers ban who insists.
	firstRefusedWait   = 30 * time.Second
	longestRefusedWait = 10 * time.Minute
)

// errRefused says that the carrier does not accept our credentials.
var errRefused = errors.New("refused")

// registration keeps one account registered.
type registration struct {
	trunk   *Trunk
	index   int
	account policy.Account
	callID  string
	tag     string
	seq     uint32
	asked   time.Duration // lifetime asked for; the registrar may want longer (423)
}

// run registers until ctx ends, then takes the registration back.
func (r *registration) run(ctx context.Context) {
	r.asked = lifetime
	for ctx.Err() == nil {
		conn, granted, err := r.register(ctx, r.asked)
		if ctx.Err() != nil {
			break
		}
		var wait time.Duration
		if err != nil {
			wait = r.failed(err)
		} else {
			wait = r.registered(granted)
		}
		r.sleep(ctx, wait, conn)
	}
	if r.trunk.account(r.index).State == Up {
		leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
		defer cancel()
		if _, _, err := r.register(leave, 0); err != nil {
			r.trunk.o.Log.Info("registration not taken back", "trunk", r.trunk.Policy.Name, "account", r.account.User, "err", err)
		}
	}
}

// sleep waits, but no longer than the connection lives that the carrier calls us on.
func (r *registration) sleep(ctx context.Context, wait time.Duration, conn sip.Connection) {
	var lost <-chan struct{}
	if c, ok := conn.(interface{ Done() <-chan struct{} }); ok {
		lost = c.Done()
	}
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	case <-lost:
		a := r.trunk.account(r.index)
		a.State, a.Reason, a.Expires = Registering, "the carrier closed the connection", time.Time{}
		r.trunk.note(r.index, a)
		// A carrier that closes at once must not make us spin.
		select {
		case <-ctx.Done():
		case <-time.After(jitter(firstWait)):
		}
	}
}

func (r *registration) registered(granted time.Duration) time.Duration {
	r.trunk.note(r.index, AccountState{User: r.account.User, State: Up, Expires: time.Now().Add(granted)})
	// Well before the lapse, so that one lost attempt does no harm (RFC 3261 §10.2.4 leaves the moment to us).
	return max(granted/2, time.Second)
}

func (r *registration) failed(err error) time.Duration {
	a := r.trunk.account(r.index)
	a.Tries++
	first, longest := firstWait, longestWait
	if errors.Is(err, errRefused) {
		first, longest = firstRefusedWait, longestRefusedWait
	}
	wait := jitter(backoff(first, longest, a.Tries))
	a.State, a.Reason, a.NextTry = Down, err.Error(), time.Now().Add(wait)
	if !a.Expires.After(time.Now()) {
		a.Expires = time.Time{}
	}
	r.trunk.note(r.index, a)
	r.trunk.o.Log.Warn("registration failed", "trunk", r.trunk.Policy.Name, "account", r.account.User,
		"err", err, "next", wait.Round(time.Second))
	return wait
}

// register sends one REGISTER (RFC 3261 §10.2) and returns the lifetime granted. Asking for none unregisters.
func (r *registration) register(ctx context.Context, ask time.Duration) (sip.Connection, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, registerTimeout)
	defer cancel()
	path := &keptPath{path: hostPath{r.trunk, r.trunk.Policy.Registrar}}
	req, err := r.request(ask)
	if err != nil {
		return nil, 0, err
	}
	res, err := r.trunk.o.Core.Do(ctx, req, r.trunk.Peer(), path, r.trunk.Credentials(r.account))
	if err != nil {
		return path.conn, 0, explain(err)
	}
	granted, err := r.outcome(res)
	return path.conn, granted, err
}

func (r *registration) request(ask time.Duration) (*sip.Request, error) {
	t := r.trunk
	aor := "sip:" + r.account.User + "@" + t.Policy.Domain
	r.seq += 10 // an answered challenge takes the next numbers
	return ua.Draft{
		Method: sip.REGISTER, URI: "sip:" + t.Policy.Domain, From: aor, To: aor, FromTag: r.tag, CallID: r.callID, Seq: r.seq,
		Contact: t.Local.Contact(r.account.User), Local: t.Local, MaxForwards: ua.MaxForwards,
		Headers: []sip.Header{sip.NewHeader("Expires", strconv.Itoa(int(ask.Seconds())))},
	}.Request()
}

func (r *registration) outcome(res *sip.Response) (time.Duration, error) {
	switch {
	case res.IsSuccess():
		if s, ok := ua.Expires(res, r.account.User); ok {
			return time.Duration(s) * time.Second, nil
		}
		return r.asked, nil
	case res.StatusCode == 423:
		if h := res.GetHeaders("Min-Expires"); len(h) > 0 {
			if s, err := strconv.Atoi(strings.TrimSpace(h[0].Value())); err == nil && s <= 24*3600 {
				r.asked = max(r.asked, time.Duration(s)*time.Second)
			}
		}
		return 0, errors.New("the carrier wants longer registrations (423); asking again")
	case res.StatusCode == 401 || res.StatusCode == 403 || res.StatusCode == 407:
		return 0, fmt.Errorf("the carrier %w the credentials of account %s (%d %s): check user, auth_user and secret",
			errRefused, r.account.User, res.StatusCode, ua.Phrase(res.StatusCode))
	default:
		return 0, fmt.Errorf("the carrier answered %d %s", res.StatusCode, ua.Phrase(res.StatusCode))
	}
}

// explain turns what went wrong on the way into words.
func explain(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sip.ErrTransactionTimeout) {
		return fmt.Errorf("the carrier does not answer: %w", err)
	}
	return fmt.Errorf("the carrier cannot be reached: %w", err)
}

// keptPath remembers the connection that was used.
type keptPath struct {
	path ua.Path
	conn sip.Connection
}

func (p *keptPath) Conn(ctx context.Context) (c sip.Connection, err error) {
	p.conn, err = p.path.Conn(ctx)
	return p.conn, err
}

// backoff doubles first with each try after the first, up to longest.
func backoff(first, longest time.Duration, tries int) time.Duration {
	for ; tries > 1 && first < longest; tries-- {
		first *= 2
	}
	return min(first, longest)
}

// jitter takes off up to a quarter, so that a hundred boxes do not return in the same second.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}
