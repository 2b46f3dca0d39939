package edge

// fault says what is wrong with a message. The zero value says that nothing is. It is a plain value, so that finding
// one allocates nothing.
type fault struct {
	code faultCode
	kind kind // of the header concerned, where there is one
}

type faultCode uint8

const (
	faultNone faultCode = iota

	// These leave no trustworthy end of the message: on a stream the connection ends with them.
	faultTooLarge
	faultUnfinished
	faultControl
	faultBareCR
	faultBareLF
	faultStartLine
	faultStartLineLong
	faultName
	faultTooManyFields
	faultFieldLong
	faultLength
	faultLengthTwice
	faultLengthMissing

	// These concern one message only.
	faultVersion
	faultMethodCase
	faultStatus
	faultBodyShort
	faultMissing
	faultEmpty
	faultTwice
	faultCSeq
	faultCSeqMethod
	faultMaxForwards
	faultScheme
	faultParser
	faultVia
	faultTag
	faultMisrouted
)

// found tells whether there is a fault.
func (f fault) found() bool { return f.code != faultNone }

// framing tells whether the end of the message cannot be trusted.
func (f fault) framing() bool { return f.code != faultNone && f.code <= faultLengthMissing }

// status is what a request with the fault is answered with (RFC 3261 §21).
func (f fault) status() int {
	switch f.code {
	case faultStartLineLong:
		return 414
	case faultScheme:
		return 416
	case faultMethodCase:
		return 501
	case faultVersion:
		return 505
	case faultTooLarge, faultTooManyFields, faultFieldLong:
		return 513
	}
	return 400
}

// reason names the fault in a few words. It is also the reason phrase of the answer, as RFC 3261 §21.4.1 asks.
func (f fault) reason() string {
	switch f.code {
	case faultMissing:
		return "Missing " + f.kind.String() + " header field"
	case faultEmpty:
		return "Empty " + f.kind.String() + " header field"
	case faultTwice:
		return "More than one " + f.kind.String() + " header field"
	}
	return f.code.String()
}

// String names the fault without the header.
func (c faultCode) String() string {
	switch c {
	case faultTooLarge:
		return "Message larger than 65535 bytes"
	case faultUnfinished:
		return "Header section without an end"
	case faultControl:
		return "Control character in the header section"
	case faultBareCR:
		return "CR without LF"
	case faultBareLF:
		return "LF without CR"
	case faultStartLine:
		return "Malformed start line"
	case faultStartLineLong:
		return "Start line too long"
	case faultName:
		return "Malformed header field name"
	case faultTooManyFields:
		return "Too many header fields"
	case faultFieldLong:
		return "Header field too long"
	}
	return c.more()
}

func (c faultCode) more() string {
	switch c {
	case faultLength:
		return "Malformed Content-Length"
	case faultLengthTwice:
		return "More than one Content-Length header field"
	case faultLengthMissing:
		return "Missing Content-Length header field"
	case faultVersion:
		return "Version Not Supported"
	case faultMethodCase:
		return "Method in lower case"
	case faultStatus:
		return "Malformed status code"
	case faultBodyShort:
		return "Body shorter than Content-Length"
	case faultCSeq:
		return "Malformed CSeq"
	case faultCSeqMethod:
		return "CSeq method differs from the request's"
	case faultMaxForwards:
		return "Malformed Max-Forwards"
	case faultScheme:
		return "Unsupported URI Scheme"
	case faultParser:
		return "Malformed header field"
	case faultVia:
		return "Malformed Via"
	case faultTag:
		return "From without a tag"
	case faultMisrouted:
		return "Response that passed another sender"
	}
	return "none"
}
