package usb

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

// soundExFAT lets the system's own checker look at an exFAT.
func soundExFAT(t *testing.T, image string) {
	t.Helper()
	if said := string(run(t, "fsck.exfat", "-n", image)); !strings.Contains(said, ": clean.") {
		t.Errorf("the file system is not sound:\n%s", said)
	}
}

func TestAReportAndABackupAreWrittenOntoExFAT(t *testing.T) {
	photo := repeated("picture", 9999)
	stick := plugged(t, exfatImage(t, files{"Tollgate/policy.yaml": "version: 1\n", "photo.jpg": photo}))
	owned(t, stick)
	r := reader(t)
	for _, text := range []string{repeated("a long first report\n", 4000), "report\n"} {
		if err := r.Write(context.Background(), stick, "report-B7-2026-11-22.txt", []byte(text)); err != nil {
			t.Fatal(err)
		}
		c, err := r.Read(context.Background(), stick)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(c.Files["report-b7-2026-11-22.txt"]); got != text || string(c.Files["policy.yaml"]) != "version: 1\n" {
			t.Errorf("read back %d octets, want %d", len(got), len(text))
		}
		soundExFAT(t, stick)
	}
	backup := []byte(repeated("0123456789abcdef", 1<<20/16) + "end")
	for _, want := range []string{"backup-B7-2026-11-23.age", "backup-B7-2026-11-23-2.age"} {
		name, err := r.Store(context.Background(), stick, "backup-B7-2026-11-23.age", backup)
		if err != nil || name != want {
			t.Fatalf("%q, %v", name, err)
		}
	}
	soundExFAT(t, stick)
	held := opened(t, stick)
	for path, want := range map[string]string{
		"from-tollgate/backup-B7-2026-11-23.age": string(backup), "from-tollgate/backup-B7-2026-11-23-2.age": string(backup), "photo.jpg": photo,
	} {
		if got, err := read(held, path, int64(len(want))); err != nil || string(got) != want {
			t.Errorf("%s: %d octets, %v", path, len(got), err)
		}
	}
}

func TestAnExFATThatIsTooFullIsLeftAsItIs(t *testing.T) {
	image := exfatImage(t, files{"photo.jpg": repeated("picture", 9999)})
	stick := plugged(t, image)
	owned(t, stick)
	_, err := reader(t).Store(context.Background(), stick, "backup-B7.age", bytes.Repeat([]byte{1}, maxStore))
	if err == nil || !strings.Contains(err.Error(), "the stick has room for") || !bytes.Equal(load(t, stick), image) {
		t.Errorf("%v, or something was written", err)
	}
}

// opened is the first file system of an image.
func opened(t *testing.T, image string) volume {
	t.Helper()
	disk, err := os.Open(image)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { disk.Close() })
	found, err := volumes(disk, false)
	if err != nil {
		t.Fatal(err)
	}
	return found[0]
}
