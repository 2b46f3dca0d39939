package api

import (
	"testing"
	"time"

	"tollgate/firmware/policy"
)

func TestAWarningNamesWhomItConcerns(t *testing.T) {
	p := &policy.Policy{
		PBX: policy.PBX{Transport: policy.UDP, SRTP: policy.SRTPRequired, KeysInClear: policy.KeysInClearAccepted},
		Trunks: []policy.Trunk{
			{Name: "carrier-a", Transport: policy.TLSTransport, SRTP: policy.SRTPRequired},
			{Name: "carrier-b", Transport: policy.UDP, SRTP: policy.SRTPOff},
		},
	}
	var got []string
	for _, w := range Warnings(p, time.Now()) {
		got = append(got, w.Peer+" "+w.Path)
	}
	want := []string{"pbx pbx.keys_in_clear", "carrier-b trunks[1].transport", "carrier-b trunks[1].srtp"}
	if len(got) != len(want) {
		t.Fatalf("warned of %q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("warned of %q, want %q", got[i], want[i])
		}
	}
}
