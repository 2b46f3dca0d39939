package call

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

// FuzzReplaces reads a Replaces header field: what it names is whole, and nothing else is in it.
func FuzzReplaces(f *testing.F) {
	f.Add("98732@sip.example;from-tag=r33th4x0r;to-tag=ff87ff")
	f.Add("a;to-tag=1;from-tag=2;early-only")
	f.Fuzz(func(t *testing.T, value string) {
		req := sip.NewRequest(sip.INVITE, sip.Uri{})
		req.AppendHeader(sip.NewHeader("Replaces", value))
		id, _, err := readReplaces(&ua.Incoming{Request: req})
		if err == nil && (id.callID == "" || id.local == "" || id.remote == "" || strings.ContainsAny(id.callID+id.local+id.remote, ";,")) {
			t.Errorf("%q is read as %+v", value, id)
		}
	})
}
