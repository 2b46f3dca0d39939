package branch_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"tollgate/scripts/lab/branch"
)

// encrypted places calls and checks what both sides heard and by what the calls were encrypted.
func encrypted(t *testing.T, b *branch.Branch, suite string, calls ...branch.Conversation) {
	t.Helper()
	for _, c := range calls {
		var seen branch.Leg
		c.During = func(ctx context.Context) error {
			s, err := b.Box.Status(ctx)
			if err == nil && len(s.Calls) != 1 {
				err = fmt.Errorf("the box shows %d calls", len(s.Calls))
			}
			if err != nil {
				return err
			}
			seen = s.Calls[0].Outside()
			return nil
		}
		talk(t, b, c)
		if seen.Suite != suite || !seen.Encrypted || seen.AuthFailures > 0 {
			t.Errorf("%s calls: the box shows %+v, want %s", c.From.Name, seen, suite)
		}
	}
}

// A telephone answers with each suite it has, and offers the first alone.
func TestEachSuiteThatTheCarriersTelephonesHaveCarriesACall(t *testing.T) {
	const first, unknown = "AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80"
	b := build(t, branch.Wishes{})
	encrypted(t, b, first, b.Outgoing(), b.Incoming())
	for _, suite := range []string{"AES_CM_128_HMAC_SHA1_32", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM"} {
		if err := b.Encrypt(t.Context(), suite); err != nil {
			t.Fatal(err)
		}
		encrypted(t, b, suite, b.Outgoing())
	}
	// To an offer of AES-256 in counter mode baresip answers with AES-128: the box must not take that for an answer. And an
	// offer without the one suite that is allowed must not become a call with another, or with none.
	if err := b.Encrypt(t.Context(), unknown); err != nil {
		t.Fatal(err)
	}
	for _, c := range []branch.Conversation{b.Outgoing(), b.Incoming()} {
		if err := c.From.Dial(t.Context(), c.Number); err == nil || !strings.Contains(err.Error(), "488") {
			t.Errorf("%s calls with a suite that the telephones have not: %v, want 488", c.From.Name, err)
		}
	}
	if err := b.Box.AwaitRest(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestKeysMadeByDTLSCarryACallBothWays(t *testing.T) {
	b := build(t, branch.Wishes{DTLS: true})
	encrypted(t, b, "AES_CM_128_HMAC_SHA1_80", b.Outgoing(), b.Incoming())
	for suite, c := range map[string]branch.Conversation{"AEAD_AES_256_GCM": b.Outgoing(), "AEAD_AES_128_GCM": b.Incoming()} {
		if err := b.Encrypt(t.Context(), suite); err != nil {
			t.Fatal(err)
		}
		encrypted(t, b, suite, c)
	}
	saw, err := b.SentAudioSecret()
	if err != nil {
		t.Error(err)
	}
	t.Log(saw)
}
