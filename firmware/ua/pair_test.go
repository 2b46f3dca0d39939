package ua

import (
	"log/slog"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
	"tollgate/firmware/siptest"
)

var (
	us    = policy.Peer{Side: policy.SideInside, Name: "us"}
	them  = policy.Peer{Side: policy.SideOutside, Name: "them"}
	local = Local{Host: "192.0.2.1", Port: 5060, Transport: "UDP"}
)

// pair makes two Cores joined by a wire; far handles requests by h.
func pair(t testing.TB, h Handler) (near, far *Core, nearEnd *siptest.End) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	near = New(func(in *Incoming) { in.Refuse(Reply{Status: 405}) }, log)
	far = New(h, log)
	nearEnd, _ = siptest.Join(t, near, them, far, us)
	return near, far, nearEnd
}

func invite() Draft {
	return Draft{
		Method: sip.INVITE, URI: "sip:+33123456789@192.0.2.2", From: "sip:a@192.0.2.1", To: "sip:+33123456789@192.0.2.2",
		FromTag: NewTag(), CallID: NewCallID(), Seq: 1, Contact: local.Contact("a"), Local: local, MaxForwards: MaxForwards,
		Body: []byte("v=0\r\n"), ContentType: "application/sdp",
	}
}

// settled lets what was set in motion come to rest on the fake clock of a synctest bubble.
func settled() { time.Sleep(time.Millisecond) }
