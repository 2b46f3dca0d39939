package api

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// who says who may use an operation. The zero value is the strictest that the page knows, so an operation that says
// nothing is not open.
type who int

const (
	administrator who = iota // logged in, first password changed; or the unix socket
	loggedIn                 // logged in, even with the first password; or the unix socket
	anybody                  // also without a session
	localOnly                // the unix socket
)

const whoKey = "who"

// visitor is who sent a request.
type visitor struct {
	name    string // for the list of revisions and the log
	local   bool   // came through the unix socket
	addr    netip.Addr
	session session // zero without one
}

func (v visitor) hasSession() bool { return v.session.user != "" }

type visitorKey struct{}

func withVisitor(r *http.Request, v visitor) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
}

// visitorOf returns who sent the request of ctx; nobody when nothing was said about it.
func visitorOf(ctx context.Context) visitor {
	v, _ := ctx.Value(visitorKey{}).(visitor)
	return v
}

// guard lets only those through whom the operation is for.
func (s *Server) guard(ctx huma.Context, next func(huma.Context)) {
	w, _ := ctx.Operation().Metadata[whoKey].(who)
	if p := refuse(visitorOf(ctx.Context()), w); p != nil {
		_, out := humago.Unwrap(ctx)
		p.write(out)
		return
	}
	next(ctx)
}

// refuse returns why v may not use an operation meant for w, or nil.
func refuse(v visitor, w who) *Problem {
	switch {
	case v.local, w == anybody:
		return nil
	case w == localOnly:
		return newProblem(LocalOnly, "This is done on the box itself only.", "Use the tollgate command on its console.")
	case !v.hasSession():
		return newProblem(NotLoggedIn, "There is no session, or it has ended.", "Log in.")
	case v.session.mustChange && w != loggedIn:
		return newProblem(MustChange, "The first password still stands.", "Choose a password of your own first.")
	}
	return nil
}
