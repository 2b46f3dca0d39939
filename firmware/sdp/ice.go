package sdp

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ICE is what connectivity checks go by (RFC 8839 §5). We write it as a lite implementation does, which answers checks and
// makes none (RFC 8445 §2.5), and only to who has written it.
type ICE struct {
	Ufrag, Pwd string
	// Candidates are the addresses over UDP at which the author may be, hosts that are named left out; none in what we write,
	// where they follow from the anchor.
	Candidates []netip.Addr
}

const maxCandidates = 16

// NewICE draws the credentials of a leg of ours (RFC 8445 §5.3): 48 and 144 bits.
func NewICE(random io.Reader) (ICE, error) {
	var b [24]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return ICE{}, fmt.Errorf("sdp: drawing credentials for ICE: %w", err)
	}
	return ICE{Ufrag: base64.StdEncoding.EncodeToString(b[:6]), Pwd: base64.StdEncoding.EncodeToString(b[6:])}, nil
}

// readICE reads a section's credentials and candidates; nil when it has no credentials that make sense, and then it is
// answered as if it did without ICE (RFC 8839 §4.2.5).
func (d *Description) readICE(s *section) *ICE {
	i := &ICE{Ufrag: first(d.attributesOf(s, "ice-ufrag")), Pwd: first(d.attributesOf(s, "ice-pwd"))}
	if !isCredential(i.Ufrag, 4) || !isCredential(i.Pwd, 22) {
		return nil
	}
	for _, a := range s.attributes {
		if a.name != "candidate" || len(i.Candidates) == maxCandidates {
			continue
		}
		addr, ok := readCandidate(a.value)
		if ok && !slices.Contains(i.Candidates, addr) {
			i.Candidates = append(i.Candidates, addr)
		}
	}
	return i
}

func first(list []attribute) string {
	if len(list) == 0 {
		return ""
	}
	return list[0].value
}

// isCredential checks the characters and the length of RFC 8839 §5.4.
func isCredential(s string, least int) bool {
	return len(s) >= least && len(s) <= 256 && strings.IndexFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '+' || r == '/')
	}) < 0
}

// readCandidate reads the address of "<foundation> <component> UDP <priority> <address> <port> typ ..." (RFC 8839 §5.1),
// if media may go there.
func readCandidate(value string) (netip.Addr, bool) {
	words := strings.Fields(value)
	if len(words) < 8 || !strings.EqualFold(words[2], "UDP") {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(words[4])
	port, portErr := strconv.ParseUint(words[5], 10, 16)
	if err != nil || portErr != nil || port == 0 || addr.Zone() != "" {
		return netip.Addr{}, false
	}
	addr = addr.Unmap()
	return addr, !addr.IsUnspecified() && unusable(addr) == ""
}

// write writes the lines of a stream of ours: one host candidate for each of its ports, with the priorities of
// RFC 8445 §5.1.2.1.
func (i *ICE) write(b *strings.Builder, ports ...netip.AddrPort) {
	fmt.Fprintf(b, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", i.Ufrag, i.Pwd)
	for n, p := range ports {
		priority := 126<<24 | 65535<<8 | 255 - n
		fmt.Fprintf(b, "a=candidate:1 %d UDP %d %s %d typ host\r\n", n+1, priority, p.Addr(), p.Port())
	}
}
