package notice

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// When the router in front of the box gets another address, a carrier goes on notifying the old one. A SUBSCRIBE with the
// new Contact tells it (target refresh, RFC 6665 §4.4.1); a carrier that watches learns it from the next NOTIFY.

// moved is a note: the box may be seen elsewhere by the carriers of this watch.
type moved struct{}

const (
	// placeRetry is how long a request that is under way is waited for.
	placeRetry = time.Second
	// tooLate is how short a subscription has to live for a new Contact to be of no use.
	tooLate = 2 * time.Second
)

// Moved has the subscriptions under way on a trunk tell the carrier where the box is now.
func (d *Desk) Moved(trunk string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for w := range d.watches {
		if w.in.Peer.Name == trunk || w.teller.Name == trunk {
			w.inbox.Post(moved{})
		}
	}
}

// relocate says the new Contact in both dialogs from now on, and tells the source at once.
func (w *watch) relocate() {
	if w.out != nil { // it says the old one
		w.later(moved{})
		return
	}
	w.move(&w.watcher)
	left := time.Until(w.until)
	if !w.move(&w.source) || w.last || left < tooLate {
		return
	}
	out, err := w.send(&w.source, w.ask(left))
	if err != nil {
		w.log.Info("new address not told", "to", w.source.party.Peer.Name, "err", err)
		return
	}
	w.wanted, w.out = left, out
	w.log.Info("tells the carrier its new address", "to", w.source.party.Peer.Name, "address", w.source.party.Local.Host)
}

// move takes over how a carrier sees the box; false when nothing has changed.
func (w *watch) move(h *half) bool {
	if h.party.Peer.Side != policy.SideOutside {
		return false
	}
	now, ok := w.desk.o.Parties.Party(h.party.Peer)
	if !ok || now.Local == h.party.Local {
		return false
	}
	var before sip.Uri
	if sip.ParseUri(h.dialog.Contact, &before) != nil {
		return false // cannot happen: it is ours
	}
	h.party.Local, h.dialog.Local, h.dialog.Contact = now.Local, now.Local, now.Local.Contact(before.User)
	return true
}

// later posts a note again.
func (w *watch) later(note any) { time.AfterFunc(placeRetry, func() { w.inbox.Post(note) }) }
