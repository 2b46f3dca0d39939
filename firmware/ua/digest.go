package ua

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

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

// answer makes the request that answers the challenge in res and puts it in place; nil when there is none to give.
func (o *Outgoing) answer(res *sip.Response) (*sip.Request, error) {
	if (res.StatusCode != 401 && res.StatusCode != 407) || o.credentials == nil {
		return nil, nil
	}
	challenge, ok := best(res)
	if !ok {
		return nil, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	// A registrar (401) and a proxy (407) may both ask; each is answered once, and again only when the nonce was stale.
	asker := strconv.Itoa(res.StatusCode) + challenge.Realm
	if o.cancelled || (o.answered[asker] > 0 && !challenge.Stale) || o.answered[asker] >= 3 {
		return nil, nil
	}
	next, err := authorized(o.req, res.StatusCode, challenge, o.credentials)
	if err != nil {
		return nil, err
	}
	if o.answered == nil {
		o.answered = map[string]int{}
	}
	o.answered[asker]++
	o.req, o.rang = next, false
	if o.Dialog != nil {
		o.Dialog.LocalSeq = next.CSeq().SeqNo
	}
	return next, nil
}

// best picks the strongest challenge that can be answered: SHA-256 before MD5 (RFC 8760 §2.4).
func best(res *sip.Response) (*digest.Challenge, bool) {
	name := "WWW-Authenticate"
	if res.StatusCode == 407 {
		name = "Proxy-Authenticate"
	}
	var found *digest.Challenge
	for _, h := range res.GetHeaders(name) {
		c, err := digest.ParseChallenge(h.Value())
		if err != nil {
			continue
		}
		for i := range c.QOP {
			c.QOP[i] = strings.TrimSpace(c.QOP[i])
		}
		if rank(c) > 0 && (found == nil || rank(c) > rank(found)) {
			found = c
		}
	}
	return found, found != nil
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

// authorized makes req anew with the next CSeq, a fresh branch and the answer to the challenge (RFC 3261 §22.1).
func authorized(req *sip.Request, status int, c *digest.Challenge, cred *Credentials) (*sip.Request, error) {
	if len(c.QOP) > 0 {
		c.QOP = []string{"auth"}
	}
	answer, err := digest.Digest(c, digest.Options{
		Method: string(req.Method), URI: req.Recipient.String(), Count: 1, Username: cred.User, Password: cred.Secret.Reveal(),
	})
	if err != nil {
		return nil, fmt.Errorf("digest: %w", err)
	}
	next := req.Clone()
	next.Via().Params.Add("branch", sip.RFC3261BranchMagicCookie+token(12))
	next.ReplaceHeader(&sip.CSeqHeader{SeqNo: req.CSeq().SeqNo + 1, MethodName: req.Method})
	name := "Authorization"
	if status == 407 {
		name = "Proxy-Authorization"
	}
	next.RemoveHeader(name)
	next.AppendHeader(sip.NewHeader(name, answer.String()))
	return next, nil
}

// Expires reads the lifetime that a registrar granted for contact, in seconds (RFC 3261 §10.3): its expires parameter
// before the Expires header.
func Expires(res *sip.Response, contactUser string) (int, bool) {
	for _, v := range HeaderList(res.GetHeaders("Contact")) {
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
	if h := res.GetHeaders("Expires"); len(h) > 0 {
		if n, err := strconv.Atoi(strings.TrimSpace(h[0].Value())); err == nil && n >= 0 {
			return n, true
		}
	}
	return 0, false
}
