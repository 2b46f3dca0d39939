package notice

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"sync"

	"tollgate/firmware/eventbody"
	"tollgate/firmware/policy"
)

// maxAliases bounds the dialogs of which one watcher can be told. Who is told of more cannot replace the first any more.
const maxAliases = 256

// aliases are the names under which a watcher knows what the source names otherwise. They can be compared, and a dialog
// can be found again by them, so that the watcher may replace it.
type aliases struct {
	key []byte

	mu      sync.Mutex // guards everything below
	dialogs map[eventbody.DialogName]eventbody.DialogName
}

func newAliases() *aliases {
	key := make([]byte, 32)
	rand.Read(key) // never fails (crypto/rand)
	return &aliases{key: key, dialogs: map[eventbody.DialogName]eventbody.DialogName{}}
}

// of is what stands for text; nothing stands for nothing.
func (a *aliases) of(text string) string {
	if text == "" {
		return ""
	}
	sum := hmac.New(sha256.New, a.key)
	sum.Write([]byte(text))
	return hex.EncodeToString(sum.Sum(nil)[:12])
}

// dialog names a dialog for the watcher.
func (a *aliases) dialog(name eventbody.DialogName) eventbody.DialogName {
	alias := eventbody.DialogName{CallID: a.of(name.CallID), Local: a.of(name.Local), Remote: a.of(name.Remote)}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.dialogs) >= maxAliases {
		clear(a.dialogs)
	}
	a.dialogs[alias] = name
	return alias
}

// find is the dialog that a watcher means; false when it was told of none.
func (a *aliases) find(alias eventbody.DialogName) (eventbody.DialogName, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name, ok := a.dialogs[alias]
	return name, ok
}

// Told returns who has told watcher of a dialog under these names, and what a Replaces of it says there (RFC 3891 §3: the
// to-tag is that of whoever gets the INVITE, the source's own or that of the one it talks to).
func (d *Desk) Told(watcher policy.Peer, callID, toTag, fromTag string) (source policy.Peer, replaces string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for w := range d.watches {
		if w.in.Peer != watcher || w.aliases == nil {
			continue
		}
		if name, ok := w.aliases.find(eventbody.DialogName{CallID: callID, Local: toTag, Remote: fromTag}); ok {
			return w.teller, name.CallID + ";to-tag=" + name.Local + ";from-tag=" + name.Remote, true
		}
		if name, ok := w.aliases.find(eventbody.DialogName{CallID: callID, Local: fromTag, Remote: toTag}); ok {
			return w.teller, name.CallID + ";to-tag=" + name.Remote + ";from-tag=" + name.Local, true
		}
	}
	return policy.Peer{}, "", false
}
