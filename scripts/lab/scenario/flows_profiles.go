package scenario

import (
	"fmt"
	"slices"
	"time"
)

// profiled are carriers of the profiles that a policy can name, as far as sipp can be one: it speaks neither TLS nor SRTP,
// so that those profiles are taken with a transport in the clear.
func profiled(everywhere []Flow) []Group {
	const clearTCP = "    transport: tcp\n    srtp: off\n"
	return []Group{
		{"profile generic-udp-clear", Setting{Profile: "generic-udp-clear"}, slices.Concat(health(), everywhere)},
		{"profile generic-registration, over UDP", Setting{Profile: "generic-registration", Registers: true, CarrierKeys: "    transport: udp"}, registered()},
		{"profile generic-static, over TCP", Setting{Profile: "generic-static", CarrierTransport: "tcp", CarrierKeys: clearTCP}, slices.Concat(health(), everywhere)},
		{"profile sipconnect-2.0, over UDP", Setting{Profile: "sipconnect-2.0", Registers: true,
			CarrierKeys: "    transport: udp\n    srtp: off\n    health: off"}, inBulk()},
		{"what Teams wants, over TCP", Setting{CarrierTransport: "tcp",
			CarrierKeys: "    own_name: sbc.trunk.example\n    hold: inactive\n    session_timer: answer"}, wishes()},
	}
}

// inBulk is one registration for all numbers of an account (RFC 6140).
func inBulk() []Flow {
	return []Flow{
		{Name: "one registration for all numbers", Boot: true, Ladder: `
 -> REGISTER{no Authorization | Require: gin | Proxy-Require: gin | Contact: ;bnc}
 <- 401{WWW-Authenticate: ` + digest + `}
 -> REGISTER{Require: gin | Contact: ;bnc | Authorization: username="hidden-carrier-account".*response="}
 <- 200{Expires: 3600}
`},
		{Name: "an office call", Ladder: outbound + officeHangsUp},
		{Name: "a carrier's call to a number of the account", Ladder: inbound + carrierHangsUp},
	}
}

// wishes are those of a carrier that knows the box by its name, holds by inactive only and is asked for no timer.
func wishes() []Flow {
	return []Flow{
		{Name: "the box is called by its name", Ladder: `
INVITE -> INVITE{Contact: @sbc\.trunk\.example | From: @sbc\.trunk\.example | P-Asserted-Identity: @sbc\.trunk\.example | Allow: INVITE | no Session-Expires}
180    <- 180
200    <- 200
ACK    -> ACK
` + officeHangsUp},
		{Name: "and says so when it is asked for options", Ladder: `
 <- OPTIONS
 -> 200{Allow: REFER.*NOTIFY|NOTIFY.*REFER | Contact: ^<sip:sbc\.trunk\.example}
`},
		{Name: "the office's music on hold is told as inactive", Ladder: outbound + `
INVITE{sdp sendonly} -> INVITE{sdp inactive}
200{sdp inactive}    <- 200{sdp inactive}
ACK                  -> ACK
INVITE               -> INVITE{sdp}
200                  <- 200
ACK                  -> ACK
` + officeHangsUp},
		{Name: "the old way to hold too", Ladder: outbound + `
INVITE{sdp zero} -> INVITE{sdp inactive | lacks 0.0.0.0}
200{sdp inactive} <- 200{sdp inactive}
ACK              -> ACK
` + officeHangsUp},
		{Name: "the carrier's hold is passed on", Ladder: outbound + `
INVITE{sdp inactive} <- INVITE{sdp inactive}
200{sdp inactive}    -> 200{sdp inactive}
ACK                  <- ACK
` + carrierHangsUp},
	}
}

// routed are routes that share calls out and that count at some times only.
func routed() []Group {
	const weighted = `
  - name: shared
    prefixes: ["+"]
    trunks: [carrier, backup]
    weights: [0, 1]`
	// Two days, so that midnight in the middle changes nothing.
	today := time.Now().UTC()
	feast := fmt.Sprintf("  holidays: [%s, %s, %s]", today.AddDate(0, 0, -1).Format(time.DateOnly), today.Format(time.DateOnly), today.AddDate(0, 0, 1).Format(time.DateOnly))
	const timed = `
  - {name: working-days, prefixes: ["+33", "+49"], trunks: [carrier], when: {holidays: except}}
  - {name: holidays, prefixes: ["+33"], trunks: [backup], when: {holidays: only, from: "00:00", to: "24:00"}}
  - {name: always, prefixes: ["+"], trunks: [carrier]}`
	return []Group{
		{"routes with weights", Setting{Routes: weighted}, []Flow{
			{Name: "the carrier with the weight gets the call", Ladder: "\nINVITE -> b:INVITE\n" + toBackup},
			{Name: "one of no weight takes it when the others fail", Ladder: `
INVITE -> b:INVITE
       <- b:503
       ->   INVITE
180    <-   180
200    <-   200
ACK    ->   ACK
` + officeHangsUp},
			{Name: "an emergency call minds no weights", Ladder: `
INVITE{to 112} -> INVITE{to 112}
200            <- 200
ACK            -> ACK
` + officeHangsUp},
		}},
		{"routes that count on holidays", Setting{SiteKeys: feast, Routes: timed}, []Flow{
			{Name: "a holiday's route is taken on a holiday", Ladder: "\nINVITE -> b:INVITE\n" + toBackup},
			{Name: "a route of working days is passed over", Ladder: `
INVITE{to 004930123456} -> INVITE{to +4930123456}
486                     <- 486
`},
			{Name: "an emergency call minds no holidays", Ladder: `
INVITE{to 112} -> INVITE{to 112}
200            <- 200
ACK            -> ACK
` + officeHangsUp},
		}},
	}
}
