package trunk

import (
	"errors"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// errNoBulk says that the carrier does not know RFC 6140.
var errNoBulk = errors.New("the carrier does not know bulk registration (420)")

// binding is one address of record and the contact that is registered for it.
type binding struct {
	user    string // of the address of record
	contact string // user of the contact; "" with bulk
	bulk    bool   // for all numbers of the account (RFC 6140)
}

// bindings are what the account registers: its user; or all its numbers at once; or, where that is asked for and the
// carrier does not know it, each number.
func (r *registration) bindings() []binding {
	switch {
	case r.trunk.Policy.Registration != policy.RegisterBulk:
		return []binding{{user: r.account.User, contact: r.account.User}}
	case !r.noBulk:
		return []binding{{user: r.account.User, bulk: true}}
	}
	list := make([]binding, 0, len(r.account.Numbers))
	for _, n := range r.account.Numbers {
		list = append(list, binding{user: n, contact: n})
	}
	return list
}

// request makes the REGISTER of one binding.
func (r *registration) request(b binding, ask time.Duration) (*sip.Request, error) {
	t := r.trunk
	aor := "sip:" + b.user + "@" + t.Policy.Domain
	r.local = t.Self()
	r.seq += 10 // an answered challenge takes the next numbers
	d := ua.Draft{
		Method: sip.REGISTER, URI: "sip:" + t.Policy.Domain, From: aor, To: aor, FromTag: r.tag, CallID: r.callID, Seq: r.seq,
		Contact: r.local.Contact(b.contact), Local: r.local, MaxForwards: ua.MaxForwards,
		Headers: []sip.Header{sip.NewHeader("Expires", strconv.Itoa(int(ask.Seconds())))},
	}
	if b.bulk {
		// RFC 6140 §5.2: the carrier puts each number in front of the contact's host itself.
		d.Contact += ";bnc"
		for _, h := range [][2]string{{"Require", "gin"}, {"Proxy-Require", "gin"}, {"Supported", "path"}} {
			d.Headers = append(d.Headers, sip.NewHeader(h[0], h[1]))
		}
	}
	if old := r.held[b.user]; old != "" && old != d.Contact && ask > 0 {
		// Or calls would go to the place that the box has left as well (RFC 3261 §10.2.2).
		d.Headers = append(d.Headers, sip.NewHeader("Contact", "<"+old+">;expires=0"))
	}
	return d.Request()
}
