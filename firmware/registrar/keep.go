package registrar

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// Records keeps the binding for a process after this one; *live.Folder satisfies it.
type Records interface {
	Write(name string, record []byte) error
	Remove(name string) error
}

// RecordName is that of the record that New is given again.
const RecordName = "registrar"

// record is a binding as plain data.
type record struct {
	Line           [sha256.Size]byte // what it hangs on
	Contact        string
	Transport      policy.Transport
	Source         netip.AddrPort
	Since, Expires time.Time
	CallID         string
	Seq            uint32
}

// digest stands for everything that a binding hangs on.
func (l line) digest() [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%q %q %v %x", l.user, l.transport, l.sources, l.secret))
}

// keep writes the binding in force down, or that there is none. r.mu is held.
func (r *Registrar) keep() {
	if r.o.Records == nil {
		return
	}
	var err error
	if b := r.bound; b == nil {
		err = r.o.Records.Remove(RecordName)
	} else {
		var text []byte
		text, err = json.Marshal(record{
			Line: r.line.digest(), Contact: b.Contact.String(), Transport: b.Transport, Source: b.Source, Since: b.Since, Expires: b.Expires, CallID: b.callID, Seq: b.seq,
		})
		if err == nil {
			err = r.o.Records.Write(RecordName, text)
		}
	}
	if err != nil {
		r.o.Log.Warn("the PBX's registration is not kept over a restart", "err", err)
	}
}

// resume takes the binding of an earlier process up, when it is still good and was made under the same settings. One over
// TLS is not: its connection has ended, and there is no other way to that PBX. r.mu is held.
func (r *Registrar) resume(now time.Time) {
	text := r.o.Kept
	r.o.Kept = nil
	if text == nil {
		return
	}
	var k record
	var contact sip.Uri
	if err := json.Unmarshal(text, &k); err != nil || sip.ParseUri(k.Contact, &contact) != nil || !k.Source.IsValid() {
		r.o.Log.Error("the PBX's registration of before the restart cannot be read", "err", err)
		return
	}
	left := min(k.Expires.Sub(now), Longest)
	if k.Line != r.line.digest() || left <= 0 || k.Transport != policy.UDP && k.Transport != policy.TCP {
		return
	}
	b := &binding{callID: k.CallID, seq: k.Seq, Binding: Binding{Contact: contact, Transport: k.Transport, Source: k.Source}}
	r.bind(b, left)
	b.Since = k.Since
}
