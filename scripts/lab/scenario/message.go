package scenario

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Wishes for a message that is sent:
//
//	to 0472105518     whom the Request-URI and To name; uri sip:... the whole Request-URI
//	from Alice <...>  From, without its tag
//	sdp inactive      a session description with a peculiarity, see describe; bare: the usual one; no sdp: none
//	body TYPE TEXT    another body
//	tag two           a To tag of another fork
//	cseq 7            that number
//	lost              the dialog is one that nobody knows
//	Name: value       one more header field

// speaker writes the messages of one peer of a flow. Every name it has for itself holds its marker, which must not be
// found on the other side.
type speaker struct {
	marker    string
	self, box netip.AddrPort
	transport string
	caller    bool // it sent the first request
	number    string

	seq     int          // the last CSeq of a request of its own
	invite  map[int]int  // CSeq of the INVITEs sent, by their number among the requests sent
	initial string       // Request-URI and To of the first request
	from    string       // the wish of the first request
	sent    int          // number of the last INVITE sent
	agreed  int          // number of the INVITE that was answered last with 2xx
	bodies  int          // session descriptions sent
	begun   bool         // a caller: the first request is out; a callee: its tag is
	within  map[int]bool // requests received that had its tag in To, by their number
}

func (p *speaker) contact() string {
	return fmt.Sprintf("<sip:%s-line@%s;transport=%s>", p.marker, p.self, p.transport)
}

// tag is the peer's own tag.
func (p *speaker) tag(s step) string {
	fork, _ := s.wish("tag")
	return p.marker + fork + "-[pid]-[call_number]"
}

// render writes the message of a step that sends.
func (p *speaker) render(s step) string {
	head := p.response
	if !s.response() {
		head = p.request
	}
	lines := head(s)
	for _, w := range s.wishes {
		if name, _, ok := strings.Cut(w, ": "); ok && !strings.ContainsAny(name, " <") {
			lines = append(lines, w)
		}
	}
	lines = append(lines, "User-Agent: "+p.marker+"/7.1", "X-Internal: "+p.marker+"-rack-3")
	kind, body := p.body(s)
	if body != "" {
		lines = append(lines, "Content-Type: "+kind)
	}
	lines = append(lines, "Content-Length: [len]", "")
	if body != "" {
		lines = append(lines, strings.Split(strings.TrimSuffix(body, "\n"), "\n")...)
	}
	// sipp takes brackets for keywords, and has one for each address.
	text := strings.ReplaceAll(strings.Join(lines, "\n")+"\n", "["+p.self.Addr().String()+"]", "[local_ip]")
	return strings.ReplaceAll(text, "["+p.box.Addr().String()+"]", "[remote_ip]")
}

func (p *speaker) response(s step) []string {
	n := s.about.number
	to := fmt.Sprintf("To:[$to%d]", n)
	if !p.within[n] {
		to += ";tag=" + p.tag(s)
	}
	lines := []string{
		fmt.Sprintf("SIP/2.0 %s Whatever", s.name),
		fmt.Sprintf("Via:[$via%d]", n), fmt.Sprintf("From:[$from%d]", n), to, "Call-ID: [call_id]", fmt.Sprintf("CSeq:[$cseq%d]", n),
	}
	elsewhere := slices.ContainsFunc(s.wishes, func(w string) bool { return strings.HasPrefix(w, "Contact: ") })
	if elsewhere || s.about.method == "REGISTER" {
		return lines
	}
	return append(lines, "Contact: "+p.contact(), allow)
}

const allow = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO"

func (p *speaker) request(s step) []string {
	method, n := s.name, s.about.number
	branch := fmt.Sprintf("z9hG4bK-%s-[pid]-[call_number]-%d", p.marker, n)
	uri := "[next_url]"
	from, to := p.ends(s)
	seq := p.cseq(s, n)
	switch {
	case s.name == "ACK" && s.auto, s.name == "CANCEL":
		inv := p.sent
		if s.auto {
			inv = n
		}
		branch = fmt.Sprintf("z9hG4bK-%s-[pid]-[call_number]-%d", p.marker, inv)
		if p.caller && inv == 1 {
			uri = p.initial
			if s.name == "CANCEL" {
				to = strings.TrimSuffix(to, "[peer_tag_param]")
			}
		}
	case p.caller && !p.begun:
		uri = p.initial
	}
	if !p.begun && p.caller {
		p.begun = true
		to = strings.TrimSuffix(to, "[peer_tag_param]")
	}
	if _, lost := s.wish("lost"); lost {
		to += ";tag=nobody-knows"
	}
	hops := "70"
	if h, ok := s.wish("hops"); ok {
		hops = h
	}
	lines := []string{
		fmt.Sprintf("%s %s SIP/2.0", method, uri),
		fmt.Sprintf("Via: SIP/2.0/%s %s;rport;branch=%s", strings.ToUpper(p.transport), p.self, branch),
		"Max-Forwards: " + hops, "From: " + from, "To: " + to, "Call-ID: [call_id]", fmt.Sprintf("CSeq: %d %s", seq, method),
	}
	switch method {
	case "INVITE", "UPDATE", "REFER", "SUBSCRIBE", "NOTIFY":
		lines = append(lines, "Contact: "+p.contact(), allow)
	case "PRACK":
		lines = append(lines, fmt.Sprintf("RAck:[$rseq] %d INVITE", p.invite[p.sent]))
	}
	return lines
}

// ends are From and To of a request.
func (p *speaker) ends(s step) (from, to string) {
	if !p.caller {
		return fmt.Sprintf("[$to1];tag=%s", p.tag(step{})), "[$from1]"
	}
	if !p.begun {
		p.initial = "sip:" + p.number + "@" + p.box.String()
		if number, ok := s.wish("to"); ok {
			p.initial = "sip:" + number + "@" + p.box.String()
		}
		if uri, ok := s.wish("uri"); ok {
			p.initial = uri
		}
	}
	from = fmt.Sprintf(`"%s name" <sip:%s-user@%s.example>`, p.marker, p.marker, p.marker)
	if f, ok := s.wish("from"); ok {
		from = f
		p.from = f
	} else if p.from != "" {
		from = p.from
	}
	return from + ";tag=" + p.tag(step{}), "<" + p.initial + ">[peer_tag_param]"
}

// cseq gives a request its CSeq.
func (p *speaker) cseq(s step, n int) int {
	switch {
	case s.name == "ACK" && s.auto:
		return p.invite[n]
	case s.name == "ACK":
		return p.invite[p.agreed]
	case s.name == "CANCEL":
		return p.invite[p.sent]
	}
	p.seq++
	if text, ok := s.wish("cseq"); ok {
		fmt.Sscan(text, &p.seq)
	}
	if s.name == "INVITE" {
		p.invite[n], p.sent = p.seq, n
	}
	return p.seq
}

// body is what the message carries. INVITEs and their 200 carry a session description unless told otherwise.
func (p *speaker) body(s step) (kind, body string) {
	if b, ok := s.wish("body"); ok {
		kind, body, _ = strings.Cut(b, " ")
		return kind, strings.ReplaceAll(body, `\n`, "\n")
	}
	if _, no := s.wish("no sdp"); no {
		return "", ""
	}
	how, asked := s.wish("sdp")
	if !asked && s.name != "INVITE" && (s.name != "200" || s.about.method != "INVITE") {
		return "", ""
	}
	return "application/sdp", p.describe(how)
}

// describe writes a session description: the usual one of two codecs and key presses, or with peculiarities.
func (p *speaker) describe(how string) string {
	p.bodies++
	address, port, codecs, extra := p.self.Addr(), 40000, "8 0 101", ""
	connection := address.String()
	version := p.bodies
	for _, word := range strings.Fields(how) {
		switch word {
		case "same":
			version = 1
		case "moved":
			port = 41000
		case "zero":
			connection = "0.0.0.0"
		case "sendonly", "recvonly", "inactive":
			extra += "a=" + word + "\n"
		case "pcma":
			codecs = "8 101"
		case "pcmu":
			codecs = "0 101"
		case "gsm":
			codecs = "3"
		case "video":
			extra += "m=video 42000 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
		}
	}
	family := "IP4"
	if address.Is6() {
		family = "IP6"
	}
	maps := ""
	for _, c := range strings.Fields(codecs) {
		maps += "a=rtpmap:" + c + " " + map[string]string{"8": "PCMA/8000", "0": "PCMU/8000", "3": "GSM/8000", "101": "telephone-event/8000"}[c] + "\n"
	}
	return fmt.Sprintf("v=0\no=%s-switch 77 %d IN %s %s\ns=%s-session\nc=IN %s %s\nt=0 0\nm=audio %d RTP/AVP %s\n%s%s",
		p.marker, version, family, address, p.marker, family, connection, port, codecs, maps, extra)
}
