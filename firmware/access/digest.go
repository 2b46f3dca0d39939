package access

import (
	"crypto/md5" // RFC 7616 still has it, and most systems know nothing else
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"tollgate/firmware/field"
	"tollgate/firmware/policy"
)

// realm is the one that the secrets are hashed over.
const realm = policy.DigestRealm

// maxAuthorizations is how many Authorization headers are looked at for ours.
const maxAuthorizations = 8

// The algorithms spoken.
const (
	algSHA256 = policy.DigestSHA256
	algMD5    = policy.DigestMD5
)

// account is who the PBX must prove to be. H(user:realm:secret) is as good as the secret; behind a function no printing
// verb reaches it, as it would a value in a field that is not exported.
type account struct {
	user    string
	ha1     []func(algorithm string) string // that of the policy first, then those that count besides it
	offered []string                        // algorithms, in the order of the policy
}

// newAccount returns the account of a PBX that authenticates by digest, else nil.
func newAccount(pbx policy.PBX, besides []policy.Secret) *account {
	if pbx.Authentication != policy.AuthDigest {
		return nil
	}
	a := &account{user: pbx.User, offered: pbx.DigestAlgorithms}
	for _, s := range append([]policy.Secret{pbx.Secret}, besides...) {
		strong, old, _ := policy.HashSecret(pbx.User, s).Hashes()
		a.ha1 = append(a.ha1, func(algorithm string) string {
			if algorithm == algMD5 {
				return old
			}
			return strong
		})
	}
	if len(a.offered) == 0 {
		a.offered = policy.DigestAlgorithms()
	}
	return a
}

// digest checks the credentials of a request from the PBX.
func (g *Gate) digest(now time.Time, s Source, req *sip.Request, peer policy.Peer, a account) Verdict {
	c, found, err := ours(req)
	switch {
	case err != nil:
		return g.wrong(now, s, peer, a, c, "the PBX's credentials cannot be read: "+err.Error())
	case !found:
		return g.challenge(now, s, peer, a, RuleNoCredentials, "the PBX has not sent credentials yet")
	case !sameURI(req, c.uri):
		return g.wrong(now, s, peer, a, c, "the PBX's credentials are for another request")
	}
	which := a.proves(c, string(req.Method))
	switch {
	case which < 0:
		return g.wrong(now, s, peer, a, c, "the PBX's user or secret is wrong")
	case !g.nonces.use(now, s, c, req):
		return g.challenge(now, s, peer, a, RuleStaleNonce, "the PBX's nonce is old or was used before")
	case g.proved != nil:
		g.proved(now, s, which)
	}
	return Verdict{Action: Accept, Peer: peer}
}

// ours finds the credentials for our realm. Those for other realms are somebody else's (RFC 3261 §22.3).
func ours(req *sip.Request) (c credentials, found bool, err error) {
	for i, h := range field.All(req, "authorization") {
		if i == maxAuthorizations {
			break
		}
		c, err := parseCredentials(h.Value())
		if errors.Is(err, errNotDigest) || err == nil && c.realm != realm {
			continue
		}
		return c, err == nil, err
	}
	return credentials{}, false, nil
}

// proves tells with which of the account's secrets the credentials were made, -1 for none. It does the same work for every
// user, so that neither the answer nor its time tells whether the user exists.
func (a account) proves(c credentials, method string) int {
	alg, ok := algorithm(c.algorithm)
	got, request := []byte(strings.ToLower(c.response)), hash(alg, method, c.uri)
	user := subtle.ConstantTimeCompare([]byte(hash(algSHA256, c.user)), []byte(hash(algSHA256, a.user)))
	which := -1
	for i, ha1 := range a.ha1 {
		want := hash(alg, ha1(alg), c.nonce, c.nc, c.cnonce, c.qop, request)
		if user&subtle.ConstantTimeCompare(got, []byte(want)) == 1 {
			which = i
		}
	}
	if !ok || !slices.Contains(a.offered, alg) {
		return -1
	}
	return which
}

// algorithm reads the parameter; without it MD5 is meant (RFC 7616 §3.3). False for those not offered.
func algorithm(s string) (string, bool) {
	switch {
	case strings.EqualFold(s, algSHA256):
		return algSHA256, true
	case s == "" || strings.EqualFold(s, algMD5):
		return algMD5, true
	}
	return algSHA256, false
}

// hash is H(parts joined by colons) in hexadecimal digits (RFC 7616 §3.4.1).
func hash(alg string, parts ...string) string {
	text := []byte(strings.Join(parts, ":"))
	if alg == algMD5 {
		sum := md5.Sum(text)
		return hex.EncodeToString(sum[:])
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// sameURI tells whether credentials were made for the request's own URI (RFC 7616 §3.4.6). Port and parameters may differ:
// they are left out and reordered by some, while the user is what a stolen response could be turned against.
func sameURI(req *sip.Request, uri string) bool {
	if uri == req.Recipient.String() {
		return true
	}
	var u sip.Uri
	if err := sip.ParseUri(uri, &u); err != nil {
		return false
	}
	r := req.Recipient
	return u.Scheme == r.Scheme && u.User == r.User && strings.EqualFold(u.Host, r.Host) && u.Raw() == r.Raw()
}

// wrong asks once more for credentials and says who was tried, and whether from where the challenge had been sent.
func (g *Gate) wrong(now time.Time, s Source, peer policy.Peer, a account, c credentials, reason string) Verdict {
	v := g.challenge(now, s, peer, a, RuleWrongDigest, reason)
	v.User, v.Proven = c.user, s.Transport.Stream() || g.nonces.sentTo(now, s, c.nonce)
	return v
}

// challenge asks for credentials. stale=true tells the PBX that its secret was right and only the nonce was not
// (RFC 7616 §3.3).
func (g *Gate) challenge(now time.Time, s Source, peer policy.Peer, a account, rule, reason string) Verdict {
	nonce, err := g.nonces.issue(now, s)
	if err != nil {
		return Verdict{Action: Refuse, Peer: peer, Status: sip.StatusInternalServerError, Rule: RuleChallengeFailed, Reason: err.Error()}
	}
	v := Verdict{Action: Challenge, Peer: peer, Status: sip.StatusUnauthorized, Rule: rule, Reason: reason}
	for _, alg := range a.offered {
		c := digest.Challenge{Realm: realm, Nonce: nonce, Algorithm: alg, QOP: []string{"auth"}, Stale: rule == RuleStaleNonce}
		v.Challenge = append(v.Challenge, c.String())
	}
	return v
}
