package scenario

import (
	"fmt"
	"slices"
	"strings"
)

// script writes one peer's steps as a scenario of sipp.
func (p *speaker) script(steps []step) string {
	first := slices.IndexFunc(steps, func(s step) bool { return s.kind != waits })
	p.caller = steps[first].kind == sends
	p.invite, p.within = map[int]int{}, map[int]bool{}
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<scenario name=\"" + p.marker + "\">\n")
	var kept []string
	for i, s := range steps {
		switch s.kind {
		case waits:
			fmt.Fprintf(&b, "<pause milliseconds=\"%d\"/>\n", s.wait)
		case sends:
			p.writeSend(&b, s)
			if s.name == "INVITE" && i+1 < len(steps) && steps[i+1].kind == receives && steps[i+1].name != "100" {
				b.WriteString("<recv response=\"100\" optional=\"true\"/>\n")
			}
		case receives:
			kept = append(kept, p.writeReceive(&b, s)...)
		}
	}
	for _, variable := range kept { // sipp refuses a variable that it sees once
		fmt.Fprintf(&b, "<Reference variables=\"%s\"/>\n", variable)
	}
	b.WriteString("</scenario>\n")
	return b.String()
}

func (p *speaker) writeSend(b *strings.Builder, s step) {
	again := ""
	if s.name != "ACK" && !s.response() || s.name == "200" && s.about.method == "INVITE" {
		again = " retrans=\"500\""
	}
	fmt.Fprintf(b, "<send%s><![CDATA[\n%s]]></send>\n", again, p.render(s))
	if s.response() && !p.caller && s.about.method == "INVITE" && (s.name > "100" && s.name < "300") {
		p.begun = true
	}
}

// writeReceive writes what is waited for and, of a request, keeps what its answer needs; it returns the names of that.
func (p *speaker) writeReceive(b *strings.Builder, s step) []string {
	if s.response() {
		if s.about.method == "INVITE" && s.name[0] == '2' {
			p.agreed = s.about.number
		}
		if !slices.ContainsFunc(s.wishes, func(w string) bool { return strings.HasPrefix(w, "RSeq: ") }) {
			fmt.Fprintf(b, "<recv response=\"%s\"%s/>\n", s.name, p.follow(s))
			return nil
		}
		fmt.Fprintf(b, "<recv response=\"%s\"%s><action>\n%s</action></recv>\n", s.name, p.follow(s), keep("RSeq", "rseq"))
		return []string{"rseq"}
	}
	if s.name == "ACK" {
		b.WriteString("<recv request=\"ACK\"/>\n")
		return nil
	}
	n := s.about.number
	p.within[n] = p.caller || p.begun
	fmt.Fprintf(b, "<recv request=\"%s\"%s><action>\n", s.name, p.follow(s))
	var kept []string
	for _, name := range []string{"Via", "From", "To", "CSeq"} {
		v := fmt.Sprintf("%s%d", strings.ToLower(name), n)
		kept = append(kept, v)
		b.WriteString(keep(name, v))
	}
	b.WriteString("</action></recv>\n")
	return kept
}

// follow has sipp take the Contact of what sets the dialog's target.
func (p *speaker) follow(s step) string {
	if m := s.about.method; (m == "INVITE" || m == "SUBSCRIBE") && (!s.response() || s.name < "300") {
		return " rrs=\"true\""
	}
	return ""
}

// keep has sipp keep the value of a header field.
func keep(header, variable string) string {
	return fmt.Sprintf("<ereg regexp=\".*\" search_in=\"hdr\" header=\"%s:\" assign_to=\"%s\"/>\n", header, variable)
}
