package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"tollgate/scripts/lab/capture"
)

// Secrets counts what a look for the other side's names went through.
type Secrets struct {
	Packets, Bytes int
}

// sideSeen is what was captured on one link.
type sideSeen struct {
	name      string // whose link it is
	marker    string // of that peer
	box       netip.Addr
	strangers []capture.Word // what must not be seen there
	packets   []capture.Packet
}

// hidden looks into everything the box has sent on each link for addresses and names of the other side: every name that a
// peer of a flow has for itself, its Call-IDs, tags, agents, sessions, holds its marker. What the box itself has made up for
// one link, Call-IDs and tags, must not be seen on the other either.
func (w *world) hidden() (Secrets, error) {
	for _, p := range w.captures {
		p.Stop(stopPatience)
	}
	links := []sideSeen{
		{name: office, marker: w.peers[office].marker(), box: w.peers[office].box, strangers: w.words(true)},
		{name: carrier, marker: w.peers[carrier].marker(), box: w.peers[carrier].box, strangers: w.words(false)},
	}
	for i := range links {
		var err error
		if links[i].packets, err = capture.Read(w.lab.Path(links[i].name + ".pcap")); err != nil {
			return Secrets{}, err
		}
	}
	return seenAcross(links[0], links[1])
}

// seenAcross judges both links.
func seenAcross(a, b sideSeen) (Secrets, error) {
	var total Secrets
	faults := []error{a.leaks(b, &total), b.leaks(a, &total)}
	return total, errors.Join(faults...)
}

// leaks looks for what is the other link's in what the box has sent on this one.
func (l sideSeen) leaks(other sideSeen, total *Secrets) error {
	var faults []error
	ids, own := identifiers(other.packets, netip.Addr{}), identifiers(l.packets, l.box)
	seen := false
	for _, c := range conversations(l.packets, func(p capture.Packet) bool { return p.Source.Addr() == l.box }) {
		total.Packets += c.packets
		total.Bytes += len(c.bytes)
		seen = seen || bytes.Contains(c.bytes, []byte(l.marker))
		for _, found := range capture.Find(c.bytes, l.strangers) {
			faults = append(faults, fmt.Errorf("the %s's link shows %s", l.name, found))
		}
		for _, word := range tokens(c.bytes) {
			if what, theirs := ids[word]; theirs && own[word] == "" {
				faults = append(faults, fmt.Errorf("the %s's link shows %s of the %s's link: %s", l.name, what, other.name, word))
			}
		}
	}
	if !seen { // then the capture has missed what it was made for
		faults = append(faults, fmt.Errorf("nothing that the box sent to the %s was captured", l.name))
	}
	return errors.Join(faults...)
}

var (
	callIDs = regexp.MustCompile(`(?mi)^(?:call-id|i)[ \t]*:[ \t]*([^\s@]+)`)
	tags    = regexp.MustCompile(`(?i);tag=([^\s;,>]+)`)
)

// shortest is the length below which an identifier is no secret but a word.
const shortest = 8

// identifiers are the Call-IDs and tags on a link, what each is. Those that the machine except has sent are left out.
func identifiers(packets []capture.Packet, except netip.Addr) map[string]string {
	found := map[string]string{}
	for _, c := range conversations(packets, func(p capture.Packet) bool { return p.Source.Addr() != except }) {
		for what, pattern := range map[string]*regexp.Regexp{"a Call-ID": callIDs, "a tag": tags} {
			for _, m := range pattern.FindAllSubmatch(c.bytes, -1) {
				if len(m[1]) >= shortest {
					found[string(m[1])] = what
				}
			}
		}
	}
	return found
}

// tokens are the words of a conversation, as identifiers are spelt.
func tokens(b []byte) []string {
	return strings.FieldsFunc(string(b), func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`;,<>@"=:?/`, r)
	})
}

// words are what one side must not see of the other.
func (w *world) words(outside bool) []capture.Word {
	var words []capture.Word
	for _, p := range w.peers {
		if p.outside() == outside {
			words = append(words,
				capture.Word{Text: p.marker(), What: "a name of the " + p.name},
				capture.Word{Text: network(p.address), What: "an address of the " + p.name + "'s network"})
		}
	}
	return words
}

// network is the beginning of an address that all machines on its side share, as text.
func network(a netip.Addr) string {
	text := a.String()
	if a.Is4() {
		return text[:strings.LastIndexByte(text, '.')+1]
	}
	return text[:strings.LastIndexByte(text, ':')]
}

// conversation is everything that was sent from one port to another.
type conversation struct {
	packets int
	bytes   []byte
}

// conversations joins what was sent by those chosen, so that nothing hides at the seam of two packets.
func conversations(packets []capture.Packet, chosen func(capture.Packet) bool) map[string]*conversation {
	all := map[string]*conversation{}
	for _, p := range packets {
		if len(p.Payload) == 0 || !chosen(p) {
			continue
		}
		key := p.Protocol + p.Source.String() + p.Destination.String()
		if all[key] == nil {
			all[key] = &conversation{}
		}
		all[key].packets++
		all[key].bytes = append(all[key].bytes, p.Payload...)
	}
	return all
}
