package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

const (
	// nonceLife is how long a nonce may be used.
	nonceLife = 5 * time.Minute
	// maxNonces is how many used nonces are remembered; a PBX that takes a new one for each call needs one a call.
	maxNonces = 4096
	// maxUses is how many uses of one nonce are remembered, so that retransmissions of them are recognised.
	maxUses = 16
	// retransmission is how long a client may send the same INVITE again: 64*T1, timer B of RFC 3261 §17.1.1.2.
	retransmission = 32 * time.Second
)

// nonce is 8 bytes of time, 8 of chance and 16 of seal:
//
//	| issued, ns since 1970 | random | HMAC-SHA-256(key, issued | random | source address) cut to 16 |
//
// Only who has the key can make one, so nothing need be kept until one is used with the right secret.
type nonce [32]byte

// nonces makes nonces and remembers those in use. The zero value with random is ready.
type nonces struct {
	random io.Reader

	mu   sync.Mutex // guards everything below, and reading random
	key  []byte     // made when needed; with a new one every nonce issued so far is stale
	used map[nonce]*usage
}

// usage is what is remembered of one nonce.
type usage struct {
	issued  time.Time
	highest uint32
	last    []use // oldest first
}

// use is one request that was accepted.
type use struct {
	request [sha256.Size]byte
	at      time.Time
}

// issue makes a nonce for a source.
func (n *nonces) issue(now time.Time, s Source) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.ready(); err != nil {
		return "", err
	}
	var out nonce
	binary.BigEndian.PutUint64(out[:8], uint64(now.UnixNano()))
	if _, err := io.ReadFull(n.random, out[8:16]); err != nil {
		return "", fmt.Errorf("making a nonce: %w", err)
	}
	copy(out[16:], n.seal(out, s))
	return base64.RawURLEncoding.EncodeToString(out[:]), nil
}

// ready makes the key; n.mu is held.
func (n *nonces) ready() error {
	if n.key != nil {
		return nil
	}
	key := make([]byte, sha256.Size)
	if _, err := io.ReadFull(n.random, key); err != nil {
		return fmt.Errorf("making the key of nonces: %w", err)
	}
	n.key, n.used = key, map[nonce]*usage{}
	return nil
}

// seal binds a nonce's first half to the key and to the address it was issued to. The port is left out: a PBX may send
// its second try from another one.
func (n *nonces) seal(x nonce, s Source) []byte {
	mac := hmac.New(sha256.New, n.key)
	mac.Write(x[:16])
	mac.Write([]byte(plain(s.Addr.Addr()).String()))
	return mac.Sum(nil)[:16]
}

// use takes the nonce of right credentials into use and tells whether it is good: ours, young, and counted up - or the
// same request once more.
func (n *nonces) use(now time.Time, s Source, c credentials, req *sip.Request) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	x, issued, ok := n.open(c.nonce, s)
	if !ok || now.Before(issued) || now.Sub(issued) > nonceLife {
		return false
	}
	request := fingerprint(req, c)
	u := n.used[x]
	if u == nil {
		u = n.remember(x, now, issued)
	} else if c.count <= u.highest {
		return s.Transport == policy.UDP && u.again(now, request)
	}
	u.highest = c.count
	if len(u.last) == maxUses {
		u.last = slices.Delete(u.last, 0, 1)
	}
	u.last = append(u.last, use{request: request, at: now})
	return true
}

// sentTo tells whether a nonce was issued to this address lately: only who gets the packets that are sent there knows it.
func (n *nonces) sentTo(now time.Time, s Source, text string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, issued, ok := n.open(text, s)
	return ok && !now.Before(issued) && now.Sub(issued) <= nonceLife
}

// open takes a nonce apart; n.mu is held. False when it is not ours, or was issued to another address.
func (n *nonces) open(text string, s Source) (nonce, time.Time, bool) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != len(nonce{}) || n.key == nil {
		return nonce{}, time.Time{}, false
	}
	x := nonce(b)
	if !hmac.Equal(x[16:], n.seal(x, s)) {
		return nonce{}, time.Time{}, false
	}
	return x, time.Unix(0, int64(binary.BigEndian.Uint64(x[:8]))), true
}

// remember makes room for a nonce; n.mu is held. When all those remembered are young they are forgotten together, and the
// key with them: forgetting some alone would let those be replayed.
func (n *nonces) remember(x nonce, now, issued time.Time) *usage {
	if len(n.used) >= maxNonces {
		for old, u := range n.used {
			if now.Sub(u.issued) > nonceLife {
				delete(n.used, old)
			}
		}
	}
	u := &usage{issued: issued}
	if len(n.used) >= maxNonces {
		n.key, n.used = nil, nil
		return u // its nonce is stale from now on
	}
	n.used[x] = u
	return u
}

// again tells whether a request is the retransmission of an accepted one. Treating it as a replay would challenge a call
// that is being set up.
func (u *usage) again(now time.Time, request [sha256.Size]byte) bool {
	return slices.ContainsFunc(u.last, func(old use) bool {
		return old.request == request && now.Sub(old.at) < retransmission
	})
}

// fingerprint is the same for a request and its retransmissions alone.
func fingerprint(req *sip.Request, c credentials) [sha256.Size]byte {
	parts := []string{string(req.Method), req.Recipient.String(), c.nc, c.cnonce, c.response, string(req.Body())}
	if via := req.Via(); via != nil {
		branch, _ := via.Params.Get("branch")
		parts = append(parts, via.SentBy(), branch)
	}
	if id := req.CallID(); id != nil {
		parts = append(parts, id.Value())
	}
	if seq := req.CSeq(); seq != nil {
		parts = append(parts, strconv.FormatUint(uint64(seq.SeqNo), 10))
	}
	return sha256.Sum256([]byte(strings.Join(parts, "\x00")))
}
