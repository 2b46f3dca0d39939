package ua

import (
	"context"
	"crypto/tls"
	"net/netip"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// Target is where a connection leads. A connection is shared only between equal owners: one trunk never speaks through
// another's.
type Target struct {
	Owner     string // policy.PeerPBX or the name of a trunk
	Side      policy.Side
	Transport policy.Transport
	Addr      netip.AddrPort
	TLS       *tls.Config // with transport tls: verifies the peer
}

// Dialer makes connections, or finds the one in use.
type Dialer interface {
	Dial(ctx context.Context, t Target) (sip.Connection, error)
}

// PathTo is the Path to a fixed target.
func PathTo(d Dialer, t Target) Path { return fixedPath{d, t} }

type fixedPath struct {
	dialer Dialer
	target Target
}

func (p fixedPath) Conn(ctx context.Context) (sip.Connection, error) {
	return p.dialer.Dial(ctx, p.target)
}
