package ua

import (
	"context"

	"github.com/emiago/sipgo/sip"
)

// Back is the path to who sent a request: the connection it came by while that lives, else path.
func Back(in *Incoming, path Path) Path { return back{in.Conn, path} }

type back struct {
	conn sip.Connection
	path Path
}

func (b back) Conn(ctx context.Context) (sip.Connection, error) { return b.ConnFor(ctx, 0) }

// ConnFor is Conn for a message of this many bytes.
func (b back) ConnFor(ctx context.Context, size int) (sip.Connection, error) {
	if ended(b.conn) {
		return ConnFor(ctx, b.path, size)
	}
	return b.conn, nil
}
