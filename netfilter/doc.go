// Package netfilter keeps one nftables table of Tollgate's own: who may reach the box, and nothing else.
//
// A Config says what the two sides are, who may reach which SIP port, who may open the page and which UDP ports carry
// media. Config.Ruleset turns it into a Ruleset - pure data, printed by String exactly as `nft list table` prints it -
// and Filter.Set puts it into force through netlink as one transaction. Setting the same Config again is harmless.
// OpenPinholes and ShutPinholes let the media of a live call in and out of the way again without touching the rules.
//
// A packet meets the chains in this order:
//
//	early        prerouting -450   forged sources; fragments, before anything spends memory on putting them together
//	  (kernel    prerouting -400   defragmentation)
//	datagrams    prerouting -300   SIP over UDP and media: decided here, by source and pinhole, and never tracked
//	  (kernel    prerouting -200   connection tracking)
//	input        local in      0   TCP by source, answers to the box's own connections, ICMP; the rest is dropped
//	forward      forward       0   the box never forwards
//	sent         output     -300   SIP over UDP and media that the box sends are not tracked either
//
// Set changes the table where it differs and swaps the rules at once: what is allowed before and after loses no packet
// in between, and what is not never gets through. (Only where a peer's prefix itself is widened or narrowed may its
// packets be missed for some microseconds.)
//
// SIP over UDP and media are decided before connection tracking and are kept out of it both ways. Were they tracked, a
// pinhole shut or a source removed would stay open for as long as its flow lasts. SIP over TCP and the page are decided
// by source before "established" for the same reason.
//
// The package leaves to others: which addresses a carrier's name stands for, when a call needs a pinhole, and setting
// addresses and routes. It runs no program, and it never reads or changes a table that it did not make.
package netfilter
