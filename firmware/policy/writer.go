package policy

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// writer prints block style YAML of one fixed form, so that the same policy is always the same bytes and a release of
// the YAML library changes nothing that is stored.
type writer struct {
	secret func(Secret) string
	buf    bytes.Buffer
}

// mapping writes what is set. usual is the same with the fixed defaults, where a nought means something else than nothing; the
// zero Value where it never does.
func (w *writer) mapping(v, usual reflect.Value, indent int) {
	for i := range v.NumField() {
		field, other := v.Field(i), reflect.Value{}
		if usual.IsValid() {
			other = usual.Field(i)
		}
		if !unset(field) || meansNought(field, other) {
			w.entry(v.Type().Field(i).Tag.Get("yaml"), field, other, indent)
		}
	}
}

// meansNought tells a nought that would be read back as a default if it were not written.
func meansNought(v, usual reflect.Value) bool {
	return usual.IsValid() && !usual.IsZero() && (v.Kind() == reflect.Int || v.Kind() == reflect.Struct)
}

// withNoughts holds the defaults of the sections in which a nought means that there is no bound.
func withNoughts() reflect.Value {
	b := blank()
	return reflect.ValueOf(Policy{Fraud: b.Fraud, Rotation: b.Rotation})
}

func (w *writer) entry(key string, v, usual reflect.Value, indent int) {
	w.indent(indent)
	w.buf.WriteString(key + ":")
	if text, ok := w.text(v); ok {
		w.scalar(text, v.Kind(), indent)
		return
	}
	w.buf.WriteByte('\n')
	if v.Kind() == reflect.Slice {
		w.list(v, indent+2)
		return
	}
	w.mapping(v, usual, indent+2)
}

// list writes one element a line. The first key of a mapping stands behind the dash.
func (w *writer) list(v reflect.Value, indent int) {
	for i := range v.Len() {
		w.indent(indent)
		w.buf.WriteByte('-')
		if text, ok := w.text(v.Index(i)); ok {
			w.scalar(text, v.Index(i).Kind(), indent)
			continue
		}
		w.element(v.Index(i), indent)
	}
}

// element writes a mapping behind a dash: what the mapping begins with takes the place of its own indentation.
func (w *writer) element(v reflect.Value, indent int) {
	inner := writer{secret: w.secret}
	inner.mapping(v, reflect.Value{}, indent+2)
	if inner.buf.Len() == 0 {
		inner.buf.WriteString(" {}\n")
	}
	w.buf.Write(bytes.TrimPrefix(inner.buf.Bytes(), []byte(strings.Repeat(" ", indent+1))))
}

// plain matches text that no YAML reader takes for anything but itself.
var plain = patternOf(`^[A-Za-z0-9/][A-Za-z0-9._/:+-]*$`)

// looksTyped matches plain text that a YAML reader may take for a number, a date or a word with a meaning.
var looksTyped = patternOf(`(?i)^([0-9._:+-]+|0[xob].*|[0-9.]+e[0-9+-]+|true|false|yes|no|on|off|null|y|n)$`)

func (w *writer) scalar(text string, kind reflect.Kind, indent int) {
	switch {
	case strings.Contains(text, "\n"):
		w.block(text, indent+2)
		return
	case plain.matches(text) && (kind != reflect.String || !looksTyped.matches(text)) && !strings.HasSuffix(text, ":"):
		w.buf.WriteString(" " + text)
	default:
		w.buf.WriteString(" " + doubleQuoted(text))
	}
	w.buf.WriteByte('\n')
}

// block writes text of several lines as it stands. Only certificates have more than one.
func (w *writer) block(text string, indent int) {
	w.buf.WriteString(" |\n")
	for line := range strings.Lines(text) {
		w.indent(indent)
		w.buf.WriteString(strings.TrimRight(line, "\n") + "\n")
	}
}

// doubleQuoted writes text as JSON does, which every YAML 1.2 reader reads as YAML too (YAML 1.2 §1.3).
func doubleQuoted(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string cannot fail
	return strings.TrimRight(b.String(), "\n")
}

func (w *writer) indent(n int) { w.buf.WriteString(strings.Repeat(" ", n)) }
