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

	"tollgate/firmware/field"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

const (
	lifetime        = 300 * time.Second // asked of the registrar
	registerTimeout = 35 * time.Second  // a little over Timer F (RFC 3261 §17.1.2.2)
	hurriedRegister = 6 * time.Second   // when another server is left
	leaveTimeout    = 2 * time.Second

	firstWait   = 2 * time.Second
	longestWait = 2 * time.Minute
	// Refused credentials do not mend themselves, and carriers ban who insists.
	firstRefusedWait   = 30 * time.Second
	longestRefusedWait = 10 * time.Minute
)

// errRefused says that the carrier does not accept our credentials.
var errRefused = errors.New("refused")

// serverFailure is a failure of one server; another one may do better.
type serverFailure struct{ error }

func (f serverFailure) Unwrap() error { return f.error }

// registration keeps one account registered.
type registration struct {
	trunk   *Trunk
	index   int
	account policy.Account
	callID  string
	tag     string
	seq     uint32
	asked   time.Duration     // lifetime asked for; the registrar may want longer (423)
	noBulk  bool              // the carrier does not know RFC 6140
	local   ua.Local          // what the last REGISTER said of the box
	held    map[string]string // the Contact that the registrar has, by user
	begun   time.Time         // the last attempt
}

func newRegistration(t *Trunk, index int, a policy.Account) *registration {
	return &registration{trunk: t, index: index, account: a, callID: ua.NewCallID(), tag: ua.NewTag(), held: map[string]string{}}
}

// registerAnew has all accounts registered without waiting for the lapse: where they are registered, nobody answers.
func (t *Trunk) registerAnew() {
	for _, c := range t.anew {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// run registers until ctx ends, then takes the registration back.
func (r *registration) run(ctx context.Context) {
	r.asked = lifetime
	for ctx.Err() == nil {
		r.begun = time.Now()
		conn, granted, err := r.register(ctx, r.asked)
		if ctx.Err() != nil {
			break
		}
		var wait time.Duration
		if err != nil {
			wait = r.failed(err)
		} else {
			wait = r.registered(granted)
			if r.outdated() {
				wait = firstWait
			}
		}
		select { // what was signalled meanwhile is done
		case <-r.trunk.anew[r.index]:
		default:
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
		return
	case <-time.After(wait):
		return
	case <-r.trunk.anew[r.index]:
	case <-lost:
		a := r.trunk.account(r.index)
		a.State, a.Reason, a.Expires = Registering, "the carrier closed the connection", time.Time{}
		r.trunk.note(r.index, a)
	}
	// A carrier that closes at once, or calls that fail at once, must not make us spin.
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(r.begun.Add(jitter(firstWait)))):
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
	a.Refused = errors.Is(err, errRefused)
	a.State, a.Reason, a.NextTry = Down, err.Error(), time.Now().Add(wait)
	if !a.Expires.After(time.Now()) {
		a.Expires = time.Time{}
	}
	r.trunk.note(r.index, a)
	r.trunk.o.Log.Warn("registration failed", "trunk", r.trunk.Policy.Name, "account", r.account.User,
		"err", err, "cause", errors.Unwrap(err), "next", wait.Round(time.Second))
	return wait
}

// register asks one server after the other until one takes the registration or refuses it (RFC 3263 §4.3), and returns
// the lifetime granted. Asking for none unregisters.
func (r *registration) register(ctx context.Context, ask time.Duration) (sip.Connection, time.Duration, error) {
	servers := r.trunk.home
	members, err := pools{servers}.ready(ctx)
	if err != nil {
		return nil, 0, explain(err)
	}
	for i, m := range members {
		timeout := registerTimeout
		if i+1 < len(members) {
			timeout = hurriedRegister
		}
		var conn sip.Connection
		var granted time.Duration
		conn, granted, err = r.registerAt(ctx, m, ask, timeout)
		if err == nil {
			servers.hold(m)
			return conn, granted, nil
		}
		if _, elsewhere := errors.AsType[serverFailure](err); !elsewhere || ctx.Err() != nil {
			return conn, 0, err
		}
		m.Avoid(err.Error(), avoidFailed)
	}
	return nil, 0, err
}

// registerAt registers with one server everything that the account stands for.
func (r *registration) registerAt(ctx context.Context, m *Member, ask, timeout time.Duration) (conn sip.Connection, granted time.Duration, err error) {
	for again := true; again; {
		again = false
		granted = 0
		for _, b := range r.bindings() {
			var lifetime time.Duration
			conn, lifetime, err = r.bind(ctx, m, b, ask, timeout)
			if errors.Is(err, errNoBulk) && !r.noBulk {
				r.noBulk, again = true, true
				r.trunk.o.Log.Info("the carrier does not know bulk registration; each number registers", "trunk", r.trunk.Policy.Name, "account", r.account.User)
				break
			}
			if err != nil && r.noBulk {
				err = fmt.Errorf("number %s: %w", b.user, err)
			}
			if err != nil {
				return conn, 0, err
			}
			if granted == 0 || lifetime < granted {
				granted = lifetime
			}
		}
	}
	return conn, granted, err
}

// bind sends one REGISTER (RFC 3261 §10.2).
func (r *registration) bind(ctx context.Context, m *Member, b binding, ask, timeout time.Duration) (sip.Connection, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	path := &keptPath{Member: m}
	res, err := r.ask(ctx, b, ask, path)
	if errors.Is(err, ua.ErrConnectionLost) {
		err = errHungUp
	}
	if err != nil {
		return path.conn, 0, serverFailure{explain(err)}
	}
	granted, err := r.outcome(res, b)
	return path.conn, granted, err
}

// ask sends a REGISTER, and once more when the answer says that the carrier sees the box elsewhere than the Contact says.
// While nobody has said where that is, the challenge does: no Contact is registered that leads nowhere.
func (r *registration) ask(ctx context.Context, b binding, ask time.Duration, path *keptPath) (*sip.Response, error) {
	t := r.trunk
	credentials := t.Credentials(r.account)
	if ask > 0 && t.lost() {
		credentials = nil
	}
	for again := ask > 0; ; again = false {
		req, err := r.request(b, ask)
		if err != nil {
			return nil, err
		}
		res, err := t.o.Core.Do(ctx, req, t.Peer(), path, credentials)
		if err != nil {
			return nil, err
		}
		r.hold(b, req, res, ask)
		if t.observe(path.Member, req, res) {
			t.registerAnew() // the other accounts
		}
		all := t.Credentials(r.account)
		challenged := credentials == nil && all != nil && (res.StatusCode == 401 || res.StatusCode == 407)
		if !again || !challenged && !r.outdated() {
			return res, nil
		}
		credentials = all
	}
}

// outdated tells whether what was registered last leads to where the box was before.
func (r *registration) outdated() bool { return r.local != r.trunk.Self() }

// hold remembers the Contact that the registrar has now.
func (r *registration) hold(b binding, req *sip.Request, res *sip.Response, ask time.Duration) {
	switch h := req.Contact(); {
	case !res.IsSuccess() || h == nil:
	case ask == 0:
		delete(r.held, b.user)
	default:
		r.held[b.user] = h.Address.String()
	}
}

func (r *registration) outcome(res *sip.Response, b binding) (time.Duration, error) {
	switch {
	case res.IsSuccess():
		if s, ok := ua.Expires(res, b.contact); ok {
			return time.Duration(s) * time.Second, nil
		}
		return r.asked, nil
	case res.StatusCode == 423:
		if h := field.All(res, "Min-Expires"); len(h) > 0 {
			if s, err := strconv.Atoi(strings.TrimSpace(h[0].Value())); err == nil && s <= 24*3600 {
				r.asked = max(r.asked, time.Duration(s)*time.Second)
			}
		}
		return 0, errors.New("the carrier wants longer registrations (423); asking again")
	case res.StatusCode == 401 || res.StatusCode == 403 || res.StatusCode == 407:
		return 0, fmt.Errorf("the carrier %w the credentials of account %s (%d %s): check user, auth_user and secret",
			errRefused, r.account.User, res.StatusCode, ua.Phrase(res.StatusCode))
	case res.StatusCode == 420 && b.bulk:
		return 0, errNoBulk
	case res.StatusCode == 503 || res.StatusCode == 504 || res.StatusCode == 408:
		return 0, serverFailure{fmt.Errorf("the carrier answered %d %s", res.StatusCode, ua.Phrase(res.StatusCode))}
	default:
		return 0, fmt.Errorf("the carrier answered %d %s", res.StatusCode, ua.Phrase(res.StatusCode))
	}
}

// unreachable says in words that the carrier was not reached; what happened is within.
type unreachable struct{ error }

// Error is for the administrator.
func (u *unreachable) Error() string { return "the carrier cannot be reached: " + ua.Explain(u.error) }

// Unwrap returns what happened.
func (u *unreachable) Unwrap() error { return u.error }

// explain turns what went wrong on the way into words.
func explain(err error) error {
	return &unreachable{err}
}

// errHungUp says that a server ended the connection instead of answering. With TLS 1.3 that is how it says, after the
// handshake, that it does not take the box's certificate.
var errHungUp = errors.New("it closed the connection instead of answering; if it knows the box by a certificate, look at tls.certificate")

// keptPath remembers the connection that was used.
type keptPath struct {
	*Member
	conn sip.Connection
}

func (p *keptPath) Conn(ctx context.Context) (sip.Connection, error) { return p.ConnFor(ctx, 0) }

// ConnFor is Conn for a request of size bytes.
func (p *keptPath) ConnFor(ctx context.Context, size int) (c sip.Connection, err error) {
	p.conn, err = p.Member.ConnFor(ctx, size)
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
