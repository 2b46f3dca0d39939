package edge

// kind is a header field that the gate looks at.
type kind uint8

const (
	kindOther kind = iota
	kindVia        // at least one

	// exactly one
	kindFrom
	kindTo
	kindCallID
	kindCSeq

	// at most one
	kindContentLength
	kindContentType
	kindMaxForwards
	kindReferTo
	kindReplaces
	kindEvent
	kindSessionExpires

	kinds // how many there are
)

// kindOf knows long and compact names (RFC 3261 §7.3.3), in any case.
func kindOf(name []byte) kind {
	var k kind
	switch len(name) {
	case 1:
		return compactKind(name[0] | 0x20)
	case 2:
		return named(name, kindTo)
	case 3:
		return named(name, kindVia)
	case 4:
		if k = named(name, kindFrom); k == kindOther {
			k = named(name, kindCSeq)
		}
	case 5:
		return named(name, kindEvent)
	case 7:
		return named(name, kindCallID)
	case 8:
		if k = named(name, kindReferTo); k == kindOther {
			k = named(name, kindReplaces)
		}
	case 12:
		if k = named(name, kindContentType); k == kindOther {
			k = named(name, kindMaxForwards)
		}
	case 14:
		return named(name, kindContentLength)
	case 15:
		return named(name, kindSessionExpires)
	}
	return k
}

// named is k if that is the name.
func named(name []byte, k kind) kind {
	if equalFold(name, k.name()) {
		return k
	}
	return kindOther
}

func compactKind(c byte) kind {
	switch c {
	case 'v':
		return kindVia
	case 'f':
		return kindFrom
	case 't':
		return kindTo
	case 'i':
		return kindCallID
	case 'l':
		return kindContentLength
	case 'c':
		return kindContentType
	case 'r':
		return kindReferTo
	case 'o':
		return kindEvent
	case 'x':
		return kindSessionExpires
	}
	return kindOther
}

// name is the long name in lower case.
func (k kind) name() string {
	switch k {
	case kindVia:
		return "via"
	case kindFrom:
		return "from"
	case kindTo:
		return "to"
	case kindCallID:
		return "call-id"
	case kindCSeq:
		return "cseq"
	case kindContentLength:
		return "content-length"
	case kindContentType:
		return "content-type"
	case kindMaxForwards:
		return "max-forwards"
	case kindReferTo:
		return "refer-to"
	case kindReplaces:
		return "replaces"
	case kindEvent:
		return "event"
	case kindSessionExpires:
		return "session-expires"
	}
	return ""
}

// String is the long name as it is usually written.
func (k kind) String() string {
	switch k {
	case kindCallID:
		return "Call-ID"
	case kindCSeq:
		return "CSeq"
	}
	name, up := []byte(k.name()), true
	for i, c := range name {
		if up && lower(c) {
			name[i] = c - 'a' + 'A'
		}
		up = c == '-'
	}
	return string(name)
}
