package eventbody

import (
	"encoding/xml"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the goldens anew")

// otherSide knows two numbers and one call; aliases are counted.
func otherSide() Names {
	aliases := map[string]string{}
	return Names{
		Entity: "sip:+33123456701@192.0.2.1",
		URI: func(uri string) (string, bool) {
			for _, known := range []string{"0123456701", "+33987654321"} {
				if strings.HasPrefix(uri, "sip:"+known+"@") {
					return "sip:" + known + "@192.0.2.1", true
				}
			}
			return "", false
		},
		Contact: func(string) string { return "sip:192.0.2.1:5060" },
		Dialog: func(d DialogName) (DialogName, bool) {
			if d == (DialogName{"hidden-crossing@10.1.2.3", "hidden-l", "hidden-r"}) {
				return DialogName{"own-call", "own-local", "own-remote"}, true
			}
			return DialogName{}, false
		},
		Alias: func(text string) string {
			if aliases[text] == "" {
				aliases[text] = "alias-" + string(rune('a'+len(aliases)%26))
			}
			return aliases[text]
		},
	}
}

func TestABodyIsWrittenInTheNamesOfTheOtherSide(t *testing.T) {
	for _, event := range Packages() {
		t.Run(event, func(t *testing.T) {
			in, err := os.ReadFile("testdata/" + event + ".in")
			if err != nil {
				t.Fatal(err)
			}
			got, err := Translate(event, in, otherSide())
			if err != nil {
				t.Fatal(err)
			}
			golden := "testdata/" + event + ".out"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if text := strings.ToLower(string(got)); strings.Contains(text, "hidden") || strings.Contains(text, "10.1.2.") {
				t.Errorf("something of the other side passes:\n%s", got)
			}
			again, err := Translate(event, got, otherSide())
			if err != nil || strings.Count(string(again), "\n") != strings.Count(string(got), "\n") {
				t.Errorf("what was written cannot be read: %v\n%s", err, again)
			}
		})
	}
}

func TestDisplayNamesPassWhereTheyMay(t *testing.T) {
	in, err := os.ReadFile("testdata/dialog.in")
	if err != nil {
		t.Fatal(err)
	}
	n := otherSide()
	n.Display = true
	got, err := Translate(Dialog, in, n)
	if err != nil || !strings.Contains(string(got), `display="Hidden Name"`) {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestWhatIsNoBodyOfThePackageIsRefused(t *testing.T) {
	dialog := func(inner string) string {
		return `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="sip:a@b">` + inner + `</dialog-info>`
	}
	reg := func(inner string) string {
		return `<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full">` + inner + `</reginfo>`
	}
	for name, c := range map[string]struct{ event, body, reason string }{
		"too long":                    {MessageSummary, strings.Repeat("x", MaxSize+1), "longer than"},
		"unknown package":             {"presence", "", "not known"},
		"no status":                   {MessageSummary, "Voice-Message: 1/0\r\n", "Messages-Waiting is missing"},
		"status twice":                {MessageSummary, "Messages-Waiting: yes\r\nMessages-Waiting: no\r\n", "once"},
		"status neither yes nor no":   {MessageSummary, "Messages-Waiting: maybe\r\n", "yes or no"},
		"a count that is none":        {MessageSummary, "Messages-Waiting: yes\r\nVoice-Message: many\r\n", "new/old"},
		"a count twice":               {MessageSummary, "Messages-Waiting: yes\r\nVoice-Message: 1/1\r\nvoice-message: 2/2\r\n", "told twice"},
		"urgent without its bracket":  {MessageSummary, "Messages-Waiting: yes\r\nVoice-Message: 1/1 (1/1\r\n", "urgent"},
		"no header":                   {MessageSummary, "hello\r\n", "no header field"},
		"no text":                     {MessageSummary, "Messages-Waiting: yes\xff", "not UTF-8"},
		"document type":               {Dialog, `<!DOCTYPE x [<!ENTITY a "b">]>` + dialog(""), "document type"},
		"entity":                      {Dialog, dialog("&a;"), "cannot be read"},
		"processing instruction":      {Dialog, dialog("<?run me?>"), "processing instructions"},
		"another character set":       {Dialog, `<?xml version="1.0" encoding="ISO-8859-1"?>` + dialog(""), "cannot be read"},
		"two roots":                   {Dialog, dialog("") + dialog(""), "one root"},
		"text outside":                {Dialog, dialog("") + "x", "outside"},
		"nothing":                     {Dialog, "", "one root"},
		"unclosed":                    {Dialog, "<dialog-info>", "cannot be read"},
		"another root":                {Dialog, reg(""), "not what it should be"},
		"no namespace":                {Dialog, `<dialog-info version="0" state="full" entity="x"/>`, "not what it should be"},
		"neither full nor partial":    {Dialog, `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="half" entity="x"/>`, "full or partial"},
		"a version that is no number": {Dialog, `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="-1" state="full" entity="x"/>`, "not what it should be"},
		"a dialog without id":         {Dialog, dialog(`<dialog><state>early</state></dialog>`), "no id"},
		"a dialog in no state":        {Dialog, dialog(`<dialog id="a"><state>happy</state></dialog>`), "no state"},
		"a tag that is none":          {Dialog, dialog(`<dialog id="a" call-id="a b"><state>early</state></dialog>`), "Call-ID or tag"},
		"a tag that is more":          {Dialog, dialog(`<dialog id="a" call-id="a" local-tag="b;early-only"><state>early</state></dialog>`), "Call-ID or tag"},
		"too deep":                    {Dialog, dialog(strings.Repeat("<a>", maxDepth) + strings.Repeat("</a>", maxDepth)), "too deep"},
		"too many elements":           {Dialog, dialog(strings.Repeat("<a/>", maxElements)), "too large"},
		"too many dialogs":            {Dialog, dialog(strings.Repeat(`<dialog id="a"><state>early</state></dialog>`, maxEntries+1)), "more than"},
		"a registration without aor":  {Reg, reg(`<registration id="a" state="init"/>`), "lacks its aor"},
		"a contact in no state":       {Reg, reg(`<registration aor="a" id="a" state="init"><contact id="a" event="created"/></registration>`), "contact lacks"},
		"a contact without URI":       {Reg, reg(`<registration aor="a" id="a" state="init"><contact id="a" state="active" event="created"/></registration>`), "no URI"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := Translate(c.event, []byte(c.body), otherSide())
			if err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %v and %q, want an error about %q", err, out, c.reason)
			}
		})
	}
}

func fuzz(f *testing.F, event string) {
	in, err := os.ReadFile("testdata/" + event + ".in")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(in)
	out, err := os.ReadFile("testdata/" + event + ".out")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(out)
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := Translate(event, body, otherSide())
		if err != nil {
			return
		}
		if text := strings.ToLower(string(got)); strings.Contains(text, "10.1.2.") || strings.Contains(text, "hidden") {
			t.Errorf("something of the other side passes:\n%s", got)
		}
		if event != MessageSummary && xml.Unmarshal(got, new(struct{})) != nil {
			t.Errorf("what was written is no XML:\n%s", got)
		}
		if _, err := Translate(event, got, otherSide()); err != nil {
			t.Errorf("what was written is refused: %v\n%s", err, got)
		}
	})
}

func FuzzMessageSummary(f *testing.F) { fuzz(f, MessageSummary) }
func FuzzDialog(f *testing.F)         { fuzz(f, Dialog) }
func FuzzReg(f *testing.F)            { fuzz(f, Reg) }
