package call

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// Session timers run for each leg by itself (RFC 4028): a peer that has vanished is noticed, and the other side is hung up.

const (
	minSessionExpires = 90 * time.Second
	sessionExpires    = 30 * time.Minute // what the box asks for
	refreshRetry      = 5 * time.Second  // after a glare
)

// legTimer is the session timer of one leg.
type legTimer struct {
	interval time.Duration // 0: there is none
	ours     bool          // the box refreshes
	due      time.Time     // when timer fires
	timer    *time.Timer
}

// Notes of the timers.
type (
	refreshDue     struct{ leg *Leg }
	sessionExpired struct{ leg *Leg }
)

// sessionHeaders ask a callee for a timer, no shorter than least, where it may be asked.
func (p *Party) sessionHeaders(least time.Duration) []sip.Header {
	headers := []sip.Header{sip.NewHeader("Supported", ua.Supported)}
	if p.Timer == policy.TimerAnswer {
		return headers
	}
	refresher := "" // theirs to choose
	if p.Verbatim {
		refresher = ";refresher=uas" // see phoneproof.go
	}
	return append(headers,
		sip.NewHeader("Session-Expires", seconds(max(sessionExpires, least))+refresher),
		sip.NewHeader("Min-SE", seconds(max(minSessionExpires, least))),
	)
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// tooShort tells whether a request asks for a shorter timer than the box allows and can be told so (RFC 4028 §9).
func tooShort(req *sip.Request) bool {
	interval, _, ok := readSessionExpires(req)
	return ok && interval < minSessionExpires && ua.Lists(field.All(req, "Supported"), "timer")
}

// readSessionExpires reads interval and refresher (RFC 4028 §4).
func readSessionExpires(m field.Message) (interval time.Duration, refresher string, ok bool) {
	h := field.All(m, "Session-Expires")
	if len(h) == 0 {
		h = field.All(m, "x") // the compact form
	}
	if len(h) == 0 {
		return 0, "", false
	}
	number, params, _ := strings.Cut(h[0].Value(), ";")
	n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 31)
	if err != nil {
		return 0, "", false
	}
	for _, p := range strings.Split(params, ";") {
		if name, value, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(name, "refresher") {
			refresher = strings.ToLower(value)
		}
	}
	return time.Duration(n) * time.Second, refresher, true
}

// readMinSE reads the least interval a peer accepts; 0 when it says none.
func readMinSE(res *sip.Response) time.Duration {
	h := field.All(res, "Min-SE")
	if len(h) == 0 {
		return 0
	}
	number, _, _ := strings.Cut(h[0].Value(), ";")
	n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 31)
	if err != nil || time.Duration(n)*time.Second > 24*time.Hour {
		return 0
	}
	return time.Duration(n) * time.Second
}

// tooShortFor is the least interval of a callee that found ours too short (422); else 0.
func tooShortFor(res *sip.Response) time.Duration {
	if res.StatusCode != 422 {
		return 0
	}
	return readMinSE(res)
}

// grantTimer answers a peer's wish for a timer and starts it; the headers are for the 2xx (RFC 4028 §9).
func (s *Session) grantTimer(l *Leg, req *sip.Request) []sip.Header {
	interval, refresher, asked := readSessionExpires(req)
	supported := ua.Lists(field.All(req, "Supported"), "timer")
	if !asked && !supported {
		s.arm(l, 0, false)
		return nil
	}
	if !asked {
		interval = sessionExpires
	}
	switch {
	case !supported:
		refresher = "uas" // it cannot
	case refresher == "" && l.Party.Verbatim:
		refresher = "uac"
	case refresher == "":
		refresher = "uas" // the box: then it notices itself when the peer is gone
	}
	interval = max(interval, minSessionExpires)
	s.arm(l, interval, refresher == "uas")
	headers := []sip.Header{sip.NewHeader("Session-Expires", seconds(interval)+";refresher="+refresher)}
	if supported {
		headers = append(headers, sip.NewHeader("Require", "timer"))
	}
	return headers
}

// takeTimer starts the timer that a peer's 2xx has agreed to (RFC 4028 §7.2).
func (s *Session) takeTimer(l *Leg, res *sip.Response) {
	interval, refresher, ok := readSessionExpires(res)
	if !ok {
		s.arm(l, 0, false)
		return
	}
	s.arm(l, max(interval, minSessionExpires), refresher != "uas")
}

// arm sets a leg's timer: a refresh at half its time when that is ours, else an end shortly before it (RFC 4028 §10).
func (s *Session) arm(l *Leg, interval time.Duration, ours bool) {
	if ours {
		s.armFor(l, interval, ours, interval/2)
	} else {
		s.armFor(l, interval, ours, interval-min(32*time.Second, interval/3))
	}
}

// armFor sets a leg's timer to fire after left.
func (s *Session) armFor(l *Leg, interval time.Duration, ours bool, left time.Duration) {
	if l.timer.timer != nil {
		l.timer.timer.Stop()
	}
	l.timer = legTimer{interval: interval, ours: ours}
	var due any = sessionExpired{l}
	if ours {
		due = refreshDue{l}
	}
	if interval > 0 {
		l.timer.due = time.Now().Add(left)
		l.timer.timer = time.AfterFunc(left, func() { s.inbox.Post(due) })
	}
}

// refresh renews the session of one leg: by UPDATE where the peer takes it, else by the last offer again (RFC 4028 §7.4).
func (s *Session) refresh(l *Leg) (ending, bool) {
	if s.change != nil || s.promise != nil {
		l.timer.timer = time.AfterFunc(refreshRetry, func() { s.inbox.Post(refreshDue{l}) })
		return ending{}, false
	}
	req := l.Dialog.Request(sip.UPDATE)
	if !l.allows(sip.UPDATE) {
		req = l.offerAgain()
	}
	if err := s.startRefresh(l, req, false); err != nil {
		return ending{reason: fmt.Sprintf("%s cannot be reached any more: %v", l.Party.Peer.Name, err)}, true
	}
	return ending{}, false
}

// offerAgain describes the leg's audio once more, as it was.
func (l *Leg) offerAgain() *sip.Request {
	l.offered = nil
	if l.keys.ours != nil {
		l.offered = append(l.offered, *l.keys.ours)
	}
	return l.Dialog.RequestWith(sip.INVITE, l.body, sdpType)
}

// startRefresh sends a request of ours that renews a leg's session.
func (s *Session) startRefresh(l *Leg, req *sip.Request, heal bool) error {
	for _, h := range l.timerHeaders() {
		req.AppendHeader(h)
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	out, err := s.send(ctx, l, req)
	if err == nil {
		s.change = &change{from: s.other(l), out: out, refresh: true, heal: heal}
	}
	return err
}

// timerHeaders go with a request of ours that renews the leg's session.
func (l *Leg) timerHeaders() []sip.Header {
	if l.timer.interval == 0 {
		return nil
	}
	refresher := "uas"
	if l.timer.ours {
		refresher = "uac"
	}
	return []sip.Header{
		sip.NewHeader("Supported", "timer"),
		sip.NewHeader("Session-Expires", seconds(l.timer.interval)+";refresher="+refresher),
	}
}

// refreshed takes the answer to a refresh of ours.
func (s *Session) refreshed(e ua.Event) (ending, bool) {
	c := s.change
	s.change = nil
	l := s.other(c.from)
	switch {
	case c.heal && (e.Err != nil || !e.Response.IsSuccess()):
		s.log.Info("audio not renewed", "with", l.Party.Peer.Name, "err", e.Err)
		return ending{}, false
	case e.Err != nil || e.Response.StatusCode == 408 || e.Response.StatusCode == 481:
		l.gone = e.Err == nil && e.Response.StatusCode == 481
		return ending{reason: l.Party.Peer.Name + " did not renew the session"}, true
	case s.leftToPhone(l, e.Response):
		return ending{}, false
	case !e.Response.IsSuccess():
		l.timer.timer = time.AfterFunc(refreshRetry, func() { s.inbox.Post(refreshDue{l}) })
		return ending{}, false
	}
	l.Dialog.Retarget(e.Response)
	s.takeTimer(l, e.Response)
	if !c.out.Is(sip.INVITE) {
		return ending{}, false
	}
	if err := c.out.Ack(nil); err != nil {
		s.log.Info("ACK not sent", "err", err)
	}
	if err := l.hear(e.Response.Body()); err == nil {
		err = s.setMedia()
		if err != nil {
			s.log.Info("media not renewed", "err", err)
		}
	}
	return ending{}, false
}
