package live

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// memory is a folder of the test's own in a memory file system.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "live")
	if err != nil {
		t.Skipf("there is no memory file system: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "calls")
}

// encode is a whole record of a payload.
func encode(payload []byte) []byte { return append(head(payload), payload...) }

func open(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRecordsOutliveTheProcess(t *testing.T) {
	dir := memory(t)
	f := open(t, dir)
	for _, err := range []error{f.Write("call-a", []byte("first")), f.Write("call-a", []byte("second")), f.Write("call-b", nil), f.Write("call-c", []byte("x")), f.Remove("call-c"), f.Remove("call-c")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	records, damaged, err := open(t, dir).Read()
	if err != nil || len(damaged) > 0 || len(records) != 2 || string(records["call-a"]) != "second" || len(records["call-b"]) > 0 {
		t.Errorf("read are %q, damaged %v, %v", records, damaged, err)
	}
}

func TestNobodyElseMayLook(t *testing.T) {
	dir := memory(t)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f := open(t, dir)
	if err := f.Write("a", []byte("key")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "a"+suffix): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s is %v, %v; want %o", path, info.Mode(), err, want)
		}
	}
}

func TestKeysDoNotReachADisk(t *testing.T) {
	dir, err := os.Getwd() // the sources are on a disk, wherever the temporary folder may be
	if err != nil {
		t.Fatal(err)
	}
	dir, err = os.MkdirTemp(dir, "disk")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if _, err := Open(dir); !errors.Is(err, ErrDisk) {
		t.Skipf("the working folder is in memory: %v", err)
	}
}

func TestDamagedRecordsAreToldAndDropped(t *testing.T) {
	whole := encode([]byte(`{"a":1}`))
	for name, c := range map[string]struct {
		file []byte
		why  string
	}{
		"cut off":           {whole[:20], "cut off"},
		"cut payload":       {whole[:len(whole)-1], "damaged"},
		"another payload":   {bytes.Replace(whole, []byte("1}"), []byte("2}"), 1), "damaged"},
		"another release":   {bytes.Replace(whole, []byte("record 1"), []byte("record 2"), 1), "another release"},
		"something else":    {[]byte("hello\n"), "no record"},
		"empty":             {nil, "no record"},
		"no sum":            {[]byte("tollgate record 1\nx"), "damaged"},
		"a longer checksum": {bytes.Replace(whole, []byte("\n"), []byte("00\n"), 1), "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := memory(t)
			f := open(t, dir)
			if err := f.Write("good", []byte("x")); err != nil {
				t.Fatal(err)
			}
			bad := filepath.Join(dir, "bad"+suffix)
			if err := os.WriteFile(bad, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "half"+suffix+".new"), whole, 0o600); err != nil {
				t.Fatal(err)
			}
			records, damaged, err := f.Read()
			if err != nil || len(records) != 1 || len(damaged) != 1 || !strings.Contains(damaged[0].Error(), c.why) || !strings.Contains(damaged[0].Error(), "bad") {
				t.Errorf("read are %q, damaged %v, %v", records, damaged, err)
			}
			if left, _ := os.ReadDir(dir); len(left) != 1 {
				t.Errorf("left are %v", left)
			}
		})
	}
}

func TestNamesStayInTheFolder(t *testing.T) {
	f := open(t, memory(t))
	for _, name := range []string{"", "../x", "a/b", ".hidden", "a b", strings.Repeat("a", 201)} {
		if err := f.Write(name, nil); err == nil {
			t.Errorf("%q was taken for a name", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode([]byte("payload")))
	f.Add([]byte("tollgate record 1 00\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		payload, err := decode(b)
		if err == nil && !bytes.Equal(encode(payload), b) && !strings.EqualFold(string(encode(payload)[:84]), string(b[:84])) {
			t.Errorf("%q was read as %q", b, payload)
		}
	})
}
