package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
)

// memory is a store of records.
type memory struct {
	mu     sync.Mutex // guards everything below
	values map[string][]byte
	broken error
}

func (m *memory) Put(kind, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	m.values[kind+"/"+key] = bytes.Clone(value)
	return nil
}

func (m *memory) Get(kind, key string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.values[kind+"/"+key]
	return v, ok, m.broken
}

// office is a box whose answers a test chooses.
type office struct {
	mu        sync.Mutex // guards everything below
	overview  Overview
	ended     []EndedCall
	err       error
	imported  string
	who, why  string
	phrase    string
	dismissed string // by whom
	panics    bool
}

func (o *office) Overview() Overview {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.panics {
		panic("the box broke")
	}
	return o.overview
}

func (o *office) EndedCalls() []EndedCall {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ended
}

func (o *office) change(f func(*Overview)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f(&o.overview)
}

func (o *office) Import(ctx context.Context, doc []byte, who, why string) (ImportResult, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if ctx.Err() != nil {
		return ImportResult{}, context.Cause(ctx)
	}
	o.imported, o.who, o.why = string(doc), who, why
	return ImportResult{Revision: o.overview.Revision}, o.err
}

func (o *office) Confirm(ctx context.Context, who string) (Revision, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if ctx.Err() != nil {
		return Revision{}, context.Cause(ctx)
	}
	o.who = who
	o.overview.Revision.State = "confirmed"
	return o.overview.Revision, o.err
}

func (o *office) List() []Ban {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.overview.Bans
}

func (o *office) Acknowledge(r AcknowledgeRequest, who string) (Emergency, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return Emergency{At: r.At, Call: r.Call, To: "112", Exceptions: []EmergencyException{}, Seen: &Acknowledgement{At: r.At, Who: who}}, o.err
}

func (o *office) Ban(r BanRequest, who string) (Ban, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.who, o.why = who, r.Reason
	return Ban{Source: r.Source, Rule: "banned by hand", Times: 1, Who: who}, o.err
}

func (o *office) Lift(source, who string) (Ban, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.who = who
	return Ban{Source: source, Rule: "scanner", Times: 1}, o.err
}

func (o *office) Export(context.Context) ([]byte, error) { return []byte("version: 1\n"), o.err }

// bench is a server with everything around it. Requests come from 192.0.2.10 to https://192.0.2.1 unless they say else.
type bench struct {
	t        *testing.T
	server   *Server
	box      *office
	accounts *memory
	log      *lockedBuffer
	first    string
	handler  http.Handler
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func pages() fs.FS {
	return fstest.MapFS{
		"index.html":           {Data: []byte("<!doctype html><title>Tollgate</title>")},
		"icon.svg":             {Data: []byte("<svg/>")},
		"assets/page-1a2b.js":  {Data: []byte("console.log('page')")},
		"assets/plex-3c.woff2": {Data: []byte("wOF2")},
		"assets/notes.secret":  {Data: []byte("not part of a page")},
	}
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, box: &office{}, accounts: &memory{values: map[string][]byte{}}, log: &lockedBuffer{}}
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	server, err := New(t.Context(), Options{Box: b.box, Bans: b.box, Credentials: keys{b.box}, Alarms: b.box, Fraud: money{b.box}, Filter: b.box, Sticks: b.box, Systems: b.box, Boards: b.box, Admission: b.box, Accounts: b.accounts, Pages: pages(), Log: log, cost: cheap()})
	if err != nil {
		t.Fatal(err)
	}
	b.server, b.first, b.handler = server, server.FirstPassword(), server.pageHandler()
	server.reception.Store(newReception(Config{
		Addresses: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:443")},
		Names:     []string{"tollgate.example"},
		Sources:   []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	}))
	return b
}

// cheap is the cost of a hash that keeps nobody waiting.
func cheap() cost { return cost{time: 1, memory: 4 << 10} }

const goodPassword = "four words in a row"

// newOwnedBench is a bench whose first password has been changed to goodPassword, and a session of the administrator.
func newOwnedBench(t *testing.T) (*bench, *http.Cookie) {
	t.Helper()
	b := newBench(t)
	first := b.logIn(b.first)
	res := b.post("/api/v1/password", PasswordRequest{Current: b.first, New: goodPassword}, first)
	if res.Code != http.StatusOK {
		t.Fatalf("changing the first password: %d %s", res.Code, res.Body)
	}
	return b, cookieOf(t, res)
}

// request makes a request as the page's own script would.
func (b *bench) request(method, path string, body any, with ...any) *http.Request {
	b.t.Helper()
	var in io.Reader
	switch v := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(v)
	default:
		raw, err := json.Marshal(v)
		if err != nil {
			b.t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	r := httptest.NewRequest(method, "https://192.0.2.1"+path, in)
	r.RemoteAddr = "192.0.2.10:40000"
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, w := range with {
		switch w := w.(type) {
		case *http.Cookie:
			r.AddCookie(w)
		case func(*http.Request):
			w(r)
		}
	}
	return r
}

func (b *bench) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

func (b *bench) get(path string, with ...any) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.do(b.request(http.MethodGet, path, nil, with...))
}

func (b *bench) post(path string, body any, with ...any) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.do(b.request(http.MethodPost, path, body, with...))
}

// local sends a request as the unix socket would hand it on.
func (b *bench) local(method, path string, body any) *httptest.ResponseRecorder {
	b.t.Helper()
	r := withVisitor(b.request(method, path, body), visitor{name: "root on the box", local: true})
	w := httptest.NewRecorder()
	b.server.socketHandler().ServeHTTP(w, r)
	return w
}

// logIn returns the session of somebody who knows the password.
func (b *bench) logIn(password string, with ...any) *http.Cookie {
	b.t.Helper()
	res := b.post("/api/v1/session", LoginRequest{User: "admin", Password: password}, with...)
	if res.Code != http.StatusOK {
		b.t.Fatalf("logging in: %d %s", res.Code, res.Body)
	}
	return cookieOf(b.t, res)
}

func cookieOf(t *testing.T, res *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	for _, c := range res.Result().Cookies() {
		if c.Name == cookieName {
			return c
		}
	}
	t.Fatalf("no cookie %s in %v", cookieName, res.Header())
	return nil
}

// wantProblem checks that res is a problem of this kind.
func wantProblem(t *testing.T, res *httptest.ResponseRecorder, kind ProblemType) Problem {
	t.Helper()
	var p Problem
	if err := json.Unmarshal(res.Body.Bytes(), &p); err != nil {
		t.Fatalf("status %d, not a problem document: %s", res.Code, res.Body)
	}
	if p.Type != kind {
		t.Fatalf("problem %s %q, want %s", p.Type, p.Detail, kind)
	}
	if p.Status != res.Code || p.Title == "" || p.Detail == "" {
		t.Errorf("problem %+v in an answer with status %d", p, res.Code)
	}
	if got := res.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q", got)
	}
	return p
}

func body[T any](t *testing.T, res *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if res.Code != http.StatusOK {
		t.Fatalf("status %d: %s", res.Code, res.Body)
	}
	if err := json.Unmarshal(res.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v: %s", err, res.Body)
	}
	return v
}

func addrPorts(list ...string) []netip.AddrPort {
	var out []netip.AddrPort
	for _, a := range list {
		out = append(out, netip.MustParseAddrPort(a))
	}
	return out
}

var errDisk = errors.New("disk is full")

// within fails the test when f takes longer.
func within(t *testing.T, d time.Duration, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(d):
		t.Fatalf("not done after %v", d)
	}
}

// keys are the passwords of an office.
type keys struct{ *office }

func (k keys) List() []Credential { return k.overview.Credentials }

func (k keys) Rotate(id, secret, who string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.who, k.why = who, secret
	return "made-for-" + id, k.err
}

func (k keys) Cancel(id, who string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.who, k.why = who, id
	return k.err
}
