package dialog

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"tollgate/scripts/lab/wire"
)

// End is one end of a call: a dialog of a party.
type End struct {
	Party     *Party
	Transport string

	id     string
	self   string // our From or To, with the tag
	box    string // theirs
	target string
	seq    int
	in     chan Arrival
}

// Dial prepares a call with the box; Invite places it. from is the caller's address of record, to what the box is asked for.
func (p *Party) Dial(transport, id, from, to string) *End {
	target := fmt.Sprintf("sip:%s@%s", to, netip.AddrPortFrom(p.Box, Port(transport)))
	return &End{
		Party: p, Transport: transport, id: id, self: "<sip:" + from + ">;tag=near", box: "<" + target + ">", target: target, in: p.attend(id),
	}
}

// Ringing waits for the next call of the box, which Accept takes.
func (p *Party) Ringing(transport string) (*End, Arrival, error) {
	select {
	case a := <-p.calls:
		id := a.Field("Call-ID")
		return &End{
			Party: p, Transport: transport, id: id, self: a.Field("To") + ";tag=answered", box: a.Field("From"),
			target: uriOf(a.Field("Contact")), in: p.attend(id),
		}, a, nil
	case <-time.After(Patience):
		return nil, Arrival{}, fmt.Errorf("the %s is not called", p.Name)
	}
}

// Invite sends an offer, the first or another one, and returns the box's 200, acknowledged.
func (e *End) Invite(offer string) (wire.Message, error) {
	ok, err := e.Ask("INVITE", offer)
	if err != nil {
		return ok, err
	}
	if ok.Status() != 200 {
		// Within the transaction (RFC 3261 §17.1.1.3).
		ack := bytes.Replace(e.request("ACK", e.seq, ""), []byte(e.branch("ACK", e.seq)), []byte(e.branch("INVITE", e.seq)), 1)
		return ok, errors.Join(fmt.Errorf("the box answers the %s's INVITE %s", e.Party.Name, ok.Start()), e.send(ack))
	}
	if !strings.Contains(e.box, ";tag=") {
		e.box, e.target = ok.Field("To"), uriOf(ok.Field("Contact"))
	}
	return ok, e.send(e.request("ACK", e.seq, ""))
}

// Accept answers an INVITE of the box, the first or another one, and waits for the ACK.
func (e *End) Accept(invite Arrival, body string) error {
	if err := invite.line.Send(answer(invite.Message, 200, e.contact(), body)); err != nil {
		return err
	}
	_, err := e.Expect("ACK")
	return err
}

// Refuse answers an INVITE of the box with a final status of failure, and waits for the ACK.
func (e *End) Refuse(invite Arrival, status int) error {
	if err := invite.line.Send(answer(invite.Message, status, "", "")); err != nil {
		return err
	}
	_, err := e.Expect("ACK")
	return err
}

// HangUp ends the call from this end, and has the other one see that.
func (e *End) HangUp(other *End) error {
	ended := make(chan error, 1)
	go func() {
		a, err := other.Expect("BYE")
		if err == nil {
			err = a.line.Send(answer(a.Message, 200, "", ""))
		}
		ended <- err
	}()
	m, err := e.Ask("BYE", "")
	if err == nil && m.Status() != 200 {
		err = fmt.Errorf("the %s's BYE is answered %s", e.Party.Name, m.Start())
	}
	err = errors.Join(err, <-ended)
	e.Party.forget(e.id)
	other.Party.forget(other.id)
	return err
}

func (e *End) contact() string {
	return fmt.Sprintf("sip:me@%s;transport=%s", netip.AddrPortFrom(e.Party.At, Port(e.Transport)), e.Transport)
}

// request writes a request of ours within the dialog, or the INVITE that begins it.
func (e *End) request(method string, seq int, body string) []byte {
	via := netip.AddrPortFrom(e.Party.At, Port(e.Transport))
	text := fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;rport;branch=%s\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\nContact: <%s>\r\n",
		method, e.target, strings.ToUpper(e.Transport), via, e.branch(method, seq), e.self, e.box, e.id, seq, method, e.contact())
	if body != "" {
		text += "Content-Type: application/sdp\r\n"
	}
	return fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", text, len(body), body)
}

func (e *End) branch(method string, seq int) string {
	return fmt.Sprintf("z9hG4bK%s%s%d", e.id, method, seq)
}

func (e *End) send(b []byte) error {
	l, err := e.Party.line(e.Transport)
	if err != nil {
		return err
	}
	return l.Send(b)
}

// Ask sends a request and returns its final response; over UDP it is sent again when that does not come.
func (e *End) Ask(method, body string) (wire.Message, error) {
	e.seq++
	req := e.request(method, e.seq, body)
	for range 6 {
		if err := e.send(req); err != nil {
			return "", err
		}
		m, err := e.await(Patience/6, func(m wire.Message) bool {
			return m.Status() >= 200 && strings.HasPrefix(m.Field("CSeq"), fmt.Sprint(e.seq, " "))
		})
		if err == nil {
			return m.Message, nil
		}
	}
	return "", fmt.Errorf("the %s has no answer to its %s", e.Party.Name, method)
}

// errSilence says that nothing came in time.
var errSilence = errors.New("nothing came")

// await waits for a message; what comes before it is passed over.
func (e *End) await(wait time.Duration, wanted func(wire.Message) bool) (Arrival, error) {
	late := time.After(wait)
	for {
		select {
		case a := <-e.in:
			if wanted(a.Message) {
				return a, nil
			}
		case <-late:
			return Arrival{}, errSilence
		}
	}
}

// Expect waits for a request of the box.
func (e *End) Expect(method string) (Arrival, error) {
	a, err := e.await(Patience, func(m wire.Message) bool { return m.Method() == method })
	if err != nil {
		err = fmt.Errorf("the %s waits for %s: %w", e.Party.Name, method, err)
	}
	return a, err
}

func uriOf(contact string) string {
	_, rest, _ := strings.Cut(contact, "<")
	uri, _, _ := strings.Cut(rest, ">")
	return uri
}
