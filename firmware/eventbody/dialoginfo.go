package eventbody

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"tollgate/firmware/event"
)

// DialogName names a dialog as the one does who tells of it: Local is its own tag. A tag may be missing.
type DialogName struct{ CallID, Local, Remote string }

// dialogInfo is the body of the dialog package (RFC 4235 §4.1). What is not listed here does not pass: routes, session
// descriptions, sequence numbers, who referred whom.
type dialogInfo struct {
	XMLName xml.Name      `xml:"urn:ietf:params:xml:ns:dialog-info dialog-info"`
	Version uint32        `xml:"version,attr"`
	State   string        `xml:"state,attr"`
	Entity  string        `xml:"entity,attr"`
	Dialogs []dialogEntry `xml:"dialog"`
}

type dialogEntry struct {
	ID        string       `xml:"id,attr"`
	CallID    string       `xml:"call-id,attr,omitempty"`
	LocalTag  string       `xml:"local-tag,attr,omitempty"`
	RemoteTag string       `xml:"remote-tag,attr,omitempty"`
	Direction string       `xml:"direction,attr,omitempty"`
	State     dialogState  `xml:"state"`
	Duration  *uint32      `xml:"duration"` // seconds
	Replaces  *replaces    `xml:"replaces"`
	Local     *participant `xml:"local"`
	Remote    *participant `xml:"remote"`
}

type dialogState struct {
	Event string `xml:"event,attr,omitempty"`
	Code  uint16 `xml:"code,attr,omitempty"`
	Text  string `xml:",chardata"`
}

type replaces struct {
	CallID    string `xml:"call-id,attr"`
	LocalTag  string `xml:"local-tag,attr"`
	RemoteTag string `xml:"remote-tag,attr"`
}

type participant struct {
	Identity *identity `xml:"identity"`
	Target   *target   `xml:"target"`
}

type identity struct {
	Display string `xml:"display,attr,omitempty"`
	URI     string `xml:",chardata"`
}

type target struct {
	URI    string  `xml:"uri,attr"`
	Params []param `xml:"param"`
}

// param is a parameter of a target; the only one that passes tells whether somebody is on hold (RFC 4235 §4.3).
type param struct {
	Name  string `xml:"pname,attr"`
	Value string `xml:"pval,attr"`
}

const rendering = "+sip.rendering"

func readDialogInfo(body []byte) (*dialogInfo, error) {
	d := &dialogInfo{}
	if err := readXML(body, d); err != nil {
		return nil, err
	}
	if err := scope(d.State); err != nil {
		return nil, err
	}
	if len(d.Dialogs) > maxEntries {
		return nil, fmt.Errorf("%d dialogs are more than %d", len(d.Dialogs), maxEntries)
	}
	for i := range d.Dialogs {
		if err := d.Dialogs[i].check(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// check refuses an entry that nobody could follow, and drops what is not known.
func (e *dialogEntry) check() error {
	for _, text := range []string{e.CallID, e.LocalTag, e.RemoteTag} {
		if text != "" && !identifier(text) {
			return errors.New("a Call-ID or tag of a dialog is none")
		}
	}
	if !identifier(e.ID) {
		return errors.New("a dialog has no id")
	}
	state := oneOf(trim(e.State.Text), "trying proceeding early confirmed terminated")
	if state == "" {
		return errors.New("a dialog is in no state that is known")
	}
	e.State.Text = state
	e.State.Event = oneOf(e.State.Event, "cancelled rejected replaced local-bye remote-bye error timeout")
	if e.State.Code < 100 || e.State.Code > 699 {
		e.State.Code = 0
	}
	e.Direction = oneOf(e.Direction, "initiator recipient")
	return nil
}

func (d *dialogInfo) rename(n *Names) {
	d.Entity = n.Entity
	for i := range d.Dialogs {
		d.Dialogs[i].rename(n)
	}
}

func (e *dialogEntry) rename(n *Names) {
	e.ID = n.Alias(e.ID)
	name := n.dialog(DialogName{e.CallID, e.LocalTag, e.RemoteTag})
	e.CallID, e.LocalTag, e.RemoteTag = name.CallID, name.Local, name.Remote
	if r := e.Replaces; r != nil {
		name, ok := n.Dialog(DialogName{r.CallID, r.LocalTag, r.RemoteTag})
		e.Replaces = &replaces{name.CallID, name.Local, name.Remote}
		if !ok {
			e.Replaces = nil // a call that the other side has no part in
		}
	}
	e.Local.rename(n)
	e.Remote.rename(n)
}

// dialog names a dialog for the other side: by its own one of the same call, else by something that only can be compared.
func (n *Names) dialog(d DialogName) DialogName {
	if d.CallID == "" {
		return DialogName{}
	}
	if own, ok := n.Dialog(d); ok {
		return own
	}
	hide := func(text string) string {
		if text == "" {
			return ""
		}
		return n.Alias(text)
	}
	return DialogName{hide(d.CallID), hide(d.Local), hide(d.Remote)}
}

func (p *participant) rename(n *Names) {
	if p == nil {
		return
	}
	shown := ""
	if p.Identity != nil {
		shown = n.uri(trim(p.Identity.URI))
		display := ""
		if n.Display {
			display = event.Printable(strings.TrimSpace(p.Identity.Display))
		}
		p.Identity = &identity{Display: display, URI: shown}
	}
	if p.Target == nil {
		return
	}
	uri, ok := n.URI(p.Target.URI)
	if !ok {
		uri = shown // a telephone's own address: its owner is reached by name
	}
	if uri == "" {
		uri = unknownURI
	}
	t := &target{URI: uri}
	for _, q := range p.Target.Params {
		if v := oneOf(q.Value, "yes no unknown"); q.Name == rendering && v != "" && len(t.Params) == 0 {
			t.Params = []param{{rendering, v}}
		}
	}
	p.Target = t
}

func (d *dialogInfo) write() ([]byte, error) { return writeXML(d) }
