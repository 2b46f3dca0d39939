package edge

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

func TestACallForAnEmergencyServiceIsHandedOn(t *testing.T) {
	each(t, func(t *testing.T, b *bench, p *peer) {
		for i, to := range []string{"<urn:service:sos.fire>", "urn:service:sos.fire"} {
			call := strings.Replace(p.request("INVITE", i+1), "sip:box@127.0.0.1 SIP", "urn:service:sos.fire SIP", 1)
			p.say(strings.Replace(call, "<sip:box@127.0.0.1>", to, 1))
			got, ok := b.next(t).m.(*sip.Request)
			if !ok || got.Recipient.String() != "urn:service:sos.fire" || got.To().Address.String() != "urn:service:sos.fire" {
				t.Errorf("To: %s was handed on as %v", to, got)
			}
		}
	})
}
