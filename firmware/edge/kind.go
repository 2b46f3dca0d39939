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
	kindMinSE
	kindExpires
	kindRAck
	kindRSeq
	kindReferredBy
	kindTargetDialog
	kindSubscriptionState
	kindContentDisposition

	kinds // how many there are
)

// kindOf knows long and compact names (RFC 3261 §7.3.3), in any case.
func kindOf(name []byte) kind {
	switch len(name) {
	case 1:
		return compactKind(name[0] | 0x20)
	case 2:
		return named(name, kindTo)
	case 3:
		return named(name, kindVia)
	case 4:
		return named(name, kindFrom, kindCSeq, kindRAck, kindRSeq)
	case 5:
		return named(name, kindEvent)
	case 6:
		return named(name, kindMinSE)
	case 7:
		return named(name, kindCallID, kindExpires)
	case 8:
		return named(name, kindReferTo, kindReplaces)
	case 11:
		return named(name, kindReferredBy)
	case 12:
		return named(name, kindContentType, kindMaxForwards)
	case 13:
		return named(name, kindTargetDialog)
	case 14:
		return named(name, kindContentLength)
	case 15:
		return named(name, kindSessionExpires)
	case 18:
		return named(name, kindSubscriptionState)
	case 19:
		return named(name, kindContentDisposition)
	}
	return kindOther
}

// named is the one of these that has the name.
func named(name []byte, of ...kind) kind {
	for _, k := range of {
		if equalFold(name, k.name()) {
			return k
		}
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
	case 'b':
		return kindReferredBy
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
	case kindMinSE:
		return "min-se"
	case kindExpires:
		return "expires"
	case kindRAck:
		return "rack"
	case kindRSeq:
		return "rseq"
	case kindReferredBy:
		return "referred-by"
	case kindTargetDialog:
		return "target-dialog"
	case kindSubscriptionState:
		return "subscription-state"
	case kindContentDisposition:
		return "content-disposition"
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
	case kindRAck:
		return "RAck"
	case kindRSeq:
		return "RSeq"
	case kindMinSE:
		return "Min-SE"
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
