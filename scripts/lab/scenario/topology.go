package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"tollgate/scripts/lab/capture"
)

// Secrets counts what a look for the other side's names went through.
type Secrets struct {
	Packets, Bytes int
}

// hidden looks into everything the box has sent on each link for addresses and names of the other side: every name that a
// peer of a flow has for itself, its Call-IDs, tags, agents, sessions, holds its marker.
func (w *world) hidden() (Secrets, error) {
	for _, p := range w.captures {
		p.Stop(stopPatience)
	}
	var total Secrets
	var faults []error
	for _, link := range []struct {
		file, own string
		box       netip.Addr
		strangers []capture.Word
	}{
		{"office.pcap", office, w.peers[office].box, w.words(true)},
		{"carrier.pcap", carrier, w.peers[carrier].box, w.words(false)},
	} {
		packets, err := capture.Read(w.lab.Path(link.file))
		if err != nil {
			return total, err
		}
		own := false
		for _, conversation := range conversations(packets, link.box) {
			total.Packets += conversation.packets
			total.Bytes += len(conversation.bytes)
			own = own || bytes.Contains(conversation.bytes, []byte(w.peers[link.own].marker()))
			for _, found := range capture.Find(conversation.bytes, link.strangers) {
				faults = append(faults, fmt.Errorf("the %s's link shows %s", link.own, found))
			}
		}
		if !own { // then the capture has missed what it was made for
			faults = append(faults, fmt.Errorf("nothing that the box sent to the %s was captured", link.own))
		}
	}
	return total, errors.Join(faults...)
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

// conversation is everything the box sent from one port to another.
type conversation struct {
	packets int
	bytes   []byte
}

// conversations joins what the box sent, so that nothing hides at the seam of two packets.
func conversations(packets []capture.Packet, box netip.Addr) map[string]*conversation {
	all := map[string]*conversation{}
	for _, p := range packets {
		if p.Source.Addr() != box || len(p.Payload) == 0 {
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
