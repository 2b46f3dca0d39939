package policy

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
)

// Canonical writes the policy with its secrets in the clear: for the store, and for nobody else. Parse reads it back to
// the same policy; Canonical makes sure of that before it returns, because what it writes is what the box boots from.
func (p *Policy) Canonical() ([]byte, error) {
	if p.masked() {
		return nil, errors.New("writing the policy: a secret is still masked, FillSecrets was not called")
	}
	doc := p.write(Secret.Reveal)
	back, err := Parse(doc)
	if err != nil {
		// The faults speak of a document that nobody wrote, but they hold no secrets.
		return nil, fmt.Errorf("reading back the written policy: %w", err)
	}
	if !reflect.DeepEqual(back.unfilled(), p.unfilled()) {
		return nil, errors.New("reading back the written policy: it is not the same")
	}
	return doc, nil
}

// Redacted writes the policy with *** for every secret: for people. It can be imported again where the secrets are in
// force (see FillSecrets).
func (p *Policy) Redacted() ([]byte, error) {
	return p.write(Secret.String), nil
}

// write leaves out what is empty and what follows from the rest.
func (p *Policy) write(secret func(Secret) string) []byte {
	w := writer{secret: secret}
	w.mapping(reflect.ValueOf(p.unfilled()).Elem(), withNoughts(), 0)
	return w.buf.Bytes()
}

// text returns a scalar as a document has it, or false when v is no scalar.
func (w *writer) text(v reflect.Value) (string, bool) {
	switch x := v.Interface().(type) {
	case Secret:
		return w.secret(x), true
	case encoding.TextMarshaler: // PortRange, netip.Addr, Prefix and AddrPort, none of which can fail
		b, _ := x.MarshalText()
		return string(b), true
	}
	switch v.Kind() {
	case reflect.String:
		return v.String(), true
	case reflect.Int, reflect.Uint16, reflect.Bool:
		return fmt.Sprint(v.Interface()), true
	}
	return "", false
}
