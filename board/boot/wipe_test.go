package boot

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOnlyWhatIsAskedForIsWipedAndOnce(t *testing.T) {
	root := t.TempDir()
	mark, folder, log := filepath.Join(root, "init/reset"), filepath.Join(root, "tollgate"), filepath.Join(root, "init/last-words.json")
	put := func(path, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wipe := func(want bool) {
		t.Helper()
		if wiped, err := Wipe(mark, folder); wiped != want || err != nil {
			t.Fatalf("wiped %v, %v; want %v", wiped, err, want)
		}
	}
	put(log, "words")
	put(filepath.Join(folder, "tollgate.db"), "secret")
	wipe(false)
	if err := AskWipe(mark); err != nil {
		t.Fatal(err)
	}
	// A way out of the folder is not followed, and a file with another name keeps what it holds.
	put(filepath.Join(root, "outside"), "stays")
	if err := os.Symlink(filepath.Join(root, "outside"), filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(root, "outside"), filepath.Join(folder, "same")); err != nil {
		t.Fatal(err)
	}
	kept, err := os.Open(filepath.Join(folder, "tollgate.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	wipe(true)
	if _, err := os.Lstat(folder); !os.IsNotExist(err) {
		t.Errorf("the folder is there: %v", err)
	}
	content := make([]byte, 6)
	if _, err := kept.Read(content); err != nil || string(content) != "\x00\x00\x00\x00\x00\x00" {
		t.Errorf("what was removed held %q, %v", content, err)
	}
	for path, want := range map[string]string{log: "words", filepath.Join(root, "outside"): "stays"} {
		if b, err := os.ReadFile(path); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", path, b, err)
		}
	}
	put(filepath.Join(folder, "tollgate.db"), "new")
	wipe(false)
}
