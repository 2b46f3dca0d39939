package nat

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/peer"
)

// lineMTU is what PPPoE leaves of an Ethernet packet (RFC 2516 §7).
const lineMTU = 1492

// narrowCarrier is a second carrier of the box, over UDP, whose messages and ours are too long for one packet.
const narrowCarrier = `  - name: narrow
    domain: narrow.example
    outbound_proxy: [%s]
    transport: udp
    udp_oversize: fragment
    health: off
    srtp: off
    codecs: [PCMA, PCMU]
    accounts:
      - user: "+33123456700"
        auth_user: trunk
        secret: Amber-meadow-83-line
        numbers: ["+33123456700"]
routes:
  - name: abroad
    prefixes: ["+44"]
    trunks: [narrow]
`

// wordy is a carrier that asks for a digest with a nonce of any length, which comes back in the INVITE, and answers with
// a description of many lines. It hangs up after a while.
type wordy struct {
	conn  net.PacketConn
	nonce int // its length

	mu     sync.Mutex // guards everything below
	longer []int      // the lengths of the INVITEs with credentials
	acked  int
	ended  int
}

func (w *wordy) serve() {
	b := make([]byte, 1<<16)
	for {
		n, from, err := w.conn.ReadFrom(b)
		if err != nil {
			return
		}
		for _, answer := range w.take(string(b[:n])) {
			w.conn.WriteTo([]byte(answer), from)
		}
	}
}

// take notes one message and returns what it is answered with.
func (w *wordy) take(m string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch method, _, _ := strings.Cut(m, " "); {
	case method == "INVITE" && !strings.Contains(m, "Proxy-Authorization"):
		challenge := fmt.Sprintf("Proxy-Authenticate: Digest realm=\"narrow\", algorithm=MD5, qop=\"auth\", nonce=%q", strings.Repeat("n", w.nonce))
		return []string{reply(m, "407 Proxy Authentication Required", challenge, "")}
	case method == "INVITE":
		w.longer = append(w.longer, len(m))
		body := "v=0\r\no=- 1 1 IN IP4 198.51.100.30\r\ns=-\r\nc=IN IP4 198.51.100.30\r\nt=0 0\r\nm=audio 50000 RTP/AVP 8\r\n" +
			strings.Repeat("a=candidate-of-no-use:"+strings.Repeat("x", 40)+"\r\n", 30)
		return []string{reply(m, "200 OK", "Contact: <sip:narrow@198.51.100.30>\r\nContent-Type: application/sdp", body)}
	case method == "ACK":
		w.acked++
	case method == "BYE":
		w.ended++
		return []string{reply(m, "200 OK", "", "")}
	}
	return nil
}

// reply answers a request with its own headers (RFC 3261 §8.2.6.2).
func reply(request, status, headers, body string) string {
	lines := []string{"SIP/2.0 " + status}
	for line := range strings.SplitSeq(request, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "To":
			value += ";tag=narrow"
			fallthrough
		case "Via", "From", "Call-ID", "CSeq", "Record-Route":
			lines = append(lines, name+":"+value)
		}
		if line == "" {
			break
		}
	}
	if headers != "" {
		lines = append(lines, headers)
	}
	return strings.Join(lines, "\r\n") + fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// call has a phone call the wordy carrier, hang up, and returns how long the INVITE was.
func (w *wordy) call(t *testing.T, p *peer.Phone, nonce int) int {
	t.Helper()
	w.mu.Lock()
	w.nonce = nonce
	calls, acked, ended := len(w.longer), w.acked, w.ended
	w.mu.Unlock()
	if err := p.Dial(t.Context(), "00441632960123"); err != nil {
		t.Fatalf("with a nonce of %d bytes: %v", nonce, err)
	}
	time.Sleep(300 * time.Millisecond)
	if err := p.HangUp(t.Context()); err != nil {
		t.Error(err)
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		w.mu.Lock()
		done := len(w.longer) > calls && w.acked >= acked+2 && w.ended > ended // 407 and 200 are acknowledged
		w.mu.Unlock()
		if done {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("with a nonce of %d bytes: %d INVITE, %d ACK, %d BYE", nonce, len(w.longer)-calls, w.acked-acked, w.ended-ended)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.longer[len(w.longer)-1]
}

func TestALineOf1492BytesCarriesLongMessagesBothWays(t *testing.T) {
	t.Parallel()
	w := &wordy{}
	address := netip.MustParseAddr("198.51.100.30")
	amend := func(document string) string {
		before, _, _ := strings.Cut(document, "routes:\n")
		_, after, _ := strings.Cut(document, "routes:\n")
		return before + fmt.Sprintf(narrowCarrier, address) + after
	}
	b := build(t, branch.Wishes{Translation: lab.Symmetric, Latches: true, Amend: amend}, func(r *lab.Router) error { return r.MTU(lineMTU) })
	h, err := b.Lab.AddCarrier("narrow", address)
	if err != nil {
		t.Fatal(err)
	}
	if w.conn, err = h.ListenPacket(address.String() + ":5060"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.conn.Close() })
	go w.serve()

	const headers = 28 // of IPv4 and UDP
	short := w.call(t, b.Phones[0], 100)
	for _, size := range []int{lineMTU + 4 - headers, 2500} {
		// Between the line's MTU and the link's own a packet leaves whole, is refused by the router, and comes again in
		// fragments; above, it leaves in fragments that the router cuts once more.
		got := w.call(t, b.Phones[0], 100+size-short)
		t.Logf("INVITE of %d bytes and an answer of some 2,200 over a line of %d", got, lineMTU)
		if got+headers <= lineMTU {
			t.Errorf("the INVITE of %d bytes fits the line: nothing is proved", got)
		}
	}
	talk(t, b, b.Outgoing()) // TLS, whose segments the router keeps small enough
	talk(t, b, b.Incoming())
}
