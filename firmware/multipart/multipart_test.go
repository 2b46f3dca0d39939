package multipart

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

const (
	description = "v=0\r\no=- 1 1 IN IP4 192.0.2.50\r\ns=-\r\nt=0 0\r\n"
	place       = "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\"/>"
)

// body writes parts, each with its header, between boundaries.
func body(parts ...string) string {
	return "--edge\r\n" + strings.Join(parts, "\r\n--edge\r\n") + "\r\n--edge--\r\n"
}

const (
	session  = "Content-Type: application/sdp\r\n\r\n" + description
	location = "Content-Type: application/pidf+xml\r\nContent-ID: <place@192.0.2.50>\r\n\r\n" + place
)

func TestTheSessionDescriptionIsTakenOut(t *testing.T) {
	second := strings.Replace(session, "1 1 IN", "2 2 IN", 1)
	for _, c := range []struct{ name, kind, body, want string }{
		{"with a location", "multipart/mixed;boundary=edge", body(session, location), description},
		{"behind a location", "Multipart/Mixed; Boundary=\"edge\"", body(location, session), description},
		{"alone", "multipart/mixed;boundary=edge", body(session), description},
		{"nowhere", "multipart/mixed;boundary=edge", body(location), ""},
		{"text around the parts", "multipart/mixed;boundary=edge", "hello\r\n" + body(session) + "good-bye", description},
		{"no end of line behind", "multipart/mixed;boundary=edge", strings.TrimSuffix(body(session, location), "\r\n"), description},
		{"blanks behind a boundary", "multipart/mixed;boundary=edge", strings.ReplaceAll(body(session, location), "--edge\r\n", "--edge \t\r\n"), description},
		{"a part without a header", "multipart/mixed;boundary=edge", body("\r\nhello", session), description},
		{"a part without a body", "multipart/mixed;boundary=edge", body("Content-Type: text/plain\r\n", session), description},
		{"an empty part", "multipart/mixed;boundary=edge", "--edge\r\n--edge\r\n" + session + "\r\n--edge--", description},
		{"a folded field", "multipart/mixed;boundary=edge", body(strings.Replace(session, "application", "\r\n application", 1)), description},
		{"optional ISUP", "multipart/mixed;boundary=edge", body(session, "Content-Type: application/isup;version=itu-t92+\r\nContent-Disposition: signal;handling=optional\r\n\r\n\x01\x00"), description},
		{"early media beside it", "multipart/mixed;boundary=edge", body("Content-Type: application/sdp\r\nContent-Disposition: early-session\r\n\r\nx", session), description},
		{"the boundary within a line", "multipart/mixed;boundary=edge", body("Content-Type: text/plain\r\n\r\na --edge b", session), description},
		{"the last alternative", "multipart/alternative;boundary=edge", body(session, second, location), second[strings.Index(second, "v=0"):]},
		{"an alternative that is not understood", "multipart/alternative;boundary=edge", body(session, "Content-Type: application/sdpng\r\nContent-Disposition: session;handling=required\r\n\r\nx"), description},
		{"sent as binary", "multipart/mixed;boundary=edge", body("Content-Transfer-Encoding: binary\r\n" + session), description},
	} {
		if got, err := Description(c.kind, []byte(c.body)); err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}

func TestAPartThatMustBeUnderstoodIsAnError(t *testing.T) {
	required := "Content-Type: application/isup\r\nContent-Disposition: signal; Handling=REQUIRED\r\n\r\n\x01"
	got, err := Description("multipart/mixed;boundary=edge", []byte(body(session, required)))
	if !errors.Is(err, ErrRequired) || !strings.Contains(err.Error(), "application/isup") || string(got) != description {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := Description("multipart/alternative;boundary=edge", []byte(body(required))); !errors.Is(err, ErrRequired) {
		t.Errorf("the only alternative: %v", err)
	}
}

func TestABodyThatCanBeReadInTwoWaysIsRefused(t *testing.T) {
	const mixed = "multipart/mixed;boundary=edge"
	for _, c := range []struct{ name, kind, body string }{
		{"no boundary", "multipart/mixed", body(session)},
		{"an empty boundary", "multipart/mixed;boundary=\"\"", body(session)},
		{"a boundary with a line end", "multipart/mixed;boundary=\"a\r\nb\"", body(session)},
		{"two boundaries", "multipart/mixed;boundary=edge;boundary=other", body(session)},
		{"a boundary of 71 characters", "multipart/mixed;boundary=" + strings.Repeat("x", 71), body(session)},
		{"a boundary that ends with a blank", "multipart/mixed;boundary=\"edge \"", body(session)},
		{"another boundary", "multipart/mixed;boundary=other", body(session)},
		{"no end", mixed, strings.TrimSuffix(body(session), "--edge--\r\n")},
		{"an end alone", mixed, "--edge--\r\n"},
		{"a line that begins like a boundary", mixed, body(session, "\r\n--edges\r\n")},
		{"LF before a boundary", mixed, strings.Replace(body(session, location), "\r\n--edge\r\n", "\n--edge\r\n", 1)},
		{"CR before a boundary", mixed, strings.Replace(body(session, location), "\r\n--edge\r\n", "\r--edge\r\n", 1)},
		{"LF behind a boundary", mixed, strings.Replace(body(session, location), "--edge\r\n", "--edge\n", 1)},
		{"two descriptions", mixed, body(session, session)},
		{"two types of one part", mixed, body("Content-Type: text/plain\r\n" + session)},
		{"a field without a colon", mixed, body("hello\r\n" + session)},
		{"an encoded description", mixed, body("Content-Transfer-Encoding: base64\r\n" + session)},
		{"nine parts", mixed, body(strings.Split(strings.Repeat(location+"|", 8)+session, "|")...)},
		{"a header without an end", mixed, body("X: " + strings.Repeat("y", 4096) + "\r\n" + session)},
		{"seventeen fields", mixed, body(manyFields(17) + session)},
		{"nothing", mixed, ""},
	} {
		if got, err := Description(c.kind, []byte(c.body)); err == nil || got != nil {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat("X", i+1) + ": y\r\n")
	}
	return b.String()
}

func TestTypesOfSeveralParts(t *testing.T) {
	for kind, want := range map[string]bool{
		"multipart/mixed;boundary=x": true, " MULTIPART/related": true, "multipart/": false, "application/sdp": false, "": false, "multiparts/mixed": false,
	} {
		if Is(kind) != want {
			t.Errorf("Is(%q) = %v", kind, !want)
		}
	}
}

func FuzzDescription(f *testing.F) {
	for _, b := range []string{body(session, location), body(location, session), "--edge\r\n--edge--", "\r\n--edge\r\n\r\n\r\n--edge--\r\n", body("A:\r\n b\r\n\r\n")} {
		f.Add("multipart/mixed;boundary=edge", []byte(b))
		f.Add("multipart/alternative;boundary=edge", []byte(b))
	}
	f.Fuzz(func(t *testing.T, kind string, b []byte) {
		got, err := Description(kind, b)
		if err != nil && !errors.Is(err, ErrRequired) {
			if got != nil {
				t.Errorf("a body that cannot be read has the description %q", got)
			}
			return
		}
		if got == nil {
			return
		}
		// What was found stands in the body between two boundaries as it was written: put into a body of its own, it is found again.
		again, err := Description("multipart/mixed;boundary=xyz-unique", []byte("--xyz-unique\r\nContent-Type: application/sdp\r\n\r\n"+string(got)+"\r\n--xyz-unique--"))
		if !bytes.Contains(b, got) || !bytes.Contains(got, []byte("--xyz-unique")) && (err != nil || !bytes.Equal(got, again)) {
			t.Errorf("%q was found in %q, and then %q, %v", got, b, again, err)
		}
	})
}
