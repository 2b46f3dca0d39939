package main

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/access"
	"tollgate/firmware/edge"
	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// everybody is let in; only responses come in this test.
type everybody struct{}

func (everybody) Known(access.Source) bool { return true }
func (everybody) Identify(time.Time, access.Source, *sip.Request) access.Verdict {
	return access.Verdict{}
}

// A peer over TCP reads a BYE and hangs up without a word; on the next connection it answers.
func TestAByeGoesOutOnceMoreWhenThePeerHangsUpInsteadOfAnswering(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var core *ua.Core
	border := edge.New(edge.Options{
		Access: everybody{}, Sink: &event.Hub{}, Log: slog.New(slog.DiscardHandler),
		Handler: func(m sip.Message, c *edge.Conn, peer policy.Peer) { receive(core)(m, c, peer) },
	})
	defer border.Close()
	core = ua.New(func(*ua.Incoming) {}, slog.New(slog.DiscardHandler))
	go serveSecond(l)

	d := ua.Draft{
		Method: sip.BYE, URI: "sip:b@carrier.example", From: "sip:a@192.0.2.1", To: "sip:b@carrier.example", FromTag: ua.NewTag(), CallID: ua.NewCallID(),
		Seq: 2, Local: ua.Local{Host: "192.0.2.1", Port: 5060, Transport: "TCP"}, MaxForwards: ua.MaxForwards,
	}
	req, err := d.Request()
	if err != nil {
		t.Fatal(err)
	}
	peer := policy.Peer{Side: policy.SideOutside, Name: "carrier-a"}
	path := ua.PathTo(dialer{border}, ua.Target{Owner: peer.Name, Side: peer.Side, Transport: policy.TCP, Addr: netip.MustParseAddrPort(l.Addr().String())})
	res, err := core.Do(t.Context(), req, peer, path, nil)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("got %v, %v", res, err)
	}
}

// serveSecond reads a request of the first connection, and answers one of the second.
func serveSecond(l net.Listener) {
	for n := range 2 {
		c, err := l.Accept()
		if err != nil {
			return
		}
		var answer strings.Builder
		answer.WriteString("SIP/2.0 200 OK\r\n")
		for s := bufio.NewScanner(c); s.Scan() && s.Text() != ""; {
			switch name, _, _ := strings.Cut(s.Text(), ":"); name {
			case "Via", "From", "To", "Call-ID", "CSeq":
				answer.WriteString(s.Text() + "\r\n")
			}
		}
		if n == 1 {
			fmt.Fprintf(c, "%sContent-Length: 0\r\n\r\n", answer.String())
			io.Copy(io.Discard, c) // until the box has read it and hangs up
		}
		c.Close()
	}
}
