package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestAnotherSiteCannotMakeTheBrowserChangeAnything(t *testing.T) {
	type headers map[string]string
	for _, c := range []struct {
		name   string
		method string
		set    headers
		want   ProblemType // empty: let through
	}{
		{"our page", "POST", headers{"Sec-Fetch-Site": "same-origin", "Origin": "https://192.0.2.1"}, ""},
		{"our page in a browser without Sec-Fetch", "POST", headers{"Sec-Fetch-Site": "", "Origin": "https://192.0.2.1"}, ""},
		{"a form of another site", "POST", headers{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example", "Content-Type": "application/x-www-form-urlencoded"}, OtherSite},
		{"a form as text of another site", "POST", headers{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example", "Content-Type": "text/plain"}, OtherSite},
		{"a script of another site", "POST", headers{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, OtherSite},
		{"a script in an old browser", "POST", headers{"Sec-Fetch-Site": "", "Origin": "https://evil.example"}, OtherSite},
		{"a sandboxed frame", "POST", headers{"Sec-Fetch-Site": "", "Origin": "null"}, OtherSite},
		{"another port of the box", "POST", headers{"Sec-Fetch-Site": "same-site", "Origin": "https://192.0.2.1:8443"}, OtherSite},
		{"the box over plain HTTP", "POST", headers{"Sec-Fetch-Site": "", "Origin": "http://192.0.2.1"}, OtherSite},
		{"a name that begins like ours", "POST", headers{"Sec-Fetch-Site": "", "Origin": "https://192.0.2.1.evil.example"}, OtherSite},
		{"a lying Sec-Fetch-Site", "POST", headers{"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, OtherSite},
		{"neither header", "POST", headers{"Sec-Fetch-Site": ""}, OtherSite},
		{"an address typed in", "POST", headers{"Sec-Fetch-Site": "none"}, OtherSite},
		{"not JSON", "POST", headers{"Content-Type": "text/plain"}, NotJSON},
		{"JSON by another name", "POST", headers{"Content-Type": "text/plain; charset=application/json"}, NotJSON},
		{"no content type", "POST", headers{"Content-Type": ""}, NotJSON},
		{"JSON with a charset", "POST", headers{"Content-Type": "application/json; charset=utf-8"}, ""},
		{"log-out by another site", "DELETE", headers{"Sec-Fetch-Site": "cross-site"}, OtherSite},
		{"log-out by neither", "DELETE", headers{"Sec-Fetch-Site": ""}, OtherSite},
		{"reading from our page", "GET", headers{}, ""},
		{"reading from another site", "GET", headers{"Sec-Fetch-Site": "cross-site"}, OtherSite},
		{"reading from another site in an old browser", "GET", headers{"Sec-Fetch-Site": "", "Origin": "https://evil.example"}, OtherSite},
		{"reading by an address typed in", "GET", headers{"Sec-Fetch-Site": "none"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			r := b.request(c.method, "/api/v1/session", nil)
			if c.method == "POST" {
				r = b.request(c.method, "/api/v1/session", LoginRequest{User: "admin", Password: b.first})
			}
			for k, v := range c.set {
				r.Header.Del(k)
				if v != "" {
					r.Header.Set(k, v)
				}
			}
			res := b.do(r)
			if c.want != "" {
				wantProblem(t, res, c.want)
				if len(res.Result().Cookies()) > 0 {
					t.Error("it set a cookie")
				}
			} else if res.Code != http.StatusOK {
				t.Errorf("refused: %d %s", res.Code, res.Body)
			}
		})
	}
}

func TestNoAnswerInvitesAnotherSite(t *testing.T) {
	b, c := newOwnedBench(t)
	r := b.request(http.MethodOptions, "/api/v1/policy", nil, func(r *http.Request) {
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Access-Control-Request-Method", "POST")
	})
	for _, res := range []http.Header{b.do(r).Header(), b.get("/api/v1/overview", c).Header()} {
		for name := range res {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("header %s: %s", name, res.Get(name))
			}
		}
	}
}

func TestANameThatIsNotOursIsRefused(t *testing.T) {
	b, c := newOwnedBench(t)
	for host, want := range map[string]int{
		"192.0.2.1":              http.StatusOK,
		"192.0.2.1:443":          http.StatusOK,
		"tollgate.example":       http.StatusOK,
		"TOLLGATE.example.":      http.StatusOK,
		"tollgate.example:443":   http.StatusOK,
		"evil.example":           http.StatusMisdirectedRequest,
		"192.0.2.2":              http.StatusMisdirectedRequest,
		"192.0.2.1:8443":         http.StatusMisdirectedRequest,
		"192.0.2.1.evil.example": http.StatusMisdirectedRequest,
		"localhost":              http.StatusMisdirectedRequest,
		"":                       http.StatusMisdirectedRequest,
		"[::1]":                  http.StatusMisdirectedRequest,
		"192.0.2.1:443:443":      http.StatusMisdirectedRequest,
	} {
		for _, path := range []string{"/", "/assets/page-1a2b.js", "/api/v1/session", "/api/v1/overview"} {
			res := b.get(path, c, func(r *http.Request) { r.Host = host })
			if res.Code != want {
				t.Errorf("Host %q on %s: %d, want %d", host, path, res.Code, want)
			}
			if res.Code == http.StatusMisdirectedRequest {
				wantProblem(t, res, WrongHost)
			}
		}
	}
}

func TestAnIPv6AddressIsANameOfTheBoxToo(t *testing.T) {
	r := newReception(Config{Addresses: addrPorts("[2001:db8::1]:8443")})
	for host, want := range map[string]bool{
		"[2001:db8::1]:8443": true, "[2001:DB8:0::1]:8443": true, "[2001:db8::1]": false, "[2001:db8::2]:8443": false,
	} {
		if got := r.hosts[withPort(host)]; got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
}

func TestASourceThatIsNotListedGetsNothing(t *testing.T) {
	b, c := newOwnedBench(t)
	for _, path := range []string{"/", "/api/v1/session", "/api/v1/overview"} {
		for _, from := range []string{"203.0.113.66:1234", "[2001:db8::66]:1234", "nonsense"} {
			res := b.get(path, c, func(r *http.Request) { r.RemoteAddr = from })
			if res.Code != http.StatusForbidden {
				t.Errorf("%s from %s: %d", path, from, res.Code)
			}
		}
		res := b.get(path, c, func(r *http.Request) {
			r.RemoteAddr = "203.0.113.66:1234"
			r.Header.Set("X-Forwarded-For", "192.0.2.10")
			r.Header.Set("Forwarded", "for=192.0.2.10")
		})
		if res.Code != http.StatusForbidden {
			t.Errorf("%s with a forged X-Forwarded-For: %d", path, res.Code)
		}
	}
}

func TestEveryAnswerCarriesThePolicyForTheBrowser(t *testing.T) {
	b, c := newOwnedBench(t)
	for name, res := range map[string]http.Header{
		"page":      b.get("/").Header(),
		"asset":     b.get("/assets/page-1a2b.js").Header(),
		"API":       b.get("/api/v1/overview", c).Header(),
		"problem":   b.get("/api/v1/overview").Header(),
		"elsewhere": b.get("/", func(r *http.Request) { r.Host = "evil.example" }).Header(),
	} {
		csp := res.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: no %q in %q", name, want, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") || strings.Contains(csp, "*") {
			t.Errorf("%s: %q", name, csp)
		}
		for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin"} {
			if got := res.Get(header); got != want {
				t.Errorf("%s: %s is %q", name, header, got)
			}
		}
	}
}

func FuzzHost(f *testing.F) {
	for _, host := range []string{"192.0.2.1", "192.0.2.1:443", "[2001:db8::1]:8443", "evil.example", "192.0.2.1:443:443", "[::ffff:192.0.2.1]:443", "[192.0.2.1"} {
		f.Add(host)
	}
	r := newReception(Config{Addresses: addrPorts("192.0.2.1:443", "[2001:db8::1]:443"), Names: []string{"tollgate.example"}})
	ours := []string{"192.0.2.1", "2001:db8::1", "tollgate.example", "::ffff:192.0.2.1"}
	f.Fuzz(func(t *testing.T, host string) {
		if !r.hosts[withPort(host)] {
			return
		}
		bare := strings.TrimSuffix(strings.ToLower(host), ":443")
		bare = strings.TrimSuffix(strings.Trim(bare, "[]"), ".")
		if addr, err := netip.ParseAddr(bare); err == nil {
			bare = addr.WithZone("").Unmap().String()
		}
		if !slices.Contains(ours, bare) {
			t.Errorf("%q passed as one of ours", host)
		}
	})
}
