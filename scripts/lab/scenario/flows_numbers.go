package scenario

import (
	"context"
	"fmt"
	"strings"
)

// spellings are one number as phones dial it.
func spellings() []Flow {
	var flows []Flow
	for _, dialled := range []string{
		"to +33472105518", "to 0033472105518", "to 04.72.10.55.18", "to 04-72-10-55-18", "to 04%2072%2010%2055%2018", "to %2b33472105518",
		"uri tel:+33-4-72-10-55-18", "uri tel:0472105518;phone-context=+33", "uri sip:+33472105518@hidden-office.example;user=phone",
	} {
		flows = append(flows, Flow{Name: "dialled as " + dialled[strings.IndexByte(dialled, ' ')+1:], Ladder: fmt.Sprintf(`
INVITE{%s} -> INVITE{to +33472105518}
486        <- 486
`, dialled)})
	}
	return flows
}

// national is a PBX that is told national numbers and dials 0 for an outside line, and a carrier that writes 00.
func national() []Flow {
	var flows []Flow
	for _, c := range []struct{ dialled, number string }{
		{"00472105518", "0033472105518"}, {"000472105518", ""}, {"0004930123456", "b"}, {"0112", "112!"}, {"112", "112!"}, {"017", "17!"},
	} {
		ladder := `
INVITE{to %s} -> INVITE{to %s}
486           <- 486
`
		emergency := false
		if c.number, emergency = strings.CutSuffix(c.number, "!"); emergency { // refused, it would go on to the next carrier
			ladder = `
INVITE{to %s} -> INVITE{to %s}
200           <- 200
ACK           -> ACK
` + officeHangsUp
		}
		switch c.number {
		case "":
			ladder = `
INVITE{to %s} ->
404%.0s       <-
`
		case "b":
			ladder = `
INVITE{to %s} -> b:INVITE%.0s{to +4930123456}
486           <- b:486
`
		}
		flows = append(flows, Flow{Name: "dialled as " + c.dialled, Ladder: fmt.Sprintf(ladder, c.dialled, c.number)})
	}
	return append(flows, Flow{Name: "a carrier's call in the carrier's spelling reaches the PBX in its own", Ladder: `
INVITE{to 0123456701 | From: <sip:0987654321@} <- INVITE{to 0033123456701 | from <sip:0033987654321@hidden-carrier.example>}
486                                            -> 486
`})
}

// manyCalls and keyPresses are about order.
func manyCalls() []Flow {
	return []Flow{
		{Name: "500 calls with 180 and 200 back to back", Calls: 500, Rate: 150, Ladder: outbound + officeHangsUp},
		{Name: "200 calls of the carrier with 180 and 200 back to back", Calls: 200, Rate: 150, Ladder: inbound + carrierHangsUp},
	}
}

func keyPresses() []Flow {
	const presses = 2000
	return []Flow{{
		Name: fmt.Sprintf("%d key presses at once on one connection arrive in order", presses),
		Play: func(ctx context.Context, w *world) error { return w.press(ctx, presses) },
	}}
}
