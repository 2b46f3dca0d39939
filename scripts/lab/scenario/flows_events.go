package scenario

// What a source tells, with names of its own in it.
const (
	toldByCarrier = `body application/simple-message-summary Messages-Waiting: yes\nMessage-Account: sip:hidden-carrier-box@hidden-carrier.example\nVoice-Message: 2/1 (0/0)\n`
	toldByOffice  = `body application/simple-message-summary Messages-Waiting: no\nMessage-Account: sip:hidden-office-box@hidden-office.example\n`
	active        = "Subscription-State: active;expires=300"
	gone          = "Subscription-State: terminated;reason=timeout"

	officeRegisters = `body application/reginfo+xml <?xml version="1.0"?>\n<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full">` +
		`<registration aor="sip:+33123456701@hidden-office.example" id="hidden-office-1" state="active"><contact id="hidden-office-2" state="active" event="registered" expires="60">` +
		`<uri>sip:hidden-office-phone@192.0.2.77</uri></contact></registration></reginfo>\n`
)

// subscribed are subscriptions, each from its beginning to its end.
func subscribed() []Flow {
	end := func(event string) string {
		return `
SUBSCRIBE{Event: ` + event + ` | Expires: 0} -> SUBSCRIBE{Event: ^` + event + `$ | Expires: ^0$}
200{Expires: ^0$}                            <- 200{Expires: 0}
NOTIFY{Subscription-State: ^terminated;reason=timeout$} <- NOTIFY{Event: ` + event + ` | ` + gone + `}
200                                          -> 200
`
	}
	return []Flow{
		{Name: "the office watches its mailbox at the carrier", Ladder: `
SUBSCRIBE{to +33123456701 | Event: message-summary | Expires: 600} -> SUBSCRIBE{to +33123456701 | From: <sip:\+33123456701@ | Expires: ^600$ | Accept: ^application/simple-message-summary$}
200{Expires: ^300$}                                                <- 200{Expires: 300}
NOTIFY{has Voice-Message: 2/1 (0/0) | has Message-Account: sip:+33123456701@ | Subscription-State: ^active;expires=300$} <- NOTIFY{Event: message-summary | ` + active + ` | ` + toldByCarrier + `}
200                                                                -> 200
SUBSCRIBE{Event: message-summary | Expires: 300}                   -> SUBSCRIBE{Expires: ^300$}
200{Expires: ^300$}                                                <- 200{Expires: 300}
` + end("message-summary")},
		{Name: "the carrier watches a mailbox of the office", Ladder: `
SUBSCRIBE{to +33123456701 | Expires: ^600$} <- SUBSCRIBE{Event: message-summary | Expires: 600 | from <sip:+33987654321@hidden-carrier.example>}
200{Expires: 300}                           -> 200{Expires: ^300$}
NOTIFY{Event: message-summary | ` + active + ` | ` + toldByOffice + `} -> NOTIFY{has Messages-Waiting: no | has Message-Account: sip:+33123456701@}
200                                         <- 200
NOTIFY{Event: message-summary | Subscription-State: terminated;reason=noresource} -> NOTIFY{Subscription-State: ^terminated;reason=noresource$}
200                                         <- 200
`},
		{Name: "the carrier watches who is registered in the office", Ladder: `
SUBSCRIBE{to +33123456701}  <- SUBSCRIBE{Event: reg | Expires: 600}
200{Expires: 600}           -> 200{Expires: ^600$}
NOTIFY{Event: reg | ` + active + ` | ` + officeRegisters + `} -> NOTIFY{has aor="sip:+33123456701@ | has event="registered" | lacks 192.0.2.77}
200                         <- 200
NOTIFY{Event: reg | ` + gone + `} -> NOTIFY{Subscription-State: ^terminated}
200                         <- 200
`},
		{Name: "a notification overtakes the answer", Ladder: `
SUBSCRIBE{to +33123456701 | Event: message-summary | Expires: 600} -> SUBSCRIBE
200{Expires: ^600$}  <-
NOTIFY{has 2/1}      <- NOTIFY{Event: message-summary | ` + active + ` | ` + toldByCarrier + `}
200                  -> 200
                     <- 200/SUBSCRIBE{Expires: 300}
` + end("message-summary")},
		{Name: "a package that does not pass", Ladder: `
SUBSCRIBE{to +33123456701 | Event: presence}                ->
489{Allow-Events: ^dialog, message-summary, reg$}           <-
`},
		{Name: "a subscription for too short a time", Ladder: `
SUBSCRIBE{to +33123456701 | Event: dialog | Expires: 30} ->
423{Min-Expires: ^60$}                                   <-
`},
		{Name: "a subscription to nobody's number", Ladder: `
 <- SUBSCRIBE{to +33472105518 | Event: dialog}
 -> 404
`},
		{Name: "a carrier that does not know the package", Ladder: `
SUBSCRIBE{to +33123456701 | Event: reg} -> SUBSCRIBE
489{Allow-Events: ^message-summary$}    <- 489{Allow-Events: message-summary, x-hidden-carrier}
`},
		{Name: "waiting messages told without a subscription", Ladder: `
NOTIFY{to +33123456700 | has Voice-Message: 2/1 | has Message-Account: sip:+33123456700@} <- NOTIFY{uri sip:line@carrier | Event: message-summary | Subscription-State: active | ` + toldByCarrier + `}
200                                                             -> 200
`},
		{Name: "waiting messages told to the carrier", Ladder: `
NOTIFY{to +33123456701 | Event: message-summary | Subscription-State: active | ` + toldByOffice + `} -> NOTIFY{to +33123456701 | has Messages-Waiting: no}
200                                                                                           <- 200
`},
		{Name: "a notification that nobody has asked for", Ladder: `
 <- NOTIFY{Event: dialog | Subscription-State: active}
 -> 481
`},
	}
}

// messages are texts outside calls and within one.
func messages() []Flow {
	return []Flow{
		{Name: "a message of the office", Ladder: `
MESSAGE{body text/plain on my way} -> MESSAGE{has on my way | to +33472105518 | From: <sip:\+33123456700@ | no Contact}
200                                <- 200
`},
		{Name: "a message of the carrier", Ladder: `
MESSAGE{has see you | to +33123456701 | From: <sip:\+33987654321@} <- MESSAGE{body text/plain;charset=UTF-8 see you | from <sip:+33987654321@hidden-carrier.example>}
202                                                                -> 202
`},
		{Name: "a message that the first carrier cannot take", Ladder: `
MESSAGE{body text/plain on my way} -> MESSAGE
                                   <- 503
                                   -> b:MESSAGE{has on my way | From: <sip:\+33423456700@}
200                                <- b:200
`},
		{Name: "a message that the other side refuses", Ladder: `
MESSAGE{body text/plain hello} -> MESSAGE
404                            <- 404
`},
		{Name: "a message that is no text", Ladder: `
MESSAGE{body text/html <b>hello</b>} ->
415{Accept: ^text/plain$}            <-
`},
		{Name: "a message to a number that no route leads to", Ladder: `
MESSAGE{to 0012125550123 | body text/plain hello} ->
404                                               <-
`},
		{Name: "a message to an emergency number", Ladder: `
MESSAGE{to 112 | body text/plain help} -> MESSAGE{has help | to 112}
                                       <- 403
                                       -> b:MESSAGE{to 112}
200                                    <- b:200
`},
		{Name: "a message within a call", Ladder: `
INVITE  -> INVITE
200     <- 200{Allow: MESSAGE}
ACK     -> ACK
MESSAGE{body text/plain on my way} -> MESSAGE{has on my way}
200     <- 200
` + officeHangsUp},
	}
}

// replacing are INVITEs with Replaces; those that name a dialog are played by telephones.
func replacing() []Flow {
	return []Flow{
		{Name: "Replaces names a call that is not there", Ladder: `
INVITE{Replaces: hidden-office-1;to-tag=1;from-tag=2 | Require: replaces} ->
481                                                                      <-
`},
		{Name: "Replaces twice", Ladder: `
INVITE{Replaces: a;to-tag=1;from-tag=2 | Replaces: b;to-tag=1;from-tag=2} ->
400                                                                      <-
`},
		{Name: "an emergency call is not lost by Replaces", Ladder: `
INVITE{to 112 | Replaces: hidden-office-1;to-tag=1;from-tag=2} -> INVITE{to 112 | no Replaces}
200                                                            <- 200
ACK                                                            -> ACK
` + officeHangsUp},
		{Name: "a call that rings in the office is picked up by another telephone", Play: pickUp},
		{Name: "a call that is up is moved to another telephone, by what the carrier tells of it", Play: moveCall},
		{Name: "a call between two of the carrier's is taken over by who watches it", Play: takeAcross},
	}
}
