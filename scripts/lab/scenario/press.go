package scenario

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"strconv"
	"strings"
)

// sipp reads between any two messages it sends, and so cannot pour many onto a connection at once. press plays both sides
// itself, over TCP: a call, and all key presses of it in one write. The carrier must get each, in order, and the office an
// answer to each.
func (w *world) press(ctx context.Context, presses int) error {
	listener, err := w.peers[carrier].host.Listen(netip.AddrPortFrom(w.peers[carrier].address, sipPort).String())
	if err != nil {
		return err
	}
	defer listener.Close()
	near, err := w.peers[office].host.Dial(ctx, "tcp", netip.AddrPortFrom(w.peers[office].box, sipPort).String())
	if err != nil {
		return err
	}
	defer near.Close()
	deadline, _ := ctx.Deadline()
	near.SetDeadline(deadline)
	listener.(*net.TCPListener).SetDeadline(deadline)
	heard := make(chan error, 1)
	go func() {
		far, err := listener.Accept()
		if err == nil {
			far.SetDeadline(deadline)
			err = hear(far, w.peers[carrier], presses)
			defer far.Close()
		}
		if err != nil {
			near.Close() // the office need not wait any longer
			err = fmt.Errorf("the carrier: %w", err)
		}
		heard <- err
	}()
	if err := speak(near, w.peers[office], presses); err != nil {
		listener.Close()
		return errors.Join(fmt.Errorf("the office: %w", err), <-heard)
	}
	return <-heard
}

// offer is a session description of a peer.
func offer(p peer) string {
	sp := speaker{marker: p.marker(), self: netip.AddrPortFrom(p.address, sipPort)}
	return strings.ReplaceAll(sp.describe(""), "\n", "\r\n")
}

// speak is the office's side.
func speak(conn net.Conn, p peer, presses int) error {
	self := conn.LocalAddr().String()
	var toTag string
	write := func(to io.Writer, seq int, method, kind, body string) {
		tag := ""
		if toTag != "" {
			tag = ";tag=" + toTag
		}
		fmt.Fprintf(to, "%s sip:0472105518@%s SIP/2.0\r\nVia: SIP/2.0/TCP %s;branch=z9hG4bK-%s-press-%d%s\r\nMax-Forwards: 70\r\n"+
			"From: <sip:201@%s.example>;tag=%[4]s-press\r\nTo: <sip:0472105518@%[2]s>%[8]s\r\nCall-ID: %[4]s-press\r\nCSeq: %[5]d %[1]s\r\n"+
			"Contact: <sip:%[4]s@%[3]s;transport=tcp>\r\n%[9]s\r\nContent-Type: %[10]s\r\nContent-Length: %[11]d\r\n\r\n%[12]s",
			method, p.box, self, p.marker(), seq, method, p.marker(), tag, allow, kind, len(body), body)
	}
	in := bufio.NewReader(conn)
	write(conn, 1, "INVITE", "application/sdp", offer(p))
	answer, err := await(in, "200", "1 INVITE")
	if err != nil {
		return err
	}
	_, toTag, _ = strings.Cut(answer.fields("To")[0], ";tag=")
	write(conn, 1, "ACK", "text/plain", "")
	var all bytes.Buffer
	for i := range presses {
		write(&all, 2+i, "INFO", "application/dtmf-relay", fmt.Sprintf("Signal=%d\r\n", i))
	}
	// Answers are read while the presses are on their way, as any telephone would.
	sent := make(chan error, 1)
	go func() { _, err := conn.Write(all.Bytes()); sent <- err }()
	for i := range presses {
		if _, err := await(in, "200", fmt.Sprintf("%d INFO", 2+i)); err != nil {
			return fmt.Errorf("key press %d: %w", i, err)
		}
	}
	if err := <-sent; err != nil {
		return err
	}
	write(conn, 2+presses, "BYE", "text/plain", "")
	_, err = await(in, "200", fmt.Sprintf("%d BYE", 2+presses))
	return err
}

// await reads responses until a final one, and wants it to be this one.
func await(in *bufio.Reader, status, seq string) (message, error) {
	for {
		m, err := readMessage(in)
		if err != nil {
			return m, err
		}
		if got := strings.Join(m.fields("CSeq"), ""); m.name() >= "200" && (m.name() != status || got != seq) {
			return m, fmt.Errorf("got %s to %s instead of %s to %s", m.name(), got, status, seq)
		}
		if m.name() >= "200" {
			return m, nil
		}
	}
}

// readMessage reads one message off a connection.
func readMessage(in *bufio.Reader) (message, error) {
	var text strings.Builder
	length := 0
	for {
		line, err := textproto.NewReader(in).ReadLine()
		if err != nil {
			return message{}, err
		}
		text.WriteString(line + "\n")
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Content-Length") {
			length, _ = strconv.Atoi(strings.TrimSpace(value))
		}
		if line == "" {
			break
		}
	}
	body := make([]byte, length)
	_, err := io.ReadFull(in, body)
	text.Write(body)
	return message{text: strings.ReplaceAll(text.String(), "\r\n", "\n")}, err
}

// hear is the carrier's side.
func hear(conn net.Conn, p peer, presses int) error {
	next, in := 0, bufio.NewReader(conn)
	for {
		m, err := readMessage(in)
		if err != nil {
			return fmt.Errorf("%d key presses came, then: %w", next, err)
		}
		switch m.name() {
		case "ACK":
			continue
		case "INFO":
			if want := fmt.Sprintf("Signal=%d", next); strings.TrimSpace(m.body()) != want {
				return fmt.Errorf("%q came instead of %q", m.body(), want)
			}
			next++
		}
		if _, err := io.WriteString(conn, reply(m, p)); err != nil {
			return err
		}
		if m.name() == "BYE" && next != presses {
			return fmt.Errorf("only %d key presses came", next)
		}
		if m.name() == "BYE" {
			return nil
		}
	}
}

// reply is the 200 to a request.
func reply(m message, p peer) string {
	body, tag := "", ""
	if m.name() == "INVITE" {
		body, tag = offer(p), ";tag="+p.marker()+"-heard"
	}
	var lines []string
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		lines = append(lines, name+": "+m.fields(name)[0])
	}
	lines[2] += tag
	self := netip.AddrPortFrom(p.address, sipPort)
	return "SIP/2.0 200 OK\r\n" + strings.Join(lines, "\r\n") + fmt.Sprintf("\r\nContact: <sip:%s@%s;transport=tcp>\r\n%s\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		p.marker(), self, allow, len(body), body)
}
