package field

import (
	"testing"

	"github.com/emiago/sipgo/sip"
)

func TestFieldsAreFoundWhateverTheirCase(t *testing.T) {
	req := sip.NewRequest(sip.INVITE, sip.Uri{Scheme: "sip", Host: "carrier.example"})
	for _, h := range [][2]string{{"Require", "timer"}, {"Allow", "INVITE"}, {"REQUIRE", "100rel"}, {"Requires", "nothing"}} {
		req.AppendHeader(sip.NewHeader(h[0], h[1]))
	}
	got := All(req, "require")
	if len(got) != 2 || got[0].Value() != "timer" || got[1].Value() != "100rel" {
		t.Errorf("got %v", got)
	}
	if got := All(req, "Supported"); got != nil {
		t.Errorf("got %v", got)
	}
	if n := testing.AllocsPerRun(10, func() { All(req, "Replaces") }); n != 0 {
		t.Errorf("looking for what is not there allocates %v times", n)
	}
}
