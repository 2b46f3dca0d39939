package scenario

func basic() []Flow {
	return []Flow{
		{Name: "an office call, hung up by the office", Ladder: outbound + officeHangsUp},
		{Name: "an office call, hung up by the carrier", Ladder: outbound + carrierHangsUp},
		{Name: "a carrier's call, hung up by the office", Ladder: inbound + officeHangsUp},
		{Name: "a carrier's call, hung up by the carrier", Ladder: inbound + carrierHangsUp},
	}
}

// everyday is what is taken over each mixture of transports.
func everyday() []Flow {
	return []Flow{
		{Name: "the office gives up while it rings", Ladder: `
INVITE  -> INVITE
180     <- 180
CANCEL  -> CANCEL
200     <- 200
487     <- 487
`},
		{Name: "the carrier gives up while it rings", Ladder: `
INVITE  <- INVITE
180     -> 180
CANCEL  <- CANCEL
200     -> 200
487     -> 487
`},
		{Name: "early media, then the answer", Ladder: `
INVITE   -> INVITE
183{sdp} <- 183{sdp}
200{sdp} <- 200
ACK      -> ACK
` + officeHangsUp},
		{Name: "hold and resume by the office", Ladder: outbound + `
INVITE{sdp sendonly} -> INVITE{sdp sendonly}
200{sdp recvonly}    <- 200{sdp recvonly}
ACK                  -> ACK
INVITE               -> INVITE{sdp}
200{sdp}             <- 200
ACK                  -> ACK
` + officeHangsUp},
		{Name: "a key press by INFO", Ladder: outbound + `
INFO{body application/dtmf-relay Signal=5\nDuration=160} -> INFO{has Signal=5 | Content-Type: application/dtmf-relay}
200 <- 200
` + carrierHangsUp},
	}
}

func early() []Flow {
	return []Flow{
		{Name: "ringing, queueing and early media in turn", Ladder: `
INVITE   -> INVITE
180      <- 180
182      <- 182
183{sdp} <- 183{sdp}
200{sdp} <- 200
ACK      -> ACK
` + officeHangsUp},
		{Name: "early media from the PBX", Ladder: `
INVITE   <- INVITE
183{sdp} -> 183{sdp}
180      -> 180
200      -> 200{sdp}
ACK      <- ACK
` + carrierHangsUp},
		{Name: "an answer that was given with the early media is not repeated", Ladder: `
INVITE   -> INVITE
183{sdp} <- 183{sdp}
200{sdp} <- 200{no sdp}
ACK      -> ACK
` + officeHangsUp},
		{Name: "two phones ring behind the carrier, one answers", Ladder: `
INVITE   -> INVITE
180      <- 180{tag one}
183{sdp} <- 183{sdp | tag two}
200{sdp} <- 200{tag two}
ACK      -> ACK
` + officeHangsUp},
		{Name: "a call without an offer gets the box's", Ladder: `
INVITE{no sdp} -> INVITE{sdp}
180            <- 180
200{sdp}       <- 200
ACK{sdp}       -> ACK
` + officeHangsUp},
		{Name: "a carrier's call without an offer", Ladder: `
INVITE   <- INVITE{no sdp}
180      -> 180
200      -> 200{sdp}
ACK      <- ACK{sdp}
` + carrierHangsUp},
		{Name: "early media of a call without an offer stays with the box", Ladder: `
INVITE{no sdp} -> INVITE{sdp}
183{no sdp}    <- 183{sdp}
200{sdp}       <- 200
ACK{sdp}       -> ACK
` + officeHangsUp},
		{Name: "video is declined, the rest of the offer is not", Ladder: `
INVITE{sdp video}        -> INVITE{sdp | lacks m=video}
200{sdp | has m=video 0} <- 200
ACK                      -> ACK
` + officeHangsUp},
		{Name: "no codec in common", Ladder: `
INVITE{sdp gsm} ->
488             <-
`},
	}
}

func cancels() []Flow {
	return []Flow{
		{Name: "a CANCEL waits until the carrier has said something", Ladder: `
INVITE   -> INVITE
100      <-
wait 100 | wait 800
CANCEL   ->
200      <-
487      <-
         <- 180
         -> CANCEL
         <- 200
         <- 487
`},
		{Name: "a 200 that crosses the CANCEL is hung up", Ladder: `
INVITE   -> INVITE
180      <- 180
CANCEL   -> CANCEL
200      <- 200/CANCEL
487      <-
         <- 200/INVITE
         -> ACK
         -> BYE
         <- 200
`},
		{Name: "a CANCEL after the 200 changes nothing", Ladder: `
INVITE     -> INVITE
180        <- 180
200        <- 200
CANCEL     ->
200        <-
ACK        -> ACK
` + officeHangsUp},
		{Name: "an early BYE ends the call like a CANCEL", Ladder: `
INVITE   -> INVITE
180      <- 180
BYE      -> CANCEL
200      <- 200
487      <- 487
`},
	}
}

func hangups() []Flow {
	return []Flow{
		{Name: "both hang up at once", Ladder: outbound + `
BYE  -> BYE
200  <-
     <- BYE
     -> 200
     <- 200
`},
		{Name: "both hang up at once, the carrier's call", Ladder: inbound + `
BYE  <- BYE
     -> 200
BYE  ->
200  <-
200  ->
`},
		{Name: "the callee has lost the call: 481 to the BYE", Ladder: outbound + `
BYE  -> BYE
200  <- 481
`},
	}
}
