package edge

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/emiago/sipgo/sip"
)

// tagger makes the To tags of answers sent without a transaction. A retransmission gets the same tag (RFC 3261 §8.2.7),
// and nobody without the key can make one up.
type tagger struct{ key [32]byte }

func newTagger() tagger {
	var t tagger
	rand.Read(t.key[:]) // never fails (crypto/rand)
	return t
}

// request is the tag of the transaction that req belongs to. The ACK to an answer has the same branch, Call-ID, From tag
// and CSeq number as the INVITE (RFC 3261 §17.1.1.3), and so the same tag.
func (t tagger) request(req *sip.Request) string {
	branch, _ := req.Via().Params.Get("branch")
	from, _ := req.From().Params.Get("tag")
	return t.sum(branch, req.Via().SentBy(), req.CallID().Value(), from, strconv.FormatUint(uint64(req.CSeq().SeqNo), 10))
}

// tagBytes are 72 bits (RFC 3261 §19.3 asks for 32): no tag of a dialog of the box's is as long, so that their ACKs are told apart
// at a glance.
const tagBytes = 9

func (t tagger) sum(parts ...string) string {
	mac := hmac.New(sha256.New, t.key[:])
	for _, p := range parts {
		mac.Write([]byte(p))
		mac.Write([]byte{0})
	}
	return hex.EncodeToString(mac.Sum(nil)[:tagBytes])
}

// own tells whether req is an ACK to an answer that carried a tag of this tagger.
func (t tagger) own(req *sip.Request) bool {
	if !req.IsAck() {
		return false
	}
	tag, ok := req.To().Params.Get("tag")
	return ok && len(tag) == 2*tagBytes && hmac.Equal([]byte(tag), []byte(t.request(req)))
}
