package phones

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/access"
	"tollgate/firmware/event"
	"tollgate/firmware/ua"
)

// Conduct takes note of how phones behave. Its methods return at once.
type Conduct interface {
	// Misbehaved tells what a source has done.
	Misbehaved(now time.Time, d access.Deed)
	// AtHome tells that a user has proved who he is.
	AtHome(now time.Time, source netip.Addr, user string)
}

// How long a challenge that passed may be answered, and how many are remembered.
const (
	challengeLife = 5 * time.Minute
	maxChallenges = 4096
)

// challenged remembers to which address the PBX's challenges went: only who gets the packets that are sent there can answer
// with their nonces. The zero value is ready.
type challenged map[[sha256.Size]byte]time.Time

func challengeKey(to netip.Addr, nonce string) [sha256.Size]byte {
	return sha256.Sum256([]byte(to.Unmap().String() + "\x00" + nonce))
}

// sent notes the nonces of a challenge. p.mu is held.
func (p *Phones) sent(to netip.Addr, res *sip.Response, now time.Time) {
	if len(p.challenged) >= maxChallenges {
		for key, at := range p.challenged {
			if now.Sub(at) > challengeLife {
				delete(p.challenged, key)
			}
		}
	}
	if p.challenged == nil || len(p.challenged) >= maxChallenges { // a flood: what was sent before proves nothing any more
		p.challenged = challenged{}
	}
	for _, h := range ua.Challenges(res) {
		if _, rest, found := strings.Cut(h.Value(), `nonce="`); found {
			nonce, _, _ := strings.Cut(rest, `"`)
			p.challenged[challengeKey(to, nonce)] = now
		}
	}
}

// judged notes what the PBX thinks of a phone's registration: whether the phone has proved who it is, and if not, whether
// nobody else can have sent the wrong proof.
func (p *Phones) judged(in *ua.Incoming, f flow, w wish, res *sip.Response) {
	now := time.Now()
	proof, has := proofOf(in)
	p.mu.Lock()
	at, sent := p.challenged[challengeKey(f.source.Addr(), proof.Nonce)]
	proven := f.transport.Stream() || has && sent && now.Sub(at) <= challengeLife
	if res.StatusCode == 401 || res.StatusCode == 407 {
		p.sent(f.source.Addr(), res, now)
	}
	p.mu.Unlock()
	if p.o.Conduct == nil {
		return
	}
	deed := access.Deed{Side: in.Peer.Side, Source: f.source.Addr(), Peer: true, Proven: proven}
	switch status := res.StatusCode; {
	case res.IsSuccess() && has:
		p.o.Conduct.AtHome(now, f.source.Addr(), w.user)
	case has && (status == 401 || status == 407) && !isStale(res), has && status == 403:
		deed.Offence = access.OffenceWrongPassword
		p.o.Conduct.Misbehaved(now, deed)
		fallthrough
	case status == 403, status == 404:
		deed.Offence, deed.User = access.OffenceUnknownUser, w.user
		p.o.Conduct.Misbehaved(now, deed)
	}
}

// isStale tells whether only the nonce was too old (RFC 7616 §3.3).
func isStale(res *sip.Response) bool {
	for _, h := range ua.Challenges(res) {
		if v := strings.ToLower(strings.ReplaceAll(h.Value(), `"`, "")); strings.Contains(v, "stale=true") {
			return true
		}
	}
	return false
}

func proofOf(in *ua.Incoming) (access.Proof, bool) {
	for _, h := range ua.Proofs(in) {
		if proof, ok := access.ReadProof(h.Value()); ok {
			return proof, true
		}
	}
	return access.Proof{}, false
}

// guess looks whether a phone that its PBX has just let in has one of the passwords that are tried first. It keeps and tells
// the kind of password at most. A phone is told of once, until its password is better. p.mu is held.
func (p *Phones) guess(in *ua.Incoming, b *binding) {
	proof, has := proofOf(in)
	if !has {
		return // nothing was asked for, so that nothing is known
	}
	domain, _, _ := strings.Cut(b.Domain, ".")
	before := b.Weak
	b.Weak = proof.Guess(string(in.Method), b.User, domain, b.Domain)
	if b.Weak == "" || b.Weak == before {
		return
	}
	p.o.Sink.Tell(event.WeakPassword{
		At: time.Now(), User: b.User, Source: b.Source.Addr(),
		Reason: fmt.Sprintf("The password of phone %s is %s: give the phone and its PBX a random one.", strconv.Quote(event.Printable(b.User)), b.Weak),
	})
}
