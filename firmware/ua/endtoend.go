package ua

import (
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
)

// A phone proves itself to its PBX, not to the box: what the two say to one another of that passes through as it is.

// maxProof bounds one field that passes so, in bytes.
const maxProof = 4096

// Proofs are the fields by which the sender of req proves itself (RFC 3261 §20.7 and §20.28), as they came.
func Proofs(req field.Message) []sip.Header {
	return passed(req, "Authorization", "Proxy-Authorization")
}

// ProofsTo is Proofs for a peer at domain. Within a dialog they are for the address that the box has named there, and pass only
// where that is the domain: any other is not the peer's to see.
func ProofsTo(domain string, in *Incoming) []sip.Header {
	list := Proofs(in)
	if _, within := in.To().Params.Get("tag"); within && !strings.EqualFold(in.Recipient.Host, domain) {
		list = slices.DeleteFunc(list, func(h sip.Header) bool { return strings.Contains(h.Value(), in.Recipient.Host) })
	}
	return list
}

// Challenges are the fields by which the sender of res asks for proof (RFC 3261 §20.27 and §20.44). Protection of the body
// (auth-int) is left out where something else is offered, because the box writes bodies anew.
func Challenges(res field.Message) []sip.Header {
	list := passed(res, "WWW-Authenticate", "Proxy-Authenticate")
	for i, h := range list {
		v := strings.NewReplacer(`"auth,auth-int"`, `"auth"`, `"auth-int,auth"`, `"auth"`, `"auth, auth-int"`, `"auth"`).Replace(h.Value())
		list[i] = sip.NewHeader(h.Name(), v)
	}
	return list
}

func passed(m field.Message, names ...string) (list []sip.Header) {
	for _, name := range names {
		for _, h := range field.All(m, name) {
			if len(h.Value()) <= maxProof {
				list = append(list, sip.NewHeader(name, h.Value()))
			}
		}
	}
	return list
}
