package ua

import (
	"context"
	"math"
	"net/netip"

	"github.com/emiago/sipgo/sip"
)

// Back is the path to who sent a request: the connection it came by while that lives, else path. The request's own final
// answer takes it too from now on.
func Back(in *Incoming, path Path) Path {
	in.AnswerBy(path)
	return back{in.Conn, path}
}

// AnswerBy has the request's final answer go by path when the connection of the request has ended.
func (in *Incoming) AnswerBy(path Path) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.path = path
}

// write sends an answer by the connection of the request. When that has ended, a final one goes by a new connection to
// the same host (RFC 3261 §18.2.2), which is not waited for.
func (in *Incoming) write(res *sip.Response) error {
	err := in.Conn.WriteMsg(res)
	in.mu.Lock()
	path := in.path
	in.mu.Unlock()
	if err == nil || path == nil || res.IsProvisional() || !ended(in.Conn) {
		return err
	}
	go in.detour(path, res)
	return nil
}

func (in *Incoming) detour(path Path, res *sip.Response) {
	ctx, cancel := context.WithTimeout(context.Background(), rerouteTimeout)
	defer cancel()
	conn, err := ConnFor(ctx, path, math.MaxUint16)
	switch {
	case err != nil:
		in.core.log.Info("answer not sent: its connection has ended", "method", in.received.Method, "status", res.StatusCode, "peer", in.Peer.Name, "err", err)
	case isStream(conn) != isStream(in.Conn) || hostOf(conn) != hostOf(in.Conn):
		in.core.log.Info("answer not sent: its connection has ended", "method", in.received.Method, "status", res.StatusCode, "peer", in.Peer.Name)
	default:
		in.core.write(conn, res)
	}
}

// hostOf is the address at the other end of a connection that tells it.
func hostOf(conn sip.Connection) netip.Addr {
	if c, ok := conn.(interface{ Remote() netip.AddrPort }); ok {
		return c.Remote().Addr()
	}
	return netip.Addr{}
}

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
