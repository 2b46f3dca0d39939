package policy

// Parse reads a document: strict YAML, defaults filled in. The error is Faults, with every fault that could be found.
//
//	bytes --readText--> text --readTokens--> tokens --readTree--> tree --decode--> Policy --fill--> --Check-->
//
// A document that is not well-formed, or uses what no policy needs (anchors, tags, several documents), stops at the
// stage that found it. From the tree on nothing stops: unknown keys, wrong types and wrong values are told together.
func Parse(doc []byte) (*Policy, error) { return parse(doc, true) }

// ParseKept reads what the store has kept. Passwords were judged when they came in: a later release with a better judgement
// must not leave the office without telephones.
func ParseKept(doc []byte) (*Policy, error) { return parse(doc, false) }

func parse(doc []byte, judge bool) (*Policy, error) {
	p, d, err := decode(doc)
	if err != nil {
		return nil, err
	}
	if faults := append(d.faults, d.placed(p.check(judge))...); len(faults) > 0 {
		return nil, faults.inOrder()
	}
	return p, nil
}

// decode reads a document and fills in the defaults. What cannot be read of it, the decoder knows.
func decode(doc []byte) (*Policy, *decoder, error) {
	text, faults := readText(doc)
	if faults != nil {
		return nil, nil, faults.inOrder()
	}
	tokens, faults := readTokens(text)
	if faults != nil {
		return nil, nil, faults.inOrder()
	}
	root, faults := readTree(tokens)
	if faults != nil {
		return nil, nil, faults.inOrder()
	}
	p := blank()
	d := newDecoder()
	d.document(p, root)
	if other := d.otherVersion(p); other != nil {
		return nil, nil, other
	}
	p.fill()
	return p, d, nil
}
