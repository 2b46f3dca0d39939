package header

import "strings"

// Alert-Info (RFC 3261 §20.4, RFC 7462) says how to ring, Call-Info (§20.9) what else to do. Phones and door stations use
// both for answering by themselves, in and beside the forms of the RFCs:
//
//	<urn:alert:source:internal>   <http://192.0.2.5>;info=alert-autoanswer;delay=0   <http://host/Bellcore-dr3>
//	info=alert-autoanswer         <sip:pbx.office.example>;answer-after=0            ;answer-after=0

// nowhere is the host of a URI that must have one and is not to be looked up (RFC 2606 §2).
const nowhere = "anonymous.invalid"

const maxInfos = 8

func alertInfo(values []string) []string {
	return infos(values, "info", "delay", "answer-after", "appearance")
}

func callInfo(values []string) []string {
	return infos(values, "answer-after", "delay", "appearance", "appearance-index", "purpose")
}

// infos writes the entries afresh, with the parameters named.
func infos(values []string, names ...string) []string {
	var out []string
	for _, e := range entries(values, maxInfos) {
		if v := info(e, names); v != "" {
			out = append(out, v)
		}
	}
	return out
}

func info(e entry, names []string) string {
	if name, value, ok := strings.Cut(e.word, "="); ok && !e.uri { // parameters without anything before them
		e.word, e.params = "", append([]param{{strings.ToLower(name), value}}, e.params...)
		return strings.TrimPrefix(info(e, names), ";")
	}
	head, speaks := infoHead(e)
	var b strings.Builder
	b.WriteString(head)
	for _, name := range names {
		if v, ok := e.get(name); ok && word(v, 40) {
			b.WriteString(";" + name + "=" + v)
			speaks = speaks || name != "purpose" // which tells what the URI is, and the URI is gone
		}
	}
	if !speaks {
		return ""
	}
	return b.String()
}

// infoHead writes what stands before the parameters; speaks tells whether that means something by itself.
func infoHead(e entry) (head string, speaks bool) {
	if !e.uri {
		if word(e.word, 40) { // "Bellcore-dr3", "ring-answer"
			return e.word, true
		}
		return "", false
	}
	scheme, rest, _ := strings.Cut(e.word, ":")
	scheme = strings.ToLower(scheme)
	switch scheme {
	case "urn":
		if urn(rest) {
			return "<urn:" + rest + ">", true
		}
		return "", false
	case "sip", "sips":
		return "<" + scheme + ":" + nowhere + ">", false
	}
	// The distinctive rings of Bellcore GR-506 are named by the end of a URL that nobody fetches.
	if ring := e.word[strings.LastIndexByte(e.word, '/')+1:]; bellcore(ring) {
		return "<http://" + nowhere + "/" + ring + ">", true
	}
	return "<http://" + nowhere + ">", false
}

// urn tells whether a URN names a way to ring (RFC 7462), and no provider's own: those have a domain behind an @.
func urn(s string) bool {
	kind, rest, ok := strings.Cut(s, ":")
	return ok && strings.EqualFold(kind, "alert") && len(s) <= 128 && word(strings.ReplaceAll(rest, ":", ""), 128)
}

func bellcore(s string) bool {
	rest, ok := strings.CutPrefix(strings.ToLower(s), "bellcore-dr")
	return ok && len(rest) == 1 && rest[0] >= '1' && rest[0] <= '8'
}
