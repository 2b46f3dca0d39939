package branch_test

import (
	"strings"
	"testing"

	"tollgate/scripts/lab/branch"
)

func TestThePBXMaySpeakTCP(t *testing.T) {
	bothWays(t, build(t, branch.Wishes{PBXTransport: "tcp"}))
}

func TestThePBXMaySpeakTLSAndBeAskedForSRTP(t *testing.T) {
	b := build(t, branch.Wishes{PBXTransport: "tls", PBXSRTP: "required", PhoneSRTP: true})
	bothWays(t, b)
}

func TestThePBXMayProveItselfByDigest(t *testing.T) {
	bothWays(t, build(t, branch.Wishes{PBXDigest: true}))
}

func TestAPBXWithAWrongDigestIsRefusedAndCounted(t *testing.T) {
	b := build(t, branch.Wishes{PBXDigest: true, PBXPassword: "guessed-by-somebody-else"})
	out := b.Outgoing()
	if err := out.From.Dial(t.Context(), out.Number); err == nil || !strings.Contains(err.Error(), "40") {
		t.Errorf("the call ended with %v, want a refusal", err)
	}
	refused(t, b, "digest")
}

// refused checks that the box shows a refusal by a rule that has the word in it, with a reason.
func refused(t *testing.T, b *branch.Branch, word string) {
	t.Helper()
	err := b.Box.Await(t.Context(), "showing a refusal by "+word, func(s branch.Status) bool {
		for _, r := range s.Refusals {
			if strings.Contains(strings.ToLower(r.Rule+" "+r.Reason), word) && r.Reason != "" && r.Count > 0 {
				t.Logf("refused %d times by %q: %s", r.Count, r.Rule, r.Reason)
				return true
			}
		}
		return false
	})
	if err != nil {
		t.Error(err)
	}
}

func TestACallWithoutSRTPIsRefusedWhereItIsRequired(t *testing.T) {
	b := build(t, branch.Wishes{PBXTransport: "tls", PBXSRTP: "required"})
	out := b.Outgoing()
	if err := out.From.Dial(t.Context(), out.Number); err == nil || !strings.Contains(err.Error(), "488") {
		t.Errorf("a plain call ended with %v, want 488", err)
	}
	refused(t, b, "srtp")
}

func TestACarrierMayAskForSHA256(t *testing.T) {
	b := build(t, branch.Wishes{Algorithm: "SHA-256"})
	bothWays(t, b)
}

func TestACarrierMayCallOnANewConnection(t *testing.T) {
	bothWays(t, build(t, branch.Wishes{NewConnection: true}))
}

func TestACarrierThatRejectsOurPasswordIsShownAndNotPestered(t *testing.T) {
	b := build(t, branch.Wishes{TrunkPassword: "p3Vd-8sKx-Qm2t-Zr6w"})
	err := b.Box.Await(t.Context(), "saying why the trunk is down", func(s branch.Status) bool {
		return len(s.Trunks) == 1 && s.Trunks[0].State == "down" && s.Trunks[0].Reason != ""
	})
	if err != nil {
		t.Fatal(err)
	}
	pause(t, 5)
	messages, err := b.Carrier.Messages()
	if err != nil {
		t.Fatal(err)
	}
	tries := 0
	for _, m := range messages {
		if m.Received && m.Source.Addr() == b.Lab.BoxPublic() && strings.HasPrefix(m.Text, "REGISTER") {
			tries++
		}
	}
	if tries == 0 || tries > 4 {
		t.Errorf("the box sent %d REGISTERs within some five seconds, want two for each of very few tries", tries)
	}
	out := b.Outgoing()
	if err := out.From.Dial(t.Context(), out.Number); err == nil {
		t.Error("a call passed over a trunk that is down")
	}
}

func TestTheTrunkMaySpeakUDPOrTCPWithoutEncryption(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			bothWays(t, build(t, branch.Wishes{TrunkPlain: transport}))
		})
	}
}

func TestACarrierMaySpeakNothingNewerThanTLS12(t *testing.T) {
	b := build(t, branch.Wishes{TLSMethod: "TLSv1.2"})
	bothWays(t, b)
	s, err := b.Box.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Trunks[0].TLSVersion; got != "TLS 1.2" {
		t.Errorf("the box shows %s, want TLS 1.2", got)
	}
}

func TestTheTrunkComesBackWithItsCarrier(t *testing.T) {
	b := build(t, branch.Wishes{})
	b.Carrier.Stop()
	err := b.Box.Await(t.Context(), "noticing that the carrier is gone", func(s branch.Status) bool {
		return s.Trunks[0].State != "up"
	})
	if err != nil {
		t.Error(err)
	}
	if err := b.Carrier.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Box.AwaitTrunk(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := b.Outgoing()
	c.Seconds = 1
	c.To.Stop() // the carrier has forgotten its subscribers as well
	if err := c.To.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	talk(t, b, c)
}
