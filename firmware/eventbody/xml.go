package eventbody

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"tollgate/firmware/event"
)

// Bounds of an XML body. A notification about a busy office fits well.
const (
	maxDepth      = 8
	maxElements   = 1000
	maxAttributes = 16
	maxEntries    = 100 // dialogs or contacts
)

// readXML reads body into into, whose type names the root element, once it is known to be harmless.
func readXML(body []byte, into any) error {
	if err := inspect(body); err != nil {
		return err
	}
	if err := xml.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the XML is not what it should be: %w", err)
	}
	return nil
}

// inspect refuses XML that is more than elements, attributes and text: the reader that fills the fields would pass over it.
func inspect(body []byte) error {
	d := xml.NewDecoder(bytes.NewReader(body))
	depth, elements, roots := 0, 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("the XML cannot be read: %w", err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return errors.New("XML with a document type is not taken")
		case xml.ProcInst:
			if t.Target != "xml" || elements > 0 {
				return errors.New("XML with processing instructions is not taken")
			}
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth, elements = depth+1, elements+1
			if depth > maxDepth || elements > maxElements || len(t.Attr) > maxAttributes {
				return errors.New("the XML is too deep or too large")
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return errors.New("the XML has text outside its root element")
			}
		}
	}
	if roots != 1 {
		return errors.New("the XML has not exactly one root element")
	}
	return nil
}

// writeXML writes a body.
func writeXML(v any) ([]byte, error) {
	text, err := xml.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write the XML: %w", err)
	}
	return append([]byte(xml.Header), text...), nil
}

// scope is whether a document tells all or only what has changed.
func scope(state string) error {
	if state != "full" && state != "partial" {
		return fmt.Errorf("state is to be full or partial, not %q", event.Printable(state))
	}
	return nil
}

// oneOf returns text when it is one of the words, else "".
func oneOf(text, words string) string {
	for _, w := range strings.Fields(words) {
		if text == w {
			return w
		}
	}
	return ""
}
