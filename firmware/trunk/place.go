package trunk

import (
	"net/netip"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/nat"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// Network is what the operator says about the way to the carriers.
type Network struct {
	Outside netip.Prefix // the box's own address outside, with its network; zero: not known
	Learn   bool         // the address that carriers see is found out (network.nat)
	STUN    bool         // STUN servers are asked for it; Set fills it in
}

// place is where a carrier sees the box. The trunk's mutex guards it.
type place struct {
	seen  netip.AddrPort // zero: not learned
	by    string         // what told: REGISTER, OPTIONS or STUN
	since time.Time
	pace  nat.Pace
	// teller is the server whose word counts, on a trunk that does not register.
	teller *Member
	agreed bool        // STUN servers and the carrier have said the same address
	alg    nat.Altered // what is changed in our requests on their way
}

// bySTUN is what told a place when a STUN server did, instead of the method of a request.
const bySTUN = "STUN"

// PlaceState is where a carrier sees the box, for people.
type PlaceState struct {
	Seen    netip.AddrPort // zero: nobody has said
	By      string         // REGISTER, OPTIONS or STUN
	Since   time.Time
	Altered string // a sentence about a router that changes SIP messages; "": none is known
}

// Self is how the box calls itself towards the carrier now: by the address under which the carrier sees it.
func (t *Trunk) Self() ua.Local {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, at := t.Local, t.at()
	if _, err := netip.ParseAddr(l.Host); at.IsValid() && err == nil { // a name of the box's stays
		l.Host, l.Port = at.Addr().String(), int(at.Port())
	}
	return l
}

// Media is the address under which the carrier sees the box's audio; zero: the one that the policy says.
func (t *Trunk) Media() netip.Addr {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at().Addr()
}

// at is where the carrier sees the box, other than the policy says; zero: it does as the policy says. To a carrier on
// the box's own network there is no router, whatever is said about the others. The caller holds the lock.
func (t *Trunk) at() netip.AddrPort {
	switch {
	case t.near():
		return netip.AddrPortFrom(t.network.Outside.Addr(), uint16(t.Local.Port))
	case !t.place.seen.IsValid():
		return netip.AddrPort{}
	case t.Policy.Transport.Stream(): // the port is that of one connection; who calls anew comes to the listener's
		return netip.AddrPortFrom(t.place.seen.Addr(), uint16(t.Local.Port))
	}
	return t.place.seen
}

// near tells whether the carrier is on the box's own network outside. The caller holds the lock.
func (t *Trunk) near() bool {
	for _, p := range t.names {
		for a := range p.members {
			if t.network.Outside.IsValid() && t.network.Outside.Contains(a.Addr()) {
				return true
			}
		}
	}
	return false
}

// lost tells whether nobody has said yet where the carrier sees the box, and it matters.
func (t *Trunk) lost() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.network.Learn && !t.place.seen.IsValid()
}

// observe takes what a response of a server says about how our request arrived; moved tells that the carrier sees the
// box elsewhere than it was told.
func (t *Trunk) observe(m *Member, req *sip.Request, res *sip.Response) (moved bool) {
	echo := nat.Read(req, res)
	if t.Policy.Transport != policy.TLSTransport { // in TLS nobody changes anything
		t.noteAltered(echo.Judge(t.network.Outside.Addr(), m.addr.Addr()), res.IsSuccess() && (t.home == nil || req.Method == sip.REGISTER))
	}
	if !t.network.Learn || !sameTransport(echo.Transport, t.Policy.Transport) || !t.tells(m, req) {
		return false
	}
	seen, ok := echo.Seen(t.network.Outside.Addr(), m.addr.Addr())
	return ok && t.follow(seen, string(req.Method))
}

// sameTransport leaves out what went over TCP because it was too long for UDP: the port there is another.
func sameTransport(spoken string, t policy.Transport) bool {
	return strings.EqualFold(spoken, string(t))
}

// tells decides whose word counts: routers may give each flow a port, or even an address, of its own, and the one that
// matters is that of the registration, or else of the first server that answered, as long as it is well.
func (t *Trunk) tells(m *Member, req *sip.Request) bool {
	if req.Method == sip.REGISTER {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.home != nil {
		return t.home.holder != nil && t.home.holder.addr == m.addr
	}
	if old := t.place.teller; old != nil && old != m && old.pool.members[old.addr] == old && old.well() {
		return false
	}
	t.place.teller = m
	return true
}

// follow takes a new place over, unless it changes too often, and tells the calls; moved tells that the carrier had been
// told another.
func (t *Trunk) follow(seen netip.AddrPort, by string) (moved bool) {
	now := time.Now()
	t.mu.Lock()
	before, said := t.place.seen, t.at()
	if seen == before {
		t.mu.Unlock()
		return false
	}
	guessed := t.place.by == bySTUN && by != bySTUN // the carrier knows better, the port above all
	if before.IsValid() && !guessed && !t.place.pace.Follow(now) {
		t.mu.Unlock()
		t.o.Log.Info("another change of address, not followed yet", "trunk", t.Policy.Name, "address", seen, "by", by)
		return false
	}
	if guessed && seen.Addr() != before.Addr() {
		t.place.agreed = false // this carrier is reached another way
	}
	t.place.seen, t.place.by, t.place.since = seen, by, now
	if !said.IsValid() {
		said = t.configured()
	}
	at := t.at()
	t.mu.Unlock()
	if at == said {
		return false
	}
	t.o.Log.Info("the carrier sees the box elsewhere", "trunk", t.Policy.Name, "address", at, "before", said, "by", by)
	t.o.Sink.Tell(event.AddressChanged{At: now, Trunk: t.Policy.Name, Address: at, Before: said, By: by})
	if t.o.Moved != nil {
		t.o.Moved(t.Policy.Name)
	}
	return true
}

// configured is the place that the policy says; zero when it is a name.
func (t *Trunk) configured() netip.AddrPort {
	a, err := netip.ParseAddr(t.Local.Host)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a, uint16(t.Local.Port))
}

// noteAltered remembers what has been changed on the way, and tells when that is news. Only the answer to a whole request,
// with a Contact that counts, can say that nothing is changed any more.
func (t *Trunk) noteAltered(a nat.Altered, whole bool) {
	t.mu.Lock()
	before := t.place.alg
	news := a.Found() && !before.Found() || a.Sure && !before.Sure
	if a.Found() || whole {
		t.place.alg = a
	}
	t.mu.Unlock()
	if news {
		t.o.Log.Warn("messages are changed on their way", "trunk", t.Policy.Name, "what", a.String())
		t.o.Sink.Tell(event.MessagesAltered{At: time.Now(), Trunk: t.Policy.Name, Sure: a.Sure, Reason: a.String()})
	}
}

// placeState is for people. The caller holds the lock.
func (t *Trunk) placeState() PlaceState {
	p := t.place
	return PlaceState{Seen: p.seen, By: p.by, Since: p.since, Altered: p.alg.String()}
}
