package scenario

// toBackup is the part of an answered call that goes by the second carrier.
const toBackup = `
180    <- b:180
200    <- b:200
ACK    -> b:ACK
BYE    -> b:BYE
200    <- b:200
`

func failover() []Flow {
	return []Flow{
		{Name: "503 from the first carrier: the second takes the call", Ladder: `
INVITE ->   INVITE
       <-   503
       -> b:INVITE
` + toBackup},
		{Name: "500 after ringing: the second takes the call", Ladder: `
INVITE ->   INVITE
180    <-   180
       <-   500
       -> b:INVITE
183{sdp} <- b:183{sdp}
200    <- b:200
ACK    -> b:ACK
BYE    -> b:BYE
200    <- b:200
`},
		{Name: "the first carrier rejects the trunk: the second takes the call", Ladder: `
INVITE ->   INVITE
       <-   403
       -> b:INVITE
` + toBackup},
		{Name: "both carriers are out of service", Ladder: `
INVITE ->   INVITE
       <-   503
       -> b:INVITE
503    <- b:503
`},
		{Name: "busy is busy: the second carrier is not asked", Ladder: `
INVITE ->   INVITE
486    <-   486
`},
		{Name: "an emergency call goes by the second carrier when the first fails", Ladder: `
INVITE{to 112} -> INVITE{to 112}
               <- 503
               -> b:INVITE{to 112}
` + toBackup},
		{Name: "the office gives up while the second carrier rings", Ladder: `
INVITE ->   INVITE
       <-   503
       -> b:INVITE
180    <- b:180
CANCEL -> b:CANCEL
200    <- b:200
487    <- b:487
`},
	}
}

// redirected are calls that are sent elsewhere: the box goes there by its own routes.
func redirected() []Flow {
	return []Flow{
		{Name: "a redirection leads by the box's own routes", Ladder: `
INVITE -> INVITE
       <- 302{Contact: <sip:+4930123456@192.168.7.7>}
       -> b:INVITE{to +4930123456 | lacks 192.168.7.7}
` + toBackup},
		{Name: "a redirection to a number that no route leads to", Ladder: `
INVITE -> INVITE
       <- 302{Contact: <sip:+12125550123@192.168.7.7>}
404    <-
`},
	}
}

// transferred are calls that the office hands on: the box ends the REFER.
func transferred() []Flow {
	return []Flow{
		{Name: "the office transfers a carrier's call to the other carrier", Ladder: inbound + `
REFER{Refer-To: <sip:004930123456@hidden-office.example>} ->
202                                                       <-
NOTIFY{has 100 Trying | Subscription-State: ^active}      <-
200                                                       ->
                                                          -> b:INVITE{to +4930123456 | From: ^<sip:\+33423456700@ | Diversion: ^<sip:\+33423456700@ | lacks 987654321}
NOTIFY{has 180 Ringing}                                   <- b:180
200                                                       ->
                                                          <- b:200
                                                          -> b:ACK
NOTIFY{has 200 OK | Subscription-State: ^terminated}      <-
200                                                       ->
BYE                                                       <-
200                                                       ->
                                                          -> INVITE{sdp}
                                                          <- 200
                                                          -> ACK
                                                          | wait 100
                                                          <- BYE
                                                          -> b:BYE
                                                          <- b:200
                                                          -> 200
`},
		{Name: "a transfer to a number that no route leads to", Ladder: inbound + `
REFER{Refer-To: <sip:0012125550123@hidden-office.example>} ->
404                                                        <-
` + officeHangsUp},
		{Name: "a carrier may not transfer", Ladder: outbound + `
<- REFER{Refer-To: <sip:004930123456@hidden-carrier.example>}
-> 403
` + officeHangsUp},
	}
}

// silent comes last: what the box has sent to the first carrier is repeated for a while.
func silent() []Flow {
	return []Flow{{Name: "the first carrier says nothing: the second takes the call within seconds", Ladder: `
INVITE -> b:INVITE
` + toBackup}}
}

// unreachable is for connections: nobody listens at the first carrier's.
func unreachable() []Flow {
	return []Flow{
		{Name: "the first carrier takes no connection: the second takes the call", Ladder: `
INVITE -> b:INVITE
` + toBackup},
	}
}

// identity is who the other side is told has called.
func identity() []Flow {
	const declined = `
486 <- 486
`
	return []Flow{
		{Name: "a number of the trunk is presented", Ladder: `
INVITE{from "Desk" <sip:+33123456701@hidden-office.example>} -> INVITE{From: ^<sip:\+33123456701@ | P-Asserted-Identity: ^<sip:\+33123456701@ | no Privacy | lacks Desk}
` + declined},
		{Name: "an extension is replaced by the trunk's first number", Ladder: `
INVITE{from <sip:201@hidden-office.example>} -> INVITE{From: ^<sip:\+33123456700@ | P-Asserted-Identity: ^<sip:\+33123456700@}
` + declined},
		{Name: "a number of somebody else is replaced", Ladder: `
INVITE{from <sip:+33612345678@hidden-office.example>} -> INVITE{From: ^<sip:\+33123456700@ | lacks 612345678}
` + declined},
		{Name: "an identity that the PBX asserts is not passed on", Ladder: `
INVITE{from <sip:201@hidden-office.example> | P-Asserted-Identity: <sip:+33612345678@hidden-office.example> | Diversion: <sip:+33612345678@hidden-office.example>} -> INVITE{lacks 612345678 | no Diversion}
` + declined},
		{Name: "each carrier is shown a number of its own", Ladder: `
INVITE{to 004930123456 | from <sip:+33123456701@hidden-office.example>} -> b:INVITE{From: ^<sip:\+33423456700@ | lacks 123456701}
486 <- b:486
`},
		{Name: "an anonymous caller is asserted to the carrier only", Ladder: `
INVITE{from "Anonymous" <sip:anonymous@anonymous.invalid>} -> INVITE{From: sip:anonymous@anonymous.invalid | P-Asserted-Identity: ^<sip:\+33123456700@ | Privacy: ^id$}
` + declined},
		{Name: "a caller who asks for privacy", Ladder: `
INVITE{from <sip:+33123456702@hidden-office.example> | Privacy: id} -> INVITE{From: sip:anonymous@anonymous.invalid | P-Asserted-Identity: ^<sip:\+33123456702@ | Privacy: ^id$}
` + declined},
		{Name: "the PBX is shown who calls", Ladder: `
INVITE{From: ^"Zoe" <sip:\+33987654321@ | no P-Asserted-Identity} <- INVITE{from "Zoe" <sip:+33987654321@hidden-carrier.example>}
486 -> 486
`},
		{Name: "the PBX is not shown a caller who is withheld", Ladder: `
INVITE{From: sip:anonymous@anonymous.invalid | lacks 987654321} <- INVITE{from "Zoe" <sip:+33987654321@hidden-carrier.example> | Privacy: id}
486 -> 486
`},
		{Name: "the PBX is not shown what the carrier asserts of an anonymous caller", Ladder: `
INVITE{From: sip:anonymous@anonymous.invalid | lacks 987654321} <- INVITE{from "Anonymous" <sip:anonymous@anonymous.invalid> | P-Asserted-Identity: <sip:+33987654321@hidden-carrier.example> | Privacy: id}
486 -> 486
`},
	}
}

// health is a carrier that the box asks whether it is there, beginning when it starts.
func health() []Flow {
	return []Flow{{Name: "the carrier is asked for its health", Boot: true, Ladder: `
 -> OPTIONS
 <- 200
`}}
}

const digest = `Digest realm="hidden-carrier.example", nonce="2f9c61", algorithm=MD5, qop="auth"`

func registered() []Flow {
	return []Flow{
		{Name: "the box registers and answers the challenge", Boot: true, Ladder: `
 -> REGISTER{no Authorization}
 <- 401{WWW-Authenticate: ` + digest + `}
 -> REGISTER{Authorization: username="hidden-carrier-account".*response="}
 <- 200{Expires: 3600}
`},
		{Name: "an office call", Ladder: outbound + officeHangsUp},
		{Name: "a call that the carrier challenges", Ladder: `
INVITE -> INVITE{no Proxy-Authorization}
       <- 407{Proxy-Authenticate: ` + digest + `}
       -> INVITE{Proxy-Authorization: username="hidden-carrier-account".*response="}
180    <- 180
200    <- 200
ACK    -> ACK
` + officeHangsUp},
		{Name: "a carrier that rejects the credentials: the second takes the call", Ladder: `
INVITE -> INVITE{no Proxy-Authorization}
       <- 407{Proxy-Authenticate: ` + digest + `}
       -> INVITE{Proxy-Authorization: response="}
       <- 407{Proxy-Authenticate: ` + digest + `}
       -> b:INVITE
` + toBackup},
		{Name: "a BYE that the carrier challenges", Ladder: outbound + `
BYE -> BYE
200 <- 401{WWW-Authenticate: ` + digest + `}
    -> BYE{Authorization: response="}
    <- 200
`},
		{Name: "a carrier's call to the registered account", Ladder: `
INVITE{to +33123456700} <- INVITE{to line}
200    -> 200
ACK    <- ACK
` + carrierHangsUp},
		{Name: "a carrier's call to a number of the account", Ladder: inbound + carrierHangsUp},
	}
}

// requests are those that belong to no change and no end of a call.
func requests() []Flow {
	return []Flow{
		{Name: "the PBX asks for options", Ladder: `
OPTIONS            ->
200{Allow: INVITE} <-
`},
		{Name: "the carrier asks for options", Ladder: `
 <- OPTIONS
 -> 200{Allow: INVITE}
`},
		{Name: "options within a call", Ladder: outbound + `
OPTIONS ->
200     <-
` + officeHangsUp},
		{Name: "a key press of the carrier's", Ladder: inbound + `
INFO{has Signal=#} <- INFO{body application/dtmf-relay Signal=#\nDuration=250}
200                -> 200
` + officeHangsUp},
		{Name: "an INFO with another body", Ladder: outbound + `
INFO{body application/x-hidden-office internals} ->
415                                              <-
` + officeHangsUp},
		{Name: "an empty INFO asks whether the call is alive", Ladder: outbound + `
INFO ->
200  <-
` + officeHangsUp},
		{Name: "a key press that the carrier does not take", Ladder: outbound + `
INFO{body application/dtmf-relay Signal=5} -> INFO
415                                        <- 415
` + officeHangsUp},
	}
}
