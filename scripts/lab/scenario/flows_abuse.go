package scenario

// elsewhere are peers that say they are somewhere else: in the office, on the box, at a third party. What the box sends
// them goes to where their calls come from all the same.
func elsewhere() []Flow {
	return []Flow{
		{Name: "a carrier whose Contact is in the office is hung up where it is", Ladder: `
INVITE -> INVITE
200    <- 200{Contact: <sip:gw@192.168.7.7:5060>}
ACK    -> ACK
BYE    -> BYE
200    <- 200
`},
		{Name: "a carrier whose Contact is the machine itself is hung up where it is", Ladder: `
INVITE -> INVITE
200    <- 200{Contact: <sip:gw@127.0.0.1:5060>}
ACK    -> ACK
BYE    -> BYE
200    <- 200
`},
		{Name: "a PBX that records a route to the carrier is hung up where it is", Ladder: `
INVITE <- INVITE
200{Record-Route: <sip:203.0.113.9;lr>} -> 200
ACK    <- ACK
BYE    <- BYE
200    -> 200
`},
	}
}

// challenged is a PBX that asks the box for the password of its carrier.
func challenged() []Flow {
	return []Flow{
		{Name: "a PBX that asks for the carrier's password in answer to a call gets none", Ladder: `
INVITE <- INVITE
407{Proxy-Authenticate: Digest realm="hidden-carrier.example", nonce="n", algorithm=MD5} -> 503
`},
		{Name: "a PBX that asks for the carrier's password in answer to a BYE gets none", Ladder: inbound + `
BYE <- BYE
401{WWW-Authenticate: Digest realm="hidden-carrier.example", nonce="n", algorithm=MD5} ->
    -> 200
wait 700 |
`},
	}
}
