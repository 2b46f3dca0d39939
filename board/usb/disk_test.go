package usb

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/board/exfat"
)

// TestMain serves as the reader's child too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "read-stick" {
		os.Exit(Child(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == "try-confined" {
		os.Exit(try())
	}
	os.Exit(m.Run())
}

// reader starts this test as its child.
func reader(t *testing.T) Reader {
	t.Helper()
	if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_GETPID, 0, 0, 0); errno != 0 {
		unable(t, "this test was built with C; what ships is not: CGO_ENABLED=0 go test")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// A child that is nobody must be able to run it.
	copied := filepath.Join(shared(t), "reader")
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return Reader{Command: []string{copied, "read-stick"}, Serial: "B7"}
}

// shared is a folder that everybody may look into.
func shared(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tollgate-stick")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// run runs a tool of the system; where it is missing the test cannot be made.
func run(t *testing.T, tool string, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + tool)
	}
	if err != nil {
		unable(t, tool+" is missing: scripts/setup sticks")
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "MTOOLS_SKIP_CHECK=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", tool, args, err, out)
	}
	return out
}

// unable skips a test for a reason, which CI takes for a failure.
func unable(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// files are laid out below the root of a stick by their paths.
type files map[string]string

// lay writes files into a folder.
func (f files) lay(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for path, text := range f {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// fat makes an image of a file system of 12, 16 or 32 bits with the tools that people have.
func fat(t *testing.T, bits int, f files) []byte {
	t.Helper()
	size := map[int]int64{12: 4, 16: 32, 32: 64}[bits] << 20
	image := filepath.Join(t.TempDir(), "fat")
	blank(t, image, size)
	run(t, "mkfs.fat", "-F", fmt.Sprint(bits), "-n", "STICK", image)
	dir := f.lay(t)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		run(t, "mcopy", "-s", "-i", image, filepath.Join(dir, e.Name()), "::")
	}
	return load(t, image)
}

func ext4Image(t *testing.T, f files) []byte {
	t.Helper()
	image := filepath.Join(t.TempDir(), "ext4")
	blank(t, image, 16<<20)
	run(t, "mkfs.ext4", "-q", "-d", f.lay(t), image)
	return load(t, image)
}

func isoImage(t *testing.T, f files) []byte {
	t.Helper()
	image := filepath.Join(t.TempDir(), "iso")
	run(t, "xorriso", "-as", "mkisofs", "-quiet", "-R", "-o", image, f.lay(t))
	return load(t, image)
}

// exfatImage makes an image of an exFAT. No tool that people have fills one without mounting it: what is tested in package exfat does.
func exfatImage(t *testing.T, f files) []byte {
	t.Helper()
	image := filepath.Join(t.TempDir(), "exfat")
	blank(t, image, 32<<20)
	run(t, "mkfs.exfat", image)
	disk, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	v, err := exfat.Open(disk, 0, 32<<20)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, path := range slices.Sorted(maps.Keys(f)) {
		for i, c := range path {
			if _, err := v.Open(path[:i]); c == '/' && err != nil {
				if err := v.MakeFolder(unsynced{disk}, path[:i], now); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := v.Create(unsynced{disk}, path, []byte(f[path]), now); err != nil {
			t.Fatal(err)
		}
	}
	return load(t, image)
}

// unsynced is a disk that is not waited for.
type unsynced struct{ *os.File }

func (unsynced) Sync() error { return nil }

// partitioned puts a file system into the first partition of a disk. label is "dos" or "gpt".
func partitioned(t *testing.T, label string, volume []byte) []byte {
	t.Helper()
	const start = 2048 * sector
	image := filepath.Join(t.TempDir(), "disk")
	blank(t, image, start+int64(len(volume))+(1<<20))
	script := filepath.Join(t.TempDir(), "script")
	text := fmt.Sprintf("label: %s\nstart=2048, size=%d\n", label, len(volume)/sector)
	if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "sh", "-c", `PATH=$PATH:/usr/sbin:/sbin sfdisk -q "$1" <"$2"`, "sfdisk", image, script)
	disk := load(t, image)
	copy(disk[start:], volume)
	return disk
}

func blank(t *testing.T, path string, size int64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// plugged is a disk image where a stick would be.
func plugged(t *testing.T, disk []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sda")
	if err := os.WriteFile(path, disk, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readStick(t *testing.T, disk []byte) (Contents, error) {
	t.Helper()
	return reader(t).Read(context.Background(), plugged(t, disk))
}

func repeated(s string, n int) string { return string(bytes.Repeat([]byte(s), n)) }
