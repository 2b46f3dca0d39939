package scenario

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Calls that another telephone of the office takes over (RFC 3891): one that rings, one that it watches and talks in itself,
// and one that it only watches.

// pickUp: the carrier calls, one telephone rings, another takes the call (RFC 5359 §2.16).
func pickUp(ctx context.Context, w *world) error {
	pbx, exchange, shut, err := w.systems()
	if err != nil {
		return err
	}
	defer shut()
	var caller, rings, other *line
	return play(
		func() (err error) {
			caller, err = exchange.begin(ctx, sip.INVITE, "+33123456701", sdpType, offer(exchange.peer))
			return err
		},
		func() (err error) { rings, err = pbx.gets(ctx, sip.INVITE); return err },
		func() error { return rings.answer(180, "", "") },
		func() error { _, err := caller.hears(ctx, 180); return err },
		func() (err error) {
			other, err = pbx.begin(ctx, sip.INVITE, "line", sdpType, offer(pbx.peer), rings.replaces(";early-only"), sip.NewHeader("Require", "replaces"))
			return err
		},
		func() error { _, err := other.hears(ctx, 200); return err },
		func() error { return rings.within(ctx, sip.CANCEL) },
		func() error { _, err := caller.hears(ctx, 200); return err },
		func() error { return hangUp(ctx, other, caller) },
	)
}

// watch is a subscription of the office to the dialogs of a number at the carrier.
type watch struct{ watcher, source *line }

// begin brings the subscription up.
func (v *watch) begin(ctx context.Context, pbx, exchange *system) error {
	return play(
		func() (err error) {
			v.watcher, err = pbx.begin(ctx, sip.SUBSCRIBE, "0472105518", "", "", sip.NewHeader("Event", "dialog"), sip.NewHeader("Expires", "60"))
			return err
		},
		func() (err error) { v.source, err = exchange.gets(ctx, sip.SUBSCRIBE); return err },
		func() error { return v.source.answer(200, "", "", sip.NewHeader("Expires", "60")) },
		func() error { _, err := v.watcher.hears(ctx, 200); return err },
	)
}

// tell tells of one dialog, and returns the Replaces that the watcher makes of it.
func (v *watch) tell(ctx context.Context, callID, local, remote string) (replaces sip.Header, err error) {
	s := v.source.of
	body := fmt.Sprintf(`<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="sip:%s@%s">`+
		`<dialog id="%[1]s-1" call-id="%[3]s" local-tag="%[4]s" remote-tag="%[5]s" direction="recipient"><state>confirmed</state>`+
		`<local><target uri="sip:%[1]s-phone@%[2]s"/></local></dialog></dialog-info>`, s.marker(), s.address, callID, local, remote)
	err = v.notify(ctx, "application/dialog-info+xml", body, "active;expires=60")
	if err != nil {
		return nil, err
	}
	told := toldDialog.FindStringSubmatch(string(v.watcher.in.Body()))
	if told == nil || strings.Contains(string(v.watcher.in.Body()), s.marker()) {
		return nil, fmt.Errorf("told %s", v.watcher.in.Body())
	}
	return sip.NewHeader("Replaces", told[1]+";to-tag="+told[2]+";from-tag="+told[3]), nil
}

var toldDialog = regexp.MustCompile(`call-id="([^"]+)" local-tag="([^"]+)" remote-tag="([^"]+)"`)

// end is the source's last word.
func (v *watch) end(ctx context.Context) error {
	return v.notify(ctx, "", "", "terminated;reason=noresource")
}

func (v *watch) notify(ctx context.Context, kind, body, state string) error {
	return play(
		func() error {
			return v.source.ask(ctx, sip.NOTIFY, kind, body, sip.NewHeader("Event", "dialog"), sip.NewHeader("Subscription-State", state))
		},
		func() error { return v.watcher.within(ctx, sip.NOTIFY) },
		func() error { return v.watcher.answer(200, "", "") },
		func() error { _, err := v.source.hears(ctx, 200); return err },
	)
}

// moveCall: the office watches the number it talks to. What the carrier tells of the call names it so that another
// telephone can take it over.
func moveCall(ctx context.Context, w *world) error {
	pbx, exchange, shut, err := w.systems()
	if err != nil {
		return err
	}
	defer shut()
	var caller, callee, other *line
	var replaces sip.Header
	v := &watch{}
	return play(
		func() (err error) {
			caller, err = pbx.begin(ctx, sip.INVITE, "0472105518", sdpType, offer(pbx.peer))
			return err
		},
		func() (err error) { callee, err = exchange.gets(ctx, sip.INVITE); return err },
		func() error { return callee.answer(200, sdpType, offer(exchange.peer)) },
		func() error { _, err := caller.hears(ctx, 200); return err },
		func() error { return callee.within(ctx, sip.ACK) },
		func() error { return v.begin(ctx, pbx, exchange) },
		func() (err error) {
			d := callee.dialog
			replaces, err = v.tell(ctx, d.CallID, d.LocalTag, d.RemoteTag)
			return err
		},
		func() (err error) {
			other, err = pbx.begin(ctx, sip.INVITE, "0472105518", sdpType, offer(pbx.peer), replaces)
			return err
		},
		func() error { _, err := other.hears(ctx, 200); return err },
		func() error { return caller.within(ctx, sip.BYE) },
		func() error { return caller.answer(200, "", "") },
		func() error { return callee.within(ctx, sip.INVITE) },
		func() error { return callee.answer(200, sdpType, offer(exchange.peer)) },
		func() error { return callee.within(ctx, sip.ACK) },
		func() error { return v.end(ctx) },
		func() error { return hangUp(ctx, callee, other) },
	)
}

// takeAcross: the office watches a number at the carrier that talks to another one there. The box has no part in that call
// and names it by an alias; an INVITE that replaces it reaches the carrier under the names that are known there.
func takeAcross(ctx context.Context, w *world) error {
	pbx, exchange, shut, err := w.systems()
	if err != nil {
		return err
	}
	defer shut()
	var caller, callee *line
	var replaces sip.Header
	v := &watch{}
	return play(
		func() error { return v.begin(ctx, pbx, exchange) },
		func() (err error) {
			replaces, err = v.tell(ctx, "hidden-carrier-call", "hidden-carrier-one", "hidden-carrier-two")
			return err
		},
		func() (err error) {
			caller, err = pbx.begin(ctx, sip.INVITE, "0472105518", sdpType, offer(pbx.peer), replaces)
			return err
		},
		func() (err error) { callee, err = exchange.gets(ctx, sip.INVITE); return err },
		func() error {
			h := callee.in.GetHeaders("Replaces")
			if len(h) != 1 || h[0].Value() != "hidden-carrier-call;to-tag=hidden-carrier-one;from-tag=hidden-carrier-two" {
				return fmt.Errorf("the carrier is to replace %v", h)
			}
			return callee.answer(200, sdpType, offer(exchange.peer))
		},
		func() error { _, err := caller.hears(ctx, 200); return err },
		func() error { return callee.within(ctx, sip.ACK) },
		func() error { return v.end(ctx) },
		func() error { return hangUp(ctx, caller, callee) },
	)
}
