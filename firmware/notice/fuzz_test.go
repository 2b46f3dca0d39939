package notice

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

// FuzzFields reads the fields of a subscription: whatever they hold, what is written from them is of the right form.
func FuzzFields(f *testing.F) {
	f.Add("dialog;id=7", "active;expires=60", "600", "application/dialog-info+xml;q=0.5, text/*")
	f.Add("message-summary", "terminated;reason=timeout;retry-after=3", "0", "*/*")
	f.Fuzz(func(t *testing.T, name, state, expires, accept string) {
		req := sip.NewRequest(sip.SUBSCRIBE, sip.Uri{})
		for field, value := range map[string]string{"Event": name, "Subscription-State": state, "Expires": expires, "Accept": accept} {
			req.AppendHeader(sip.NewHeader(field, value))
		}
		in := &ua.Incoming{Request: req}
		if _, id, ok := readEvent(in); ok && id != "" && !isToken(id) {
			t.Errorf("the id %q is no token", id)
		}
		if d, no := readExpires(in); no == nil && (d < 0 || d > longest || d > 0 && d < shortest) {
			t.Errorf("%q is %v", expires, d)
		}
		accepts(in, summaryType)
		how, ok := readStanding(in)
		if !ok {
			t.Fatal("one Subscription-State is one")
		}
		written := how.header().Value()
		first, _, _ := strings.Cut(written, ";")
		if first != "active" && first != "pending" && first != terminated || strings.ContainsAny(written, "\r\n <>") {
			t.Errorf("%q is passed on as %q", state, written)
		}
	})
}

// FuzzText reads the text of a message.
func FuzzText(f *testing.F) {
	f.Add("text/plain;charset=UTF-8", []byte("hello"))
	f.Add("text/html", []byte("\x00"))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		req := sip.NewRequest(sip.MESSAGE, sip.Uri{})
		req.AppendHeader(sip.NewHeader("Content-Type", kind))
		req.SetBody(body)
		text, no := readText(&ua.Incoming{Request: req})
		if no == nil && (len(text) == 0 || len(text) > maxText || strings.ContainsRune(string(text), 0)) {
			t.Errorf("%q passes", text)
		}
	})
}
