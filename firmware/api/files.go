package api

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// notBuilt is what the browser shows when the binary holds no page.
const notBuilt = `Tollgate runs, but its page was not built into this binary.
Build it with scripts/build, which runs "npm run build" in webui/ first.
Until then use the tollgate command on the box: tollgate status
`

// contentTypes are the files the page is made of. The system's own table is not asked: it differs from box to box.
func contentType(name string) (string, bool) {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8", true
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8", true
	case ".css":
		return "text/css; charset=utf-8", true
	case ".json":
		return "application/json", true
	case ".webmanifest":
		return "application/manifest+json", true
	case ".svg":
		return "image/svg+xml", true
	case ".png":
		return "image/png", true
	case ".ico":
		return "image/x-icon", true
	case ".woff2":
		return "font/woff2", true
	case ".txt":
		return "text/plain; charset=utf-8", true
	}
	return "", false
}

// serveFile serves the page: its files, and index.html for every route that the page itself knows.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		newProblem(NotFound, "Only GET works on the page's files.", "The API is under /api/v1.").write(w)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if strings.HasPrefix(r.URL.Path, "/assets/") {
		s.serveNamed(w, r, name)
		return
	}
	if _, isFile := contentType(name); isFile && name != "index.html" {
		s.serveNamed(w, r, name)
		return
	}
	s.serveIndex(w, r)
}

// serveNamed serves one file. Those in assets/ carry a hash of their content in their name and are kept for ever.
func (s *Server) serveNamed(w http.ResponseWriter, r *http.Request, name string) {
	kind, known := contentType(name)
	data, err := s.readPage(name)
	if known && errors.Is(err, fs.ErrNotExist) {
		data, err = s.readPacked(w, r, name)
	}
	if !known || err != nil {
		newProblem(NotFound, "The page has no such file.", "Load the page again; it may be from an older version.").write(w)
		return
	}
	cache := "no-cache"
	if strings.HasPrefix(name, "assets/") {
		cache = "public, max-age=31536000, immutable"
	}
	serveBytes(w, r, kind, cache, data)
}

// serveIndex serves the page itself, never from a cache: it names the assets of this version.
func (s *Server) serveIndex(w http.ResponseWriter, r *http.Request) {
	data, err := s.readPage("index.html")
	if err != nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusServiceUnavailable)
		// The client is gone when this fails; there is nobody left to tell.
		_, _ = w.Write([]byte(notBuilt))
		return
	}
	serveBytes(w, r, "text/html; charset=utf-8", "no-store", data)
}

// readPacked reads a file that the binary holds compressed (RFC 1952), as it lies there for who takes it so (RFC 9110 §12.5.3). Nothing
// secret is in it, so that its length may tell what it likes.
func (s *Server) readPacked(w http.ResponseWriter, r *http.Request, name string) ([]byte, error) {
	data, err := s.readPage(name + ".gz")
	if err != nil {
		return nil, err
	}
	w.Header().Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		return data, nil
	}
	from, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(from)
}

// readPage reads a whole file; fs.ReadFile refuses a name that leaves the tree.
func (s *Server) readPage(name string) ([]byte, error) {
	if s.pages == nil {
		return nil, errors.New("no page was given")
	}
	return fs.ReadFile(s.pages, name)
}

func serveBytes(w http.ResponseWriter, r *http.Request, kind, cache string, data []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", cache)
	// Parts of a file are of no use here and many overlapping ones are an old attack.
	r.Header.Del("Range")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}
