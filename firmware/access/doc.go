// Package access decides who speaks: it tells by side, source address, transport and digest which configured peer sent a
// request, and what to do with it.
//
//	source on this side a peer's? -- no --> Drop, no answer at all
//	as secure as that peer must be? -- no --> Refuse (inside), Drop (outside)
//	REGISTER? -- yes, and this peer is not reached by one --> Refuse
//	a phone? -- yes --> phones.go
//	PBX with digest, and the request opens something? -- yes --> credentials right? -- no --> Challenge
//	Accept
//
// A connection that the box itself opened belongs to the peer it was opened to. Otherwise a trunk is known by its
// signalling sources and by the addresses its registrar and outbound proxy resolve to. When several trunks share an
// address, the number or user that was called chooses among them, then the domain, then their order in the policy.
// A gateway's own address is never inside.
//
// Phones that register with a PBX elsewhere prove themselves to that PBX. Here a phone is known by where it is and, but for
// its registration, by having registered from there (Flows); a flood of registrations is bounded for each network and user.
//
// # What the digest guards
//
// With "authentication: digest" every request from the PBX that can open something is challenged with 401, first with
// SHA-256 and then with MD5, or as the policy says (RFC 7616, RFC 8760). Not challenged are:
//
//   - ACK and CANCEL, which cannot be sent again with credentials (RFC 3261 §22.1);
//   - the INVITE of an emergency call: nobody is asked for a password who calls for help. What is wrong with credentials that
//     come all the same is told with the acceptance;
//   - OPTIONS outside a dialog, the ping of many systems: it opens nothing, and its answer tells nothing that the
//     challenge would not;
//   - requests within a dialog (with a To tag): many systems do not answer challenges there. They are accepted by their
//     source address and are only worth something when the tags are those of a dialog that was opened with credentials.
//     Whoever handles them answers 481 otherwise, also to an INVITE, and asks Belongs whether the source is one of the
//     dialog's peer. A REGISTER is never one of them, whatever its To says.
//
// Nonces carry the time and a seal over it and the source, so that a flood of requests without credentials fills no
// memory. A nonce is remembered from its first successful use on; its counter (nc) must rise, and what was seen before is
// answered with stale=true, except the retransmission of the very same request over UDP. A wrong secret and an unknown
// user get the same answer after the same work.
//
// Misbehaviour is scored by source and ends in bans (Bans): a peer is judged by what nobody can have sent in its name, and a
// banned one may still call for help and end the calls that it has. Proofs that pass through the box can be tried against the
// passwords that guessing programs try first (Proof).
//
// It leaves to others: seeing misbehaviour (edge, phones) and dropping strangers who are banned (netfilter, by main), checking
// the message itself (edge), and whether a call may be made (admission).
package access
