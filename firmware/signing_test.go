package main

import (
	"crypto/x509"
	"strings"
	"testing"

	"tollgate/firmware/cli"
	"tollgate/firmware/policy"
	"tollgate/firmware/stir"
)

func TestOnlyTrunksThatWantItAreSignedOrJudged(t *testing.T) {
	p, err := policy.Parse(policy.Example())
	if err != nil {
		t.Fatal(err)
	}
	p.Trunks[0].Stir.Sign = policy.SignOff // its key is masked
	by, err := signing(p)
	if err != nil || len(by) != 1 || by["carrier-a"].Verify != policy.VerifyMark || by["carrier-a"].Signer != nil || by["carrier-a"].Anchors.Equal(x509.NewCertPool()) {
		t.Errorf("%+v, %v", by, err)
	}
	parties := &parties{}
	if parties.stirOf("carrier-a") != nil {
		t.Error("judged before there is a policy")
	}
	parties.set(p, by)
	if parties.stirOf("carrier-a") != by["carrier-a"] || parties.stirOf("carrier-b") != nil {
		t.Error("another trunk is judged")
	}
	p.Trunks[0].Stir.Sign = policy.SignOn
	if _, err := signing(p); err == nil || !strings.HasPrefix(err.Error(), "trunks[0].stir: ") {
		t.Errorf("without a key: %v", err)
	}
}

// Acceptance case 21: on a machine of the box's own the time is known once the time servers agree.
func TestThatNothingIsSignedForWantOfTheTimeIsToldAtTheTrunk(t *testing.T) {
	b := &box{options: cli.RunOptions{Appliance: true}}
	b.time.first, b.time.changed = make(chan struct{}), make(chan struct{}, 1)
	if b.timely() {
		t.Error("the time is known before anybody was asked")
	}
	b.time.agreed()
	if !b.timely() {
		t.Error("the time is not known although the servers agree")
	}
	if other := (&box{}); !other.timely() {
		t.Error("a machine that is somebody else's has no time")
	}
	p, err := policy.Parse(policy.Example())
	if err != nil {
		t.Fatal(err)
	}
	w := untimely(p)
	if len(w) != 1 || w[0].Peer != "carrier-a" || w[0].Path != "trunks[0].stir" || !strings.Contains(w[0].Text, "not signed") {
		t.Errorf("%+v", w)
	}
}

func TestWhatWasFoundOfASignatureIsShown(t *testing.T) {
	if shownSignature(stir.Verdict{}) != nil {
		t.Error("shown where nobody looked")
	}
	if s := shownSignature(stir.Undecided("the time is not known")); s.Result != "unknown" || s.Reason == "" || s.Attest != "" {
		t.Errorf("%+v", s)
	}
}
