// Package netfilter keeps one nftables table of Tollgate's own: who may reach the box, and nothing else.
//
// A Config says what the two sides are, who may reach which SIP port, who may open the page and which UDP ports carry
// media. Config.Ruleset turns it into a Ruleset - pure data, printed by String exactly as `nft list table` prints it -
// and Filter.Set puts it into force through netlink as one transaction. Setting the same Config again is harmless.
// OpenPinholes and ShutPinholes let the media of a live call in and out of the way again without touching the rules.
//
// Ban and Block keep sources away, Try puts a Config on trial that the kernel itself ends, Deny lets nothing in while nobody
// judges, WatchDrops tells samples of what was dropped and why, and View shows the table as people may read it.
//
// A packet meets the chains in this order:
//
//	early        prerouting -450   media of live calls, let in; by family: forged sources; banned and blocked ones; fragments, before anything
//	                               puts them together
//	  (kernel    prerouting -400   defragmentation)
//	datagrams    prerouting -300   SIP over UDP and other media: decided here, by source, first bytes, rate and pinhole, and never tracked
//	  (kernel    prerouting -200   connection tracking)
//	input        local in      0   TCP by source and its share of connections, answers to the box's own, ICMP; the rest is dropped
//	forward      forward       0   nothing, or what the office may reach through the box
//	translated   postrouting 100   only there when the office is to appear under the box's address
//	sent         output     -300   SIP over UDP and media that the box sends are not tracked either
//
// What is dropped goes through a chain of its reason, drop_*, which counts it and shows a few a second to the packet log.
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
