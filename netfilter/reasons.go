package netfilter

import "fmt"

// reason is why a packet is dropped: the name of a counter, and what it says.
type reason struct{ name, why string }

// The reasons that do not depend on the side.
func forged() reason {
	return reason{"forged", "source is the box itself, or belongs inside and arrived outside"}
}
func bannedSource() reason  { return reason{string(bannedFor), "source is banned"} }
func blockedSource() reason { return reason{string(blockedFor), "source is on the block list"} }
func fragmentsRefused() reason {
	return reason{"fragments_refused", "fragments of others, or beyond a peer's share"}
}
func notSIP() reason { return reason{"not_sip", "no SIP message begins like this"} }
func otherPort() reason {
	return reason{"other_port", "arrived on a port that is neither inside nor outside"}
}
func forwarded() reason {
	return reason{"forwarded", "addressed through the box, which does not forward it"}
}
func sipAround() reason {
	return reason{"sip_around", "SIP past the box instead of through it"}
}
func away() reason { return reason{"away", "Tollgate is not running"} }

// of returns a reason of one side.
func (s Side) of(name, why string) reason { return reason{string(s) + "_" + name, why} }

func (s Side) sipRefused() reason {
	return s.of("sip_refused", "SIP ports: source not listed, or not this side's address")
}
func (s Side) overRate() reason { return s.of("sip_over_rate", "SIP: more than one source may send") }
func (s Side) overConnections() reason {
	return s.of("tcp_over_rate", "TCP: more connections than one source may make or have")
}
func (s Side) mediaClosed() reason {
	return s.of("rtp_closed", "media ports without a pinhole for the source")
}
func (s Side) pageRefused() reason {
	return s.of("page_refused", "the web page, from where it is not served")
}
func (s Side) broadcast() reason {
	return s.of("broadcast", "broadcasts and multicasts, of no concern")
}
func (s Side) invalid() reason { return s.of("invalid", "part of no connection known") }
func (s Side) dropped() reason { return s.of("dropped", "everything else") }

// LogGroup is the group of the kernel's packet log (NFLOG) to which samples of what is dropped go. Nobody else uses it.
const LogGroup = 5060

// Of each reason so many packets a second are shown to who listens to LogGroup, and so much of each: the headers, and where
// a SIP message begins.
const (
	samplesASecond = 5
	sampleBurst    = 10
	sampleBytes    = 128
)

// dropFor leads to the chain that drops for a reason.
func (b *builder) dropFor(r reason) statement {
	for _, known := range b.reasons {
		if known == r {
			return goTo("drop_" + r.name)
		}
	}
	b.counter(r.name, r.why)
	b.reasons = append(b.reasons, r)
	return goTo("drop_" + r.name)
}

// dropChains writes the chain of each reason: one that a flood of another cannot keep from being sampled.
func (b *builder) dropChains() {
	for _, r := range b.reasons {
		c := b.chain(chain{name: "drop_" + r.name, why: "dropped: " + r.why})
		b.rule(c, "a sample of it for who asks why", rate{perSecond: samplesASecond, burst: sampleBurst}, sample(r.name))
		b.rule(c, r.why, count(r.name), drop())
	}
}

// sample shows the packet, with the reason, to who listens to LogGroup.
type sample string

func (s sample) String() string {
	return fmt.Sprintf("log prefix %q group %d snaplen %d", string(s), LogGroup, sampleBytes)
}
