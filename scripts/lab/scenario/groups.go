package scenario

import (
	"slices"
	"time"
)

// Ladders that many flows are made of.
const (
	// outbound is an answered call of the office, inbound one of the carrier.
	outbound = `
INVITE  -> INVITE
180     <- 180
200     <- 200
ACK     -> ACK
`
	inbound = `
INVITE  <- INVITE{from "Zoe" <sip:+33987654321@hidden-carrier.example>}
180     -> 180
200     -> 200
ACK     <- ACK
`
	// carrierIsReady has the office wait until the carrier has come to the end of what the box has asked it by itself: nothing
	// else tells one peer how far the other is.
	carrierIsReady = `
INFO    <- INFO{body application/dtmf-relay Signal=5\nDuration=160}
200     -> 200
`
	officeHangsUp = `
BYE     -> BYE
200     <- 200
`
	carrierHangsUp = `
BYE     <- BYE
200     -> 200
`
)

// Groups are all flows. Most of them need to be seen over one transport only; a few are taken over each mixture.
func Groups() []Group {
	everywhere := slices.Concat(basic(), everyday())
	return append([]Group{
		{"UDP on both sides", Setting{}, slices.Concat(basic(), everyday(), early(), failures(), cancels(), hangups(),
			changes(), reliable(), timers(), requests(), refused(), strangers(), failover(), redirected(), transferred(), identity(), crossing(), distrusted(), spellings(), manyCalls(), silent())},
		{"UDP on both sides, what passes outside calls", Setting{}, slices.Concat(subscribed(), messages(), replacing())},
		{"TCP on both sides", Setting{OfficeTransport: "tcp", CarrierTransport: "tcp"},
			slices.Concat(everywhere, subscribed(), messages(), unreachable(), keyPresses())},
		{"UDP in the office, TCP to the carrier", Setting{CarrierTransport: "tcp"}, everywhere},
		{"TCP in the office, UDP to the carrier", Setting{OfficeTransport: "tcp"}, everywhere},
		{"IPv6", Setting{IPv6: true, Health: "options"}, slices.Concat(health(), everywhere)},
		{"a carrier that wants a registration", Setting{Registers: true}, slices.Concat(registered(), challenged())},
		{"national numbers and an outside line", Setting{PBXFormat: "national", CarrierFormat: `"00"`, OutsidePrefix: "0"}, national()},
		{"a box with room for one call", Setting{Calls: 1}, full()},
		{"emergency calls", Setting{Calls: 1}, emergencies()},
		{"money", Setting{Sections: money, Routes: anywhere}, frauds()},
		{"a trunk with room for one call", Setting{TrunkCalls: 1}, trunkFull()},
		{"peers that say they are elsewhere", Setting{}, elsewhere()},
		{"rules about calls", Setting{Admission: rulesAboutCalls(time.Now())}, judged()},
		{"header rules", Setting{PBXKeys: rulesOfThePBX, CarrierKeys: rulesOfTheCarrier}, ruled()},
		{"a carrier that takes the number of who has called", Setting{CarrierKeys: "    clip_no_screening: true"}, forwarded()},
		{"a trusted carrier", Setting{CarrierKeys: "    trusted: true"}, slices.Concat(trusted(), unknown())},
		{"a trusted carrier and a trusted PBX", Setting{PBXKeys: "  trusted: true", CarrierKeys: "    trusted: true"}, slices.Concat(trusted(), known())},
		{"a carrier that is shown no number in place of another", Setting{CarrierKeys: "    unowned_numbers: refuse"}, strict()},
	}, append(profiled(everywhere), routed()...)...)
}
