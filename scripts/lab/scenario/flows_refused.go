package scenario

import "fmt"

// failures are what a caller is told when the other side says no. A failure of the trunk's rather than the number's has
// the next trunk tried, so those go by the route that has one only.
func failures() []Flow {
	var flows []Flow
	for _, status := range []int{404, 410, 480, 484, 486, 487, 600, 603, 604} {
		flows = append(flows, Flow{Name: fmt.Sprintf("the carrier says %d", status), Ladder: fmt.Sprintf(`
INVITE  -> INVITE
%[1]d   <- %[1]d
`, status)})
	}
	for _, c := range []struct{ said, told int }{
		{302, 502}, {401, 503}, {403, 403}, {407, 503}, {408, 408}, {420, 500}, {482, 500}, {483, 500}, {488, 488}, {491, 500},
		{500, 502}, {503, 503}, {504, 502}, {606, 606},
	} {
		flows = append(flows, Flow{Name: fmt.Sprintf("the only carrier says %d, the office hears %d", c.said, c.told), Ladder: fmt.Sprintf(`
INVITE{to 004930123456}  -> b:INVITE{to +4930123456}
%d{no WWW-Authenticate | no Proxy-Authenticate | no Contact} <- b:%d{Proxy-Authenticate: Digest realm="hidden-backup", nonce="n"}
`, c.told, c.said)})
	}
	for _, c := range []struct{ said, told int }{{404, 404}, {480, 480}, {486, 486}, {503, 503}, {603, 603}, {302, 502}, {407, 503}} {
		flows = append(flows, Flow{Name: fmt.Sprintf("the PBX says %d, the carrier hears %d", c.said, c.told), Ladder: fmt.Sprintf(`
INVITE  <- INVITE
%d      -> %d{no Proxy-Authenticate | no Contact}
`, c.said, c.told)})
	}
	return flows
}

// refused is what the box does not do, and says so.
func refused() []Flow {
	return []Flow{
		{Name: "a call that has no hop left", Ladder: `
INVITE{hops 0} ->
483            <-
`},
		{Name: "hops are counted across the box, so that loops die", Ladder: `
INVITE{hops 5} -> INVITE{Max-Forwards: ^4$}
486            <- 486
`},
		{Name: "an extension that the box does not know", Ladder: `
INVITE{Require: teleport}    ->
420{Unsupported: ^teleport$} <-
`},
		{Name: "an INVITE with a body that is no description", Ladder: `
INVITE{body text/plain hello} ->
415                           <-
`},
		{Name: "a description that cannot be read", Ladder: `
INVITE{body application/sdp nonsense} ->
400                                   <-
`},
		{Name: "a method that is not taken", Ladder: `
PUBLISH            ->
405{Allow: INVITE} <-
`},
		{Name: "a BYE in a dialog that nobody knows", Ladder: `
BYE{lost} ->
481       <-
`},
		{Name: "a re-INVITE in a dialog that nobody knows", Ladder: `
 <- INVITE{lost}
 -> 481
`},
		{Name: "an INFO in a dialog that nobody knows", Ladder: `
INFO{lost} ->
481        <-
`},
		{Name: "an UPDATE in a dialog that nobody knows", Ladder: `
 <- UPDATE{lost}
 -> 481
`},
		{Name: "an old CSeq within a call", Ladder: outbound + `
INFO{cseq 50} ->
200           <-
INFO{cseq 20} ->
500           <-
BYE{cseq 51}  -> BYE
200           <- 200
`},
		{Name: "a number that is too short", Ladder: `
INVITE{to 047} ->
484            <-
`},
		{Name: "a number that no route leads to", Ladder: `
INVITE{to 0012125550123} ->
404                      <-
`},
		{Name: "a carrier's call for a number of nobody", Ladder: `
 <- INVITE{to +33123456799}
 -> 404
`},
		{Name: "a carrier's call for the other carrier's number", Ladder: `
 <- INVITE{to +33423456700}
 -> 404
`},
		{Name: "a carrier's call that would go out again", Ladder: `
 <- INVITE{to 0472105518}
 -> 404
`},
		{Name: "a carrier's call to an emergency number", Ladder: `
 <- INVITE{to 112}
 -> 404
`},
	}
}

// strangers get no answer at all.
func strangers() []Flow {
	return []Flow{
		{Name: "a stranger outside calls", Ladder: `
          <- x:INVITE
          | x:wait 600
`},
		{Name: "a stranger in the office calls", Ladder: `
x:INVITE   ->
x:wait 600 |
`},
		{Name: "a stranger outside asks for options", Ladder: `
          <- x:OPTIONS
          | x:wait 300
`},
		{Name: "a stranger outside sends a BYE", Ladder: `
          <- x:BYE{lost}
          | x:wait 300
`},
		{Name: "the PBX speaks to the outside address", Cross: true, Ladder: `
INVITE   ->
wait 600 |
`},
		{Name: "the carrier speaks to the inside address", Cross: true, Ladder: `
         <- INVITE
         | wait 600
`},
	}
}

const callMeanwhile = `
INVITE <- b:INVITE{to +33423456700}
200    -> b:200
ACK    <- b:ACK
       | b:wait 1000
BYE    <- b:BYE
200    -> b:200
`

// full is a box whose only place is taken.
func full() []Flow {
	return []Flow{
		{Name: "the office calls one too many", While: callMeanwhile, Ladder: `
INVITE ->
503    <-
`},
		{Name: "the carrier calls one too many", While: callMeanwhile, Ladder: `
 <- INVITE
 -> 486
`},
		{Name: "an emergency call passes all the same", While: callMeanwhile, Ladder: `
INVITE{to 112} -> INVITE{to 112}
200            <- 200
ACK            -> ACK
` + officeHangsUp},
		{Name: "the place is free again", Ladder: outbound + officeHangsUp},
	}
}

// trunkFull is a first carrier whose only place is taken.
func trunkFull() []Flow {
	const meanwhile = `
INVITE <- INVITE
200    -> 200
ACK    <- ACK
       | wait 1000
BYE    <- BYE
200    -> 200
`
	return []Flow{
		{Name: "a full trunk leaves the call to the next", While: meanwhile, Ladder: `
INVITE -> b:INVITE
200    <- b:200
ACK    -> b:ACK
BYE    -> b:BYE
200    <- b:200
`},
		{Name: "the trunk is free again", Ladder: outbound + officeHangsUp},
	}
}
