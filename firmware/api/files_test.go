package api

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
)

func TestThePageIsNeverCachedAndItsAssetsForEver(t *testing.T) {
	b := newBench(t)
	for path, want := range map[string]struct{ kind, cache string }{
		"/":                     {"text/html; charset=utf-8", "no-store"},
		"/index.html":           {"text/html; charset=utf-8", "no-store"},
		"/calls":                {"text/html; charset=utf-8", "no-store"},
		"/connections/trunks/a": {"text/html; charset=utf-8", "no-store"},
		"/trunks/sip.example":   {"text/html; charset=utf-8", "no-store"},
		"/icon.svg":             {"image/svg+xml", "no-cache"},
		"/assets/page-1a2b.js":  {"text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"/assets/plex-3c.woff2": {"font/woff2", "public, max-age=31536000, immutable"},
	} {
		res := b.get(path)
		if res.Code != http.StatusOK || res.Header().Get("Content-Type") != want.kind || res.Header().Get("Cache-Control") != want.cache {
			t.Errorf("%s: %d %q %q", path, res.Code, res.Header().Get("Content-Type"), res.Header().Get("Cache-Control"))
		}
		head := b.do(b.request(http.MethodHead, path, nil))
		if head.Code != http.StatusOK || head.Body.Len() != 0 {
			t.Errorf("HEAD %s: %d with %d bytes", path, head.Code, head.Body.Len())
		}
	}
}

func TestAFileThatIsMissingIsNotAnsweredWithThePage(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/assets/page-old.js", "/assets/", "/assets", "/favicon.ico", "/robots.txt", "/assets/notes.secret", "/assets/none"} {
		if path == "/assets" {
			continue // a route of the page like any other
		}
		wantProblem(t, b.get(path), NotFound)
	}
	wantProblem(t, b.get("/api"), NotFound)
	wantProblem(t, b.get("/api/"), NotFound)
	wantProblem(t, b.get("/api/v1/none"), NotFound)
	wantProblem(t, b.get("/api/v2/overview"), NotFound)
	wantProblem(t, b.do(b.request(http.MethodPut, "/api/v1/policy", "{}")), NotFound)
	wantProblem(t, b.post("/", "{}"), NotFound)
}

func TestNoPathLeavesThePage(t *testing.T) {
	b := newBench(t)
	const secret = "root:x:0:0"
	b.server.pages = fstest.MapFS{
		"index.html":         {Data: []byte("page")},
		"../etc/passwd":      {Data: []byte(secret)},
		"etc/passwd":         {Data: []byte(secret)},
		".keep":              {Data: []byte(secret)},
		"assets/../x/a.json": {Data: []byte(secret)},
	}
	for _, path := range []string{
		"/../etc/passwd", "/../../../../etc/passwd", "/assets/../etc/passwd", "/assets/..%2f..%2fetc/passwd", "/..%5c..%5cetc%5cpasswd",
		"/assets/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/etc/passwd", "/./etc/passwd", "/etc/passwd%00.js", "/assets/..", "/.keep",
	} {
		if res := b.get(path); strings.Contains(res.Body.String(), secret) {
			t.Errorf("%s: %s", path, res.Body)
		}
	}
}

func TestAFileThatIsKeptPackedIsServedEitherWay(t *testing.T) {
	const script = "console.log('packed')"
	var packed bytes.Buffer
	to := gzip.NewWriter(&packed)
	if _, err := to.Write([]byte(script)); err != nil || to.Close() != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	b.server.pages = fstest.MapFS{"assets/page-3c4d.js.gz": {Data: packed.Bytes()}}
	for accepted, want := range map[string]string{"gzip, deflate, br": packed.String(), "": script, "identity": script} {
		res := b.get("/assets/page-3c4d.js", func(r *http.Request) { r.Header.Set("Accept-Encoding", accepted) })
		if res.Code != http.StatusOK || res.Body.String() != want || (res.Header().Get("Content-Encoding") == "gzip") != (want != script) {
			t.Errorf("%q: %d, %d bytes, %v", accepted, res.Code, res.Body.Len(), res.Header())
		}
		if kind := res.Header().Get("Content-Type"); kind != "text/javascript; charset=utf-8" || res.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %v", accepted, res.Header())
		}
	}
	wantProblem(t, b.get("/assets/page-3c4d.js.gz"), NotFound)
}

func TestPartsOfAFileAreNotServed(t *testing.T) {
	b := newBench(t)
	for _, parts := range []string{"0-3", "5-", "-1", "0-0,2-2,4-4", strings.Repeat("0-,", 500) + "0-", "9999-"} {
		res := b.get("/assets/page-1a2b.js", func(r *http.Request) { r.Header.Set("Range", "bytes="+parts) })
		if res.Code != http.StatusOK || res.Body.String() != "console.log('page')" {
			t.Errorf("%.20s: %d %s", parts, res.Code, res.Body)
		}
	}
}

func TestABinaryWithoutAPageSaysSo(t *testing.T) {
	b := newBench(t)
	for name, empty := range map[string]fstest.MapFS{"an empty folder": {".keep": {}}, "no folder": nil} {
		b.server.pages = nil
		if empty != nil {
			b.server.pages = empty
		}
		res := b.get("/")
		if res.Code != http.StatusServiceUnavailable || !strings.Contains(res.Body.String(), "not built") || res.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: %d %s", name, res.Code, res.Body)
		}
	}
}
