package notice

import (
	"net"
	"strconv"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/eventbody"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// namesFor says how those whom source names are called towards reader, who knows the one that is told about as entity.
// Numbers are told, in the reader's spelling and at the box; whatever else a URI may name is not.
func (e *errand) namesFor(source, reader Party, entity string, a *aliases) eventbody.Names {
	return eventbody.Names{
		Entity:  entity,
		Display: reader.Peer.Side == policy.SideInside || reader.Verbatim,
		Contact: func(string) string { return reader.Local.Contact("") },
		URI: func(text string) (string, bool) {
			if source.Verbatim && reader.Verbatim {
				return userAt(text, reader.Domain)
			}
			n, ok := e.numberIn(source, text)
			if !ok {
				return "", false
			}
			return "sip:" + e.settings.Plan.Write(n, string(reader.Format)) + "@" + reader.Local.URIHost(), true
		},
		Dialog: func(name eventbody.DialogName) (eventbody.DialogName, bool) {
			// What is local to the source is the remote tag of the box's dialog with it, and the other way round.
			other, callID, local, remote, ok := e.desk.o.Calls.Across(source.Peer, name.CallID, name.Remote, name.Local)
			if ok && other == reader.Peer && !reader.Peer.Phone() { // several phones may share a peer
				return eventbody.DialogName{CallID: callID, Local: local, Remote: remote}, true
			}
			return a.dialog(name), true
		},
		Alias: a.of,
	}
}

// userAt is the user of a URI at another host; false when it has none.
func userAt(text, host string) (string, bool) {
	var uri sip.Uri
	if err := sip.ParseUri(text, &uri); err != nil || uri.Scheme == "tel" || !isName(uri.User) {
		return "", false
	}
	return "sip:" + uri.User + "@" + host, true
}

// numberIn reads the number in a URI as a party writes it.
func (e *errand) numberIn(p Party, text string) (n numbering.Number, ok bool) {
	var uri sip.Uri
	if err := sip.ParseUri(text, &uri); err != nil {
		return numbering.Number{}, false
	}
	n, err := e.settings.Plan.ReadFrom(ua.UserOf(uri), string(p.Format))
	if err != nil {
		n, err = e.settings.Plan.Read(ua.UserOf(uri), "")
	}
	return n, err == nil
}

// bare is a URI without its parameters.
func bare(u sip.Uri) string {
	if u.Scheme == "tel" {
		return "tel:" + u.Raw()
	}
	text := u.Scheme + ":"
	if u.User != "" {
		text += u.User + "@"
	}
	if u.Port > 0 {
		return text + net.JoinHostPort(u.Host, strconv.Itoa(u.Port))
	}
	return text + u.Host
}
