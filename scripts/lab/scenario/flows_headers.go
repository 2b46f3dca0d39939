package scenario

// crossing is what header fields besides the dialog's become on their way.
func crossing() []Flow {
	return []Flow{
		{Name: "how to ring and whether to answer at once, from the office", Ladder: `
INVITE{Alert-Info: <http://hidden-office.example/Bellcore-dr3> | Call-Info: <sip:hidden-office.example>;answer-after=0} -> INVITE{Alert-Info: ^<http://anonymous.invalid/Bellcore-dr3>$ | Call-Info: ^<sip:anonymous.invalid>;answer-after=0$}
180{Alert-Info: ^<urn:alert:tone:normal>$} <- 180{Alert-Info: <urn:alert:tone:normal>}
486 <- 486
`},
		{Name: "a door phone that rings a telephone through the carrier", Ladder: `
INVITE{Alert-Info: ^info=alert-autoanswer;delay=0$ | Call-Info: ^<sip:anonymous.invalid>;answer-after=0$} <- INVITE{Alert-Info: info=alert-autoanswer;delay=0 | Call-Info: <sip:hidden-carrier.example>;answer-after=0}
486 -> 486
`},
		{Name: "a picture and a file that name a host", Ladder: `
INVITE{Call-Info: <https://hidden-office.example/me.png>;purpose=icon | Alert-Info: <http://hidden-office.example/ring.wav>} -> INVITE{no Call-Info | no Alert-Info}
486 <- 486
`},
		{Name: "who may speak before the answer, and why there is none", Ladder: `
INVITE{P-Early-Media: supported} -> INVITE{P-Early-Media: ^supported$}
183{sdp | P-Early-Media: ^sendrecv, gated$} <- 183{sdp | P-Early-Media: SendRecv,gated}
404{Reason: ^Q.850;cause=1;text="Unallocated number"$} <- 404{Reason: Q.850;cause=1;text="unknown at hidden-carrier"}
`},
		{Name: "data of the two users, there and back", Ladder: `
INVITE{User-to-User: 00c81031;encoding=hex;purpose=isdn-uui} -> INVITE{User-to-User: ^00c81031;purpose=isdn-uui;encoding=hex$}
180 <- 180
200{User-to-User: ^00aa$} <- 200{User-to-User: 00aa}
ACK -> ACK
BYE{Reason: ^Q.850;cause=16;text="Normal call clearing";location=LN$ | User-to-User: ^00bb$} <- BYE{Reason: Q.850;cause=16;text="by hidden-carrier";location=LN | User-to-User: 00bb}
200 -> 200
`},
		{Name: "data that is no data", Ladder: `
INVITE{User-to-User: "hidden-office"} -> INVITE{no User-to-User}
486 <- 486
`},
		{Name: "why the office hangs up", Ladder: outbound + `
BYE{Reason: SIP;cause=600;text="hidden-office", Q.850;cause=31} -> BYE{Reason: ^SIP;cause=600$ | Reason: ^Q.850;cause=31;}
200 <- 200
`},
		{Name: "why the office gives up: answered elsewhere", Ladder: `
INVITE -> INVITE
180 <- 180
CANCEL{Reason: SIP;cause=200;text="hidden-office desk 4"} -> CANCEL{Reason: ^SIP;cause=200;text="Call completed elsewhere"$}
200 <- 200
487 <- 487
`},
		{Name: "why the carrier gives up", Ladder: `
INVITE <- INVITE
180 -> 180
CANCEL{Reason: ^Q.850;cause=102;} <- CANCEL{Reason: Q.850;cause=102;text="hidden-carrier timer"}
200 -> 200
487 -> 487
`},
		{Name: "a call that a colleague has sent on, by both names for that", Ladder: `
INVITE{from <sip:+33123456701@hidden-office.example> | Diversion: "hidden-office" <sip:+33123456702@hidden-office.example>;reason=no-answer | History-Info: <sip:+33123456702@hidden-office.example>;index=1, <sip:+33472105518@hidden-office.example;cause=408>;index=1.1;mp=1} -> INVITE{From: ^<sip:\+33123456701@ | Diversion: ^<sip:\+33123456702@hidden-carrier.example>;reason=no-answer;counter=1;privacy=off$ | History-Info: ^<sip:\+33123456702@hidden-carrier.example>;index=1, <sip:\+33472105518@hidden-carrier.example;cause=408>;index=1.1;mp=1$}
486 <- 486
`},
		{Name: "what nobody knows does not pass", Ladder: `
INVITE{X-Customer: 7 | Remote-Party-ID: <sip:hidden-office@hidden-office.example> | Organization: hidden-office | Subject: hidden-office} -> INVITE{no X-Customer | no Remote-Party-ID | no Organization | no Subject}
486 <- 486
`},
	}
}

// rulesOfThePBX and rulesOfTheCarrier are header rules of both directions.
const (
	rulesOfThePBX = `
  headers:
    - {direction: from, action: remove, name: User-to-User}
    - {direction: to, requests: [INVITE, BYE], action: add, name: X-Line, value: "1"}
`
	rulesOfTheCarrier = `
    headers:
      - {direction: to, requests: [INVITE, CANCEL], action: set, name: X-Customer, value: "1234"}
      - {direction: to, action: remove, name: P-Asserted-Identity}
      - {direction: to, requests: [BYE], action: set, name: Reason, value: Q.850;cause=31}
      - {direction: from, action: set, name: Privacy, value: id}
      - {direction: from, requests: [BYE], action: remove, name: Reason}
`
)

// ruled are calls through header rules.
func ruled() []Flow {
	return []Flow{
		{Name: "a call to the carrier through the rules of both", Ladder: `
INVITE{User-to-User: 00c8 | X-Customer: 9} -> INVITE{X-Customer: ^1234$ | no User-to-User | no P-Asserted-Identity | no X-Line}
180 <- 180
200 <- 200
ACK -> ACK
BYE{Reason: Q.850;cause=16} -> BYE{Reason: ^Q.850;cause=31$ | no X-Customer}
200 <- 200
`},
		{Name: "a call that is given up", Ladder: `
INVITE -> INVITE
180 <- 180
CANCEL -> CANCEL{X-Customer: ^1234$}
200 <- 200
487 <- 487
`},
		{Name: "a call of the carrier's", Ladder: `
INVITE{X-Line: ^1$ | From: sip:anonymous@anonymous.invalid | lacks 987654321} <- INVITE{from "Zoe" <sip:+33987654321@hidden-carrier.example>}
180 -> 180
200 -> 200
ACK <- ACK
BYE{X-Line: ^1$ | no Reason} <- BYE{Reason: Q.850;cause=16}
200 -> 200
`},
	}
}

// fromFirst and fromSecond are a call of the first carrier and one of the second that are up meanwhile.
const fromFirst = `
INVITE <- INVITE{from "Zoe" <sip:+33987654321@hidden-carrier.example>}
200    -> 200
ACK    <- ACK
       | wait 1500
BYE    <- BYE
200    -> 200
`
const fromSecond = `
INVITE <- b:INVITE{to +33423456700 | from "Zoe" <sip:+33987654321@hidden-backup.example>}
200    -> b:200
ACK    <- b:ACK
       | b:wait 1500
BYE    <- b:BYE
200    -> b:200
`

// unproven are calls of the office that show somebody else's number without a right to.
func unproven() []Flow {
	return []Flow{
		{Name: "somebody else's number while nobody calls", Ladder: `
INVITE{from <sip:+33987654321@hidden-office.example> | Diversion: <sip:+33423456700@hidden-office.example>;reason=no-answer} -> INVITE{From: ^<sip:\+33123456700@ | P-Asserted-Identity: ^<sip:\+33123456700@ | no Diversion | lacks 987654321}
486 <- 486
`},
		{Name: "the number of who calls, without a word of where", While: fromSecond, Ladder: `
INVITE{from <sip:+33987654321@hidden-office.example>} -> INVITE{From: ^<sip:\+33123456700@ | P-Asserted-Identity: ^<sip:\+33123456700@ | no Diversion | lacks 987654321}
486 <- 486
`},
		{Name: "the number of who calls, from a number that was not called", While: fromSecond, Ladder: `
INVITE{from <sip:+33987654321@hidden-office.example> | Diversion: <sip:+33123456702@hidden-office.example>} -> INVITE{From: ^<sip:\+33123456700@ | Diversion: ^<sip:\+33123456702@ | lacks 987654321}
486 <- 486
`},
		{Name: "another number than that of who calls", While: fromSecond, Ladder: `
INVITE{from <sip:+33987654322@hidden-office.example> | Diversion: <sip:+33423456700@hidden-office.example>} -> INVITE{From: ^<sip:\+33123456700@ | no Diversion | lacks 987654322}
486 <- 486
`},
	}
}

// forwarded are calls of the office that forward one of a carrier's, to a carrier that takes the number of who has called.
func forwarded() []Flow {
	return append(unproven(), []Flow{
		{Name: "a forwarded call, named by Diversion", While: fromSecond, Ladder: `
INVITE{from <sip:+33987654321@hidden-office.example> | Diversion: <sip:+33423456700@hidden-office.example>;reason=no-answer;counter=1} -> INVITE{From: ^<sip:\+33987654321@ | P-Asserted-Identity: ^<sip:\+33123456700@ | Diversion: ^<sip:\+33123456700@[^>]*>;reason=no-answer;counter=1;privacy=off$ | lacks 423456700}
486 <- 486
`},
		{Name: "a forwarded call, named by History-Info", While: fromSecond, Ladder: `
INVITE{from <sip:+33987654321@hidden-office.example> | History-Info: <sip:+33423456700@hidden-office.example>;index=1, <sip:+33472105518@hidden-office.example;cause=302>;index=1.1;mp=1} -> INVITE{From: ^<sip:\+33987654321@ | P-Asserted-Identity: ^<sip:\+33123456700@ | Diversion: ^<sip:\+33123456700@ | no History-Info}
486 <- 486
`},
		{Name: "a forwarded call, named by what the PBX asserts", While: fromSecond, Ladder: `
INVITE{from <sip:+33987654321@hidden-office.example> | P-Asserted-Identity: <sip:+33423456700@hidden-office.example>} -> INVITE{From: ^<sip:\+33987654321@ | P-Asserted-Identity: ^<sip:\+33123456700@ | Diversion: ^<sip:\+33123456700@}
486 <- 486
`},
		{Name: "a forwarded call by a carrier that does not take it", While: fromFirst, Ladder: `
INVITE{to 004930123456 | from <sip:+33987654321@hidden-office.example> | Diversion: <sip:+33123456701@hidden-office.example>;reason=user-busy} -> b:INVITE{From: ^<sip:\+33423456700@ | P-Asserted-Identity: ^<sip:\+33423456700@ | Diversion: ^<sip:\+33423456700@[^>]*>;reason=user-busy | lacks 987654321}
486 <- b:486
`},
		{Name: "a forwarded call whose caller the office withholds", While: fromSecond, Ladder: `
INVITE{from <sip:+33987654321@hidden-office.example> | Diversion: <sip:+33423456700@hidden-office.example> | Privacy: id} -> INVITE{From: sip:anonymous@anonymous.invalid | P-Asserted-Identity: ^<sip:\+33123456700@ | Privacy: ^id$ | lacks 987654321}
486 <- 486
`},
		{Name: "a call that the PBX sends elsewhere shows who has called", Ladder: `
INVITE <- b:INVITE{to +33423456700 | from "Zoe" <sip:+33987654321@hidden-backup.example>}
302{Contact: <sip:0472105518@hidden-office.example>} ->
       -> INVITE{to +33472105518 | From: ^<sip:\+33987654321@ | P-Asserted-Identity: ^<sip:\+33123456700@ | Diversion: ^<sip:\+33123456700@[^>]*>;reason=unconditional}
       <- 486
       -> b:486
`},
		{Name: "a call that the office transfers shows who has called", Ladder: `
INVITE <- b:INVITE{to +33423456700 | from "Zoe" <sip:+33987654321@hidden-backup.example>}
200    -> b:200
ACK    <- b:ACK
REFER{Refer-To: <sip:0472105518@hidden-office.example>} ->
202    <-
NOTIFY{has 100 Trying} <-
200    ->
       -> INVITE{to +33472105518 | From: ^<sip:\+33987654321@ | P-Asserted-Identity: ^<sip:\+33123456700@ | Diversion: ^<sip:\+33123456700@[^>]*>;reason=unknown | lacks Zoe}
       <- 486
NOTIFY{has 486 Busy Here} <-
200    ->
BYE    -> b:BYE
200    <- b:200
`},
	}...)
}

// asserted is what a carrier says about who calls, beside From.
const asserted = `P-Asserted-Identity: <sip:+33987654321;verstat=TN-Validation-Passed@hidden-carrier.example;user=phone> | ` +
	`Identity: aGVhZA.Ym9keQ.c2ln;info=<https://certificates.example/p.cer>;alg=ES256;ppt=shaken | ` +
	`Diversion: <sip:+33472105518@hidden-carrier.example>;reason=no-answer | ` +
	`History-Info: <sip:+33472105518@hidden-carrier.example>;index=1, <sip:+33123456701@hidden-carrier.example;cause=302>;index=1.1;mp=1`

// distrusted are calls of a carrier whose word does not count.
func distrusted() []Flow {
	return []Flow{{Name: "what a carrier asserts is not passed on", Ladder: `
INVITE{From: ^"Zoe" <sip:\+33987654321@ | no P-Asserted-Identity | no Identity | no Diversion | no History-Info | lacks verstat} <- INVITE{from "Zoe" <sip:+33987654321;verstat=TN-Validation-Passed@hidden-carrier.example;user=phone> | ` + asserted + `}
486 -> 486
`}, {Name: "what the PBX asserts and signs is not passed on", Ladder: `
INVITE{from <sip:+33123456701;verstat=TN-Validation-Passed@hidden-office.example;user=phone> | Identity: aGVhZA.Ym9keQ.c2ln;info=<https://hidden-office.example/p.cer>} -> INVITE{From: ^<sip:\+33123456701@ | no Identity | lacks verstat}
486 <- 486
`}}
}

// trusted are calls of a carrier whose word counts.
func trusted() []Flow {
	return []Flow{
		{Name: "what a trusted carrier asserts is shown to the PBX", Ladder: `
INVITE{From: ^"Zoe" <sip:\+33987654321;verstat=TN-Validation-Passed@ | P-Asserted-Identity: ^<sip:\+33987654321;verstat=TN-Validation-Passed@[^;]*;user=phone>$ | Identity: ^aGVhZA.Ym9keQ.c2ln;info=<https://certificates.example/p.cer>;alg=ES256;ppt=shaken$ | Diversion: ^<sip:\+33472105518@[^>]*>;reason=no-answer | History-Info: index=1, <sip:\+33123456701@[^>]*;cause=302>;index=1.1;mp=1$} <- INVITE{from "Zoe" <sip:+33987654321;verstat=TN-Validation-Passed@hidden-carrier.example;user=phone> | ` + asserted + `}
486 -> 486
`},
		{Name: "the second carrier is not trusted", Ladder: `
INVITE{no P-Asserted-Identity | no Identity | no Diversion} <- b:INVITE{to +33423456700 | from <sip:+33987654321@hidden-backup.example> | P-Asserted-Identity: <sip:+33987654321@hidden-backup.example>}
486 -> b:486
`},
	}
}

// unknown is a caller of a trusted carrier who wants to stay unknown, towards a PBX that is not trusted; known towards one
// that is.
func unknown() []Flow {
	return []Flow{{Name: "who wants to stay unknown does", Ladder: `
INVITE{From: sip:anonymous@anonymous.invalid | no P-Asserted-Identity | no Identity | lacks 987654321} <- INVITE{from "Zoe" <sip:+33987654321@hidden-carrier.example> | Privacy: id | ` + asserted + `}
486 -> 486
`}}
}

func known() []Flow {
	return []Flow{{Name: "a trusted PBX is told who wants to stay unknown", Ladder: `
INVITE{From: sip:anonymous@anonymous.invalid | P-Asserted-Identity: ^<sip:\+33987654321;verstat=TN-Validation-Passed@ | Privacy: ^id$ | Identity: ^aGVhZA} <- INVITE{from "Zoe" <sip:+33987654321@hidden-carrier.example> | Privacy: id | ` + asserted + `}
486 -> 486
`}}
}

// strict are calls to a carrier that is not to be shown numbers in place of others.
func strict() []Flow {
	return []Flow{
		{Name: "somebody else's number is left to the next carrier", Ladder: `
INVITE{from <sip:+33612345678@hidden-office.example>} -> b:INVITE{From: ^<sip:\+33423456700@ | lacks 612345678}
486 <- b:486
`},
		{Name: "the other carrier's number goes there", Ladder: `
INVITE{from <sip:+33423456700@hidden-office.example>} -> b:INVITE{From: ^<sip:\+33423456700@}
486 <- b:486
`},
		{Name: "an extension is no number", Ladder: `
INVITE{from <sip:201@hidden-office.example>} -> INVITE{From: ^<sip:\+33123456700@}
486 <- 486
`},
		{Name: "an emergency call is not refused for its number", Ladder: `
INVITE{to 112 | from <sip:+33612345678@hidden-office.example>} -> INVITE{to 112 | From: ^<sip:\+33123456700@ | lacks 612345678}
200 <- 200
ACK -> ACK
` + officeHangsUp},
	}
}
