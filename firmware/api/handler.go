package api

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
)

// pageHandler is everything that happens to a request from the office's network, in order.
func (s *Server) pageHandler() http.Handler {
	return s.recovering(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		addr := remoteAddr(r)
		if p := s.reception.Load().refuse(addr, r.Host); p != nil {
			p.write(w)
			return
		}
		if r.URL.Path != "/api" && !strings.HasPrefix(r.URL.Path, "/api/") {
			s.serveFile(w, r)
			return
		}
		if p := crossing(r); p != nil {
			p.write(w)
			return
		}
		s.serveAPI(w, withVisitor(r, s.visitor(r, addr)))
	}))
}

// serveAPI hands r, whose visitor is known, to its operation.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	s.Prepare()
	if _, pattern := s.mux.Handler(r); pattern == "" {
		newProblem(NotFound, "The API has no such operation.", "See /api/v1/openapi.json.").write(w)
		return
	}
	// The operations have lower bounds of their own.
	r.Body = http.MaxBytesReader(w, r.Body, mostOf(r))
	s.mux.ServeHTTP(w, r)
}

// setHeaders tells the browser to trust nothing but this page's own files. There is no Strict-Transport-Security: a
// browser that does not know the box's CA yet could then not be let past its warning.
func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "+
		"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
}

// crossing returns a problem when another site made the browser send r, or nil. Every browser that can run the page
// sends Sec-Fetch-Site or, with what changes something, Origin; so a request to change something with neither is refused.
func crossing(r *http.Request) *Problem {
	refused := newProblem(OtherSite, "The request did not come from the box's own page.", "Open the page of the box and do it there.")
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	if origin != "" && !sameOrigin(origin, r.Host) {
		return refused
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		// "none" is an address typed into the browser.
		if site == "" || site == "same-origin" || site == "none" {
			return nil
		}
		return refused
	}
	if site != "same-origin" && (site != "" || origin == "") {
		return refused
	}
	if r.Method != http.MethodDelete && !isJSON(r.Header.Get("Content-Type")) && !isFile(r) {
		return notJSON()
	}
	return nil
}

func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Scheme == "https" && strings.EqualFold(u.Host, host)
}

// isJSON takes application/json alone: a form cannot send it, and another site's script not without being asked first.
func isJSON(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/json")
}

// isFile takes an update, which another site's script cannot send without being asked first either.
func isFile(r *http.Request) bool {
	return r.URL.Path == updatePath && r.Header.Get("Content-Type") == "application/octet-stream"
}

// visitor finds out who sent r from the network.
func (s *Server) visitor(r *http.Request, addr netip.Addr) visitor {
	v := visitor{name: "somebody at " + addr.String(), addr: addr}
	c, err := r.Cookie(cookieName)
	if err != nil {
		return v
	}
	// A page left open reconnects its event stream by itself; that is nobody's presence.
	touch := r.URL.Path != "/api/v1/events"
	if found, ok := s.sessions.find(c.Value, touch); ok {
		v.session = found
		v.name = found.user + " at " + addr.String()
	}
	return v
}

// remoteAddr is the address the connection came from. Headers that proxies set are not looked at: there is no proxy.
func remoteAddr(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap()
}

// recovering keeps one broken request from taking more with it than itself.
func (s *Server) recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch e := recover(); e {
			case nil:
			case http.ErrAbortHandler:
				panic(e) // net/http's own way to end a connection
			default:
				s.log.Error("a request broke", "method", r.Method, "path", r.URL.Path, "error", e, "stack", string(debug.Stack()))
				newProblem(Failed, "The box failed to answer.", "Look at the log of the box for the reason.").write(w)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
