package interop_test

import (
	"net/netip"
	"strings"
	"testing"

	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/interop"
)

// linphones opens two telephones with the box between them.
func linphones(t *testing.T, encryption string, media ...string) *interop.Linphones {
	t.Helper()
	possible(t, "linphonec")
	p, err := interop.OpenLinphones(t.Context(), binary, encryption, media...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the box said:\n%s", p.Box.Process.Tail(60))
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// legs are the media of the only call.
func legs(t *testing.T, p *interop.Linphones) (office, carrier branch.Leg) {
	t.Helper()
	s, err := p.Box.Status(t.Context())
	step(t, "ask the box", err)
	if len(s.Calls) != 1 {
		t.Fatalf("%d calls, want 1", len(s.Calls))
	}
	c := s.Calls[0]
	if c.Direction == "in" {
		return c.Legs.Callee, c.Legs.Caller
	}
	return c.Legs.Caller, c.Legs.Callee
}

// Two telephones agree on keys that the box does not know: each shows the word that its user reads to the other, and it is the
// same, so that nobody stands between them (RFC 6189 §7).
func TestTelephonesEncryptBetweenThemThroughTheBox(t *testing.T) {
	t.Parallel()
	p := linphones(t, "zrtp", "srtp: off")
	step(t, "call", p.Office.Call(p.Carrier.Number, p.Lab.Net.BoxInside))
	near, err := p.Office.Shows(t.Context(), "auth token is")
	step(t, "the office's keys", err)
	far, err := p.Carrier.Shows(t.Context(), "auth token is")
	step(t, "the carrier's keys", err)
	if near == "" || near != far {
		t.Errorf("the office shows %q, the carrier %q", near, far)
	}
	heard(t, "talk", nil, p.Both)
	office, carrier := legs(t, p)
	if office.Keying != "zrtp" || carrier.Keying != "zrtp" || office.Encrypted || carrier.Encrypted {
		t.Errorf("the box takes the call for %+v and %+v", office, carrier)
	}
	step(t, "hang up", p.Office.Type("terminate"))
}

// Keys pressed at the office go to the box by SIP INFO, and on in the audio (RFC 4733), where the other telephone finds them; and
// back.
func TestKeysPressedByInfoAreFoundInTheAudio(t *testing.T) {
	t.Parallel()
	p := linphones(t, "none", "srtp: off")
	step(t, "call", p.Carrier.Call(p.Office.Number, p.Lab.Net.BoxOutside))
	heard(t, "talk", nil, p.Both)
	for _, key := range []string{"4", "7", "#"} {
		step(t, "press "+key, p.Office.Type(key))
		got, err := p.Carrier.Shows(t.Context(), "Receiving tone")
		step(t, "the carrier's telephone", err)
		if !strings.HasPrefix(got, key) {
			t.Errorf("the office pressed %s, the carrier heard %q", key, got)
		}
	}
}

// Linphone's own SRTP, called and calling, held and resumed by either.
func TestLinphoneIsHeardAndHears(t *testing.T) {
	for _, tc := range []struct{ encryption, keying, more string }{{"srtp", "sdes", "keys_in_clear: accepted"}, {"dtls", "dtls", "offer_ice: false"}} {
		t.Run(tc.keying, func(t *testing.T) {
			t.Parallel()
			p := linphones(t, tc.encryption, "srtp: required", "keying: ["+tc.keying+"]", tc.more)
			for _, call := range []struct {
				from, to *interop.Linphone
				by       netip.Addr
			}{{p.Office, p.Carrier, p.Lab.Net.BoxInside}, {p.Carrier, p.Office, p.Lab.Net.BoxOutside}} {
				step(t, "call", call.from.Call(call.to.Number, call.by))
				heard(t, "talk", nil, p.Both)
				office, carrier := legs(t, p)
				if office.Keying != tc.keying || carrier.Keying != tc.keying || !office.Encrypted || !carrier.Encrypted {
					t.Errorf("the box takes the call for %+v and %+v", office, carrier)
				}
				for _, end := range []*interop.Linphone{call.from, call.to} {
					step(t, "hold", end.Type("pause"))
					_, err := end.Shows(t.Context(), "is now paused")
					step(t, "hold", err)
					step(t, "resume", end.Type("resume"))
					_, err = end.Shows(t.Context(), "Media streams established")
					heard(t, "resume", err, p.Both)
				}
				step(t, "hang up", call.from.Type("terminate"))
				for _, end := range []*interop.Linphone{call.from, call.to} {
					_, err := end.Shows(t.Context(), " ended (") // a telephone that has a call makes no other
					step(t, "the end", err)
				}
				step(t, "the end", p.Box.AwaitRest(t.Context()))
			}
		})
	}
}
