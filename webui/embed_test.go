package webui

import (
	"compress/gzip"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// TestFilesAreReadable holds with and without a built page, because Go must build without Node.
func TestFilesAreReadable(t *testing.T) {
	if _, err := fs.Stat(Files(), ".keep"); err != nil {
		t.Fatalf("dist/.keep is what keeps the folder in a clone: %v", err)
	}
}

// TestPageObeysItsContentSecurityPolicy reads the built page as the strict policy of the API would: no inline script,
// no inline style, nothing from elsewhere.
func TestPageObeysItsContentSecurityPolicy(t *testing.T) {
	index, err := fs.ReadFile(Files(), "index.html")
	if err != nil {
		t.Skip("the page was not built: npm run build")
	}
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script(?:\s+[^>]*)?>\s*[^<\s]`)
	if found := inline.Find(index); found != nil {
		t.Errorf("index.html holds inline code: %q", found)
	}
	elsewhere := regexp.MustCompile(`(?i)(?:src|href)="(?:https?:)?//`)
	if found := elsewhere.Find(index); found != nil {
		t.Errorf("index.html points elsewhere: %q", found)
	}
	names, err := fs.Glob(Files(), "assets/*")
	if err != nil {
		t.Fatal(err)
	}
	hashed := regexp.MustCompile(`-[A-Za-z0-9_-]{8}\.[a-z0-9]+(\.gz)?$`)
	for _, name := range names {
		if !hashed.MatchString(name) {
			t.Errorf("%s carries no hash, so it cannot be cached for ever", name)
		}
		if strings.HasSuffix(name, ".css") || strings.HasSuffix(name, ".js") {
			t.Errorf("%s is not packed, which would be a quarter of its size", name)
		}
		if strings.HasSuffix(name, ".css.gz") {
			if strings.Contains(unpacked(t, name), "data:") {
				t.Errorf("%s holds a data: address, which the policy forbids for fonts", name)
			}
		}
	}
	if len(names) == 0 {
		t.Error("index.html is there but assets is empty")
	}
}

// unpacked reads a file that is kept compressed.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	f, err := Files().Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	from, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
