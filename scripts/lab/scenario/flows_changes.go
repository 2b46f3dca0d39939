package scenario

// changes are re-INVITEs and UPDATEs of a call that is up.
func changes() []Flow {
	flows := []Flow{
		{Name: "hold by the carrier", Ladder: outbound + `
INVITE{sdp sendonly} <- INVITE{sdp sendonly}
200{sdp recvonly}    -> 200{sdp recvonly}
ACK                  <- ACK
INVITE{sdp}          <- INVITE
200                  -> 200{sdp}
ACK                  <- ACK
` + officeHangsUp},
		{Name: "hold by inactive", Ladder: outbound + `
INVITE{sdp inactive} -> INVITE{sdp inactive}
200{sdp inactive}    <- 200{sdp inactive}
ACK                  -> ACK
INVITE               -> INVITE{sdp}
200                  <- 200
ACK                  -> ACK
` + carrierHangsUp},
		{Name: "hold by 0.0.0.0, the old way", Ladder: outbound + `
INVITE{sdp zero} -> INVITE{sdp | lacks 0.0.0.0}
200{sdp}         <- 200{sdp inactive}
ACK              -> ACK
INVITE           -> INVITE{sdp}
200              <- 200
ACK              -> ACK
` + officeHangsUp},
		{Name: "hold by both in turn", Ladder: inbound + `
INVITE{sdp sendonly} -> INVITE{sdp sendonly}
200{sdp recvonly}    <- 200{sdp recvonly}
ACK                  -> ACK
INVITE{sdp inactive} <- INVITE{sdp inactive}
200{sdp inactive}    -> 200{sdp inactive}
ACK                  <- ACK
` + carrierHangsUp},
		{Name: "the codec changes", Ladder: outbound + `
INVITE{sdp pcmu}        -> INVITE{has RTP/AVP 0 101}
200{has RTP/AVP 0 101}  <- 200{sdp pcmu}
ACK                     -> ACK
` + officeHangsUp},
		{Name: "the office's media moves to another port", Ladder: outbound + `
INVITE{sdp moved} -> INVITE{sdp | lacks 41000}
200               <- 200
ACK               -> ACK
` + officeHangsUp},
		{Name: "the carrier's media moves to another port", Ladder: outbound + `
INVITE{sdp | lacks 41000} <- INVITE{sdp moved}
200                       -> 200
ACK                       <- ACK
` + carrierHangsUp},
		{Name: "a re-INVITE without an offer that changes nothing", Ladder: outbound + `
INVITE{no sdp} ->
200{sdp}       <-
ACK{sdp}       ->
` + officeHangsUp},
		{Name: "a re-INVITE without an offer that becomes a hold", Ladder: outbound + `
INVITE{no sdp}    ->
200{sdp}          <-
ACK{sdp inactive} -> INVITE{sdp inactive}
                  <- 200{sdp inactive}
                  -> ACK
` + carrierIsReady + officeHangsUp},
		{Name: "glare: the second offer is told to wait", Ladder: outbound + `
INVITE{sdp sendonly} -> INVITE{sdp sendonly}
                     <- INVITE{sdp inactive}
                     -> 491
200                  <- 200/INVITE{sdp recvonly}
ACK                  -> ACK
` + officeHangsUp},
		{Name: "glare on the far side: 491 is passed on", Ladder: outbound + `
INVITE{sdp sendonly} -> INVITE{sdp sendonly}
491                  <- 491
` + officeHangsUp},
		{Name: "a change that is refused leaves the call as it was", Ladder: outbound + `
INVITE{sdp pcmu} -> INVITE{has RTP/AVP 0 101}
                 <- 488
                 -> INVITE{has RTP/AVP 8 101}
488              <- 488
` + officeHangsUp},
		{Name: "a change to a codec that is not allowed", Ladder: outbound + `
INVITE{sdp gsm} ->
488             <-
` + officeHangsUp},
		{Name: "a change that finds the call lost ends it", Ladder: outbound + `
INVITE{sdp inactive} -> INVITE
500                  <- 481
BYE                  <-
200                  ->
`},
		{Name: "a session refresh troubles nobody else", Ladder: outbound + `
INVITE{sdp same} ->
200{sdp}         <-
ACK              ->
` + officeHangsUp},
		{Name: "UPDATE without a description", Ladder: outbound + `
            <- UPDATE
            -> 200{no sdp}
` + carrierIsReady + `
UPDATE      ->
200{no sdp} <-
` + officeHangsUp},
		{Name: "UPDATE with a description", Ladder: outbound + `
UPDATE{sdp inactive} -> INVITE{sdp inactive}
200{sdp inactive}    <- 200{sdp inactive}
                     -> ACK
` + officeHangsUp},
		{Name: "UPDATE with a description, from the carrier", Ladder: inbound + `
INVITE{sdp inactive} <- UPDATE{sdp inactive}
200{sdp inactive}    -> 200{sdp inactive}
ACK                  <-
` + carrierHangsUp},
	}
	return flows
}

// reliable are provisional responses that want a PRACK, on one leg only.
func reliable() []Flow {
	return []Flow{
		{Name: "PRACK in the office only", Ladder: `
INVITE{Require: 100rel}          -> INVITE{no Require}
180{RSeq: \d+ | Require: 100rel} <- 180
PRACK                            ->
200                              <-
wait 100                         | wait 200
200                              <- 200
ACK                              -> ACK
` + officeHangsUp},
		{Name: "PRACK at the carrier only", Ladder: `
INVITE            -> INVITE{Supported: 100rel}
183{sdp | no RSeq} <- 183{sdp | Require: 100rel | RSeq: 700}
                  -> PRACK{RAck: 700 1 INVITE}
                  <- 200
200               <- 200/INVITE
ACK               -> ACK
` + carrierHangsUp},
		{Name: "PRACK at the carrier only, the carrier's call", Ladder: `
INVITE            <- INVITE{Require: 100rel}
180               -> 180{RSeq: \d+}
                  <- PRACK
                  -> 200
wait 200          | wait 50
200               -> 200
ACK               <- ACK
` + carrierHangsUp},
		{Name: "PRACK in the office only, the carrier's call", Ladder: `
INVITE                       <- INVITE
183{Require: 100rel | RSeq: 9} -> 183{no RSeq}
PRACK{RAck: 9 1 INVITE}      <-
200                          ->
200/INVITE                   -> 200
ACK                          <- ACK
` + carrierHangsUp},
	}
}

// timers are about session timers; they are negotiated here and not waited for.
func timers() []Flow {
	return []Flow{
		{Name: "too short a session timer", Ladder: `
INVITE{Supported: timer | Session-Expires: 60} ->
422{Min-SE: ^90$}                              <-
`},
		{Name: "too short a session timer, from the carrier", Ladder: `
 <- INVITE{Supported: timer | Session-Expires: 89;refresher=uas}
 -> 422{Min-SE: ^90$}
`},
		{Name: "the carrier wants a longer session timer, and gets it in the same call", Ladder: `
INVITE -> INVITE{Session-Expires: ^1800 | CSeq: ^1 INVITE$}
       <- 422{Min-SE: 3600}
       -> INVITE{Session-Expires: ^3600 | Min-SE: ^3600$ | CSeq: ^2 INVITE$}
200    <- 200{Session-Expires: 3600;refresher=uac | Require: timer}
ACK    -> ACK
` + officeHangsUp},
		{Name: "each leg has its own timer", Ladder: `
INVITE{Supported: timer | Session-Expires: 600;refresher=uac}  -> INVITE{Supported: timer | Session-Expires: ^1800 | Min-SE: ^90$}
200{Session-Expires: ^600;refresher=uac$ | Require: timer}     <- 200{Session-Expires: 900;refresher=uas | Require: timer}
ACK -> ACK
` + officeHangsUp},
		{Name: "the box refreshes for a caller that leaves it to it", Ladder: `
INVITE{Supported: timer | Session-Expires: 600}            -> INVITE
200{Session-Expires: ^600;refresher=uas$ | Require: timer} <- 200
ACK -> ACK
` + officeHangsUp},
		{Name: "a caller without timers is asked for nothing", Ladder: `
INVITE                                -> INVITE
200{no Session-Expires | no Require}  <- 200{Session-Expires: 1800;refresher=uac | Require: timer}
ACK -> ACK
` + officeHangsUp},
		{Name: "too short a session timer in a re-INVITE", Ladder: outbound + `
INVITE{Supported: timer | Session-Expires: 30} ->
422{Min-SE: ^90$}                              <-
` + officeHangsUp},
		{Name: "a refresh by UPDATE keeps the timer", Ladder: `
INVITE{Supported: timer | Session-Expires: 600;refresher=uac} -> INVITE
200 <- 200
ACK -> ACK
UPDATE{Supported: timer | Session-Expires: 600;refresher=uac} ->
200{Session-Expires: ^600;refresher=uac$}                     <-
` + officeHangsUp},
	}
}
