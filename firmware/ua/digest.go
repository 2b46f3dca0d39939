package ua

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"tollgate/firmware/field"
	"tollgate/firmware/policy"
)

// Credentials answer a peer's challenge (RFC 3261 §22, RFC 8760). They belong to one peer and are used for no other.
type Credentials struct {
	User   string
	Secret policy.Secret
}

// authorize sends the request again with credentials when res asks for them and they have not been rejected already. It
// tells whether it did; the response then is not the outcome.
func (o *Outgoing) authorize(res *sip.Response) bool {
	next, err := o.answer(res)
	if next == nil && err == nil {
		return false
	}
	if err == nil {
		o.reroute(next)
		err = o.start()
	}
	if err != nil {
		o.core.log.Warn("challenge not answered", "peer", o.peer.Name, "err", err)
		o.mu.Lock()
		o.settled = false // start has settled it; the challenge is the outcome
		o.mu.Unlock()
		return false
	}
	return true
}

// answer makes the request that answers the challenges in res and puts it in place; nil when there is none to give.
func (o *Outgoing) answer(res *sip.Response) (*sip.Request, error) {
	if (res.StatusCode != 401 && res.StatusCode != 407) || o.credentials == nil {
		return nil, nil
	}
	asked := challengesOf(res)
	o.mu.Lock()
	defer o.mu.Unlock()
	answered, ok := renewed(o.answered, asked)
	if len(asked) == 0 || o.cancelled || !ok {
		return nil, nil
	}
	next, err := authorized(o.req, answered, o.credentials)
	if err != nil {
		return nil, err
	}
	o.answered, o.req, o.rang = answered, next, false
	if o.Dialog != nil {
		o.Dialog.LocalSeq = next.CSeq().SeqNo
	}
	return next, nil
}

// challenge is one realm that wants credentials: a registrar's or server's (401), or a proxy's (407).
type challenge struct {
	header string // of the answer
	*digest.Challenge
	uses  int // of its nonce
	tries int // nonces answered
}

func (c challenge) sameAsker(other challenge) bool {
	return c.header == other.header && c.Realm == other.Realm
}

// mostNonces is how many stale nonces in a row are answered.
const mostNonces = 3

// renewed joins the challenges answered so far and those asked now. Several proxies on the way may each want an answer, at
// once or one after the other (RFC 3261 §22.3). It is false when one of them has had its answer and did not like it: only
// a nonce that was stale is worth another.
func renewed(before, asked []challenge) ([]challenge, bool) {
	all := slices.Clone(before)
	for _, c := range asked {
		i := slices.IndexFunc(all, c.sameAsker)
		switch {
		case i < 0:
			c.tries = 1
			all = append(all, c)
		case !c.Stale || all[i].tries >= mostNonces:
			return nil, false
		default:
			c.tries = all[i].tries + 1
			all[i] = c
		}
	}
	return all, true
}

// challengesOf reads the challenges of a response, for each realm the strongest that can be answered: SHA-256 before MD5
// (RFC 8760 §2.4).
func challengesOf(res *sip.Response) []challenge {
	var found []challenge
	for _, kind := range [][2]string{{"WWW-Authenticate", "Authorization"}, {"Proxy-Authenticate", "Proxy-Authorization"}} {
		for _, h := range field.All(res, kind[0]) {
			read, err := digest.ParseChallenge(h.Value())
			if err != nil {
				continue
			}
			for i := range read.QOP {
				read.QOP[i] = strings.TrimSpace(read.QOP[i])
			}
			c := challenge{header: kind[1], Challenge: read}
			i := slices.IndexFunc(found, c.sameAsker)
			switch {
			case rank(read) == 0:
			case i < 0:
				found = append(found, c)
			case rank(read) > rank(found[i].Challenge):
				found[i] = c
			}
		}
	}
	return found
}

func rank(c *digest.Challenge) int {
	if len(c.QOP) > 0 && !c.SupportsQOP("auth") {
		return 0
	}
	switch strings.ToUpper(c.Algorithm) {
	case "SHA-256", "SHA-512-256":
		return 2
	case "", "MD5":
		return 1
	}
	return 0
}

// authorized makes req anew with the next CSeq, a fresh branch and an answer to each challenge (RFC 3261 §22.1). An answer
// given before is reckoned anew too: a server counts how often its nonce is used (RFC 7616 §3.4).
func authorized(req *sip.Request, challenges []challenge, cred *Credentials) (*sip.Request, error) {
	next := req.Clone()
	next.Via().Params.Add("branch", sip.RFC3261BranchMagicCookie+token(12))
	next.ReplaceHeader(&sip.CSeqHeader{SeqNo: req.CSeq().SeqNo + 1, MethodName: req.Method})
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		for next.RemoveHeader(name) {
		}
	}
	for i := range challenges {
		c := &challenges[i]
		c.uses++
		if len(c.QOP) > 0 {
			c.QOP = []string{"auth"}
		}
		answer, err := digest.Digest(c.Challenge, digest.Options{
			Method: string(req.Method), URI: req.Recipient.String(), Count: c.uses, Username: cred.User, Password: cred.Secret.Reveal(),
		})
		if err != nil {
			return nil, fmt.Errorf("digest: %w", err)
		}
		next.AppendHeader(sip.NewHeader(c.header, answer.String()))
	}
	return next, nil
}

// Expires reads the lifetime that a registrar granted for contact, in seconds (RFC 3261 §10.3): its expires parameter
// before the Expires header.
func Expires(res *sip.Response, contactUser string) (int, bool) {
	for _, v := range Values(field.All(res, "Contact")) {
		var uri sip.Uri
		params := sip.NewParams()
		if _, err := sip.ParseAddressValue(v, &uri, &params); err != nil || uri.User != contactUser {
			continue
		}
		if s, ok := params.Get("expires"); ok {
			if n, err := strconv.Atoi(s); err == nil && n >= 0 {
				return n, true
			}
		}
	}
	if h := field.All(res, "Expires"); len(h) > 0 {
		if n, err := strconv.Atoi(strings.TrimSpace(h[0].Value())); err == nil && n >= 0 {
			return n, true
		}
	}
	return 0, false
}
