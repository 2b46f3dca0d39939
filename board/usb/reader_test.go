package usb

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAStickIsReadWhateverItsFileSystem(t *testing.T) {
	want := files{"tollgate/policy.yaml": "version: 1\n", "tollgate/bans.txt": repeated("203.0.113.9\n", 900), "holiday/photo.jpg": "no business of ours"}
	for _, tc := range []struct {
		name, fs string
		disk     func(t *testing.T) []byte
	}{
		{"FAT12 on the whole disk", "FAT12", func(t *testing.T) []byte { return fat(t, 12, want) }},
		{"FAT16 on the whole disk", "FAT16", func(t *testing.T) []byte { return fat(t, 16, want) }},
		{"FAT32 on the whole disk", "FAT32", func(t *testing.T) []byte { return fat(t, 32, want) }},
		{"FAT32 in an MBR", "FAT32", func(t *testing.T) []byte { return partitioned(t, "dos", fat(t, 32, want)) }},
		{"FAT16 in a GPT", "FAT16", func(t *testing.T) []byte { return partitioned(t, "gpt", fat(t, 16, want)) }},
		{"ext4 on the whole disk", "ext4", func(t *testing.T) []byte { return ext4Image(t, want) }},
		{"ext4 in a GPT", "ext4", func(t *testing.T) []byte { return partitioned(t, "gpt", ext4Image(t, want)) }},
		{"exFAT on the whole disk", "exFAT", func(t *testing.T) []byte { return exfatImage(t, want) }},
		{"exFAT in an MBR", "exFAT", func(t *testing.T) []byte { return ofType7(partitioned(t, "dos", exfatImage(t, want))) }},
		{"exFAT in a GPT", "exFAT", func(t *testing.T) []byte { return partitioned(t, "gpt", exfatImage(t, want)) }},
		{"ISO 9660", "ISO 9660", func(t *testing.T) []byte { return isoImage(t, want) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := readStick(t, tc.disk(t))
			if err != nil {
				t.Fatal(err)
			}
			if c.FileSystem != tc.fs {
				t.Errorf("file system %s, want %s", c.FileSystem, tc.fs)
			}
			if names := slices.Sorted(maps.Keys(c.Files)); !slices.Equal(names, []string{"bans.txt", "policy.yaml"}) {
				t.Errorf("files %q", names)
			}
			for _, name := range []string{"bans.txt", "policy.yaml"} {
				if string(c.Files[name]) != want["tollgate/"+name] {
					t.Errorf("%s is not what was written: %d octets", name, len(c.Files[name]))
				}
			}
		})
	}
}

func TestAStickForManyBoxesGivesEachItsOwnFiles(t *testing.T) {
	disk := fat(t, 32, files{
		"Tollgate/policy.yaml": "for all\n", "Tollgate/bans.txt": "for all\n",
		"Tollgate/b7/Policy.yaml": "for B7\n", "Tollgate/B8/policy.yaml": "for B8\n",
	})
	c, err := readStick(t, disk)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(c.Files["policy.yaml"]); got != "for B7\n" {
		t.Errorf("policy.yaml is %q", got)
	}
	if got := string(c.Files["bans.txt"]); got != "for all\n" {
		t.Errorf("bans.txt is %q", got)
	}
	var out bytes.Buffer
	if err := reader(t).Copy(context.Background(), plugged(t, disk), "policy.yaml", &out, 100); err != nil || out.String() != "for B7\n" {
		t.Errorf("copied %q, %v", out.String(), err)
	}
}

func TestALargeFileIsNamedAndCopiedApart(t *testing.T) {
	update := repeated("0123456789abcdef", 14<<20/16)
	disk := fat(t, 32, files{"tollgate/update.bin": update, "tollgate/policy.yaml": "x"})
	c, err := readStick(t, disk)
	if err != nil {
		t.Fatal(err)
	}
	if c.Large["update.bin"] != int64(len(update)) || c.Files["update.bin"] != nil {
		t.Errorf("large files: %v", c.Large)
	}
	stick := plugged(t, disk)
	var out bytes.Buffer
	if err := reader(t).Copy(context.Background(), stick, "update.bin", &out, 16<<20); err != nil {
		t.Fatal(err)
	}
	if out.String() != update {
		t.Errorf("%d octets copied, or not the same", out.Len())
	}
	if err := reader(t).Copy(context.Background(), stick, "update.bin", &bytes.Buffer{}, 1<<20); err == nil {
		t.Error("more was copied than was asked for")
	}
}

func TestAReportIsWrittenOntoTheStick(t *testing.T) {
	for _, bits := range []int{12, 16, 32} {
		stick := plugged(t, fat(t, bits, files{"tollgate/policy.yaml": "version: 1\n", "photo.jpg": repeated("picture", 9999)}))
		owned(t, stick)
		r := reader(t)
		for _, text := range []string{repeated("a long first report\n", 400), "report\n"} {
			if err := r.Write(context.Background(), stick, "report-B7-2026-11-22.txt", []byte(text)); err != nil {
				t.Fatal(err)
			}
			c, err := r.Read(context.Background(), stick)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(c.Files["report-b7-2026-11-22.txt"]); got != text {
				t.Errorf("FAT%d: read back %d octets, want %d", bits, len(got), len(text))
			}
			if string(c.Files["policy.yaml"]) != "version: 1\n" {
				t.Error("another file has changed")
			}
		}
		sound(t, stick)
		if got := run(t, "mtype", "-i", stick, "::tollgate/report-B7-2026-11-22.txt"); string(got) != "report\n" {
			t.Errorf("FAT%d: another system reads %q", bits, got)
		}
	}
}

// sound lets the system's own checker look at a FAT.
func sound(t *testing.T, image string) {
	t.Helper()
	said := string(run(t, "sh", "-c", `PATH=$PATH:/usr/sbin:/sbin fsck.fat -n "$1" || true`, "fsck.fat", image))
	if strings.Count(said, "\n") != 2 || !strings.Contains(said, " clusters\n") {
		t.Errorf("the file system is not sound:\n%s", said)
	}
}

// owned gives an image to the user that the child becomes, as devices are given to it.
func owned(t *testing.T, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestNamesThatCouldDoHarmAreLeftAlone(t *testing.T) {
	disk := ext4Image(t, files{"tollgate/policy.yaml": "good", "tollgate/a b.txt": "x", "tollgate/-rf": "x", "tollgate/new\nline": "x", "tollgate/.hidden": "x"})
	c, err := readStick(t, disk)
	if err != nil {
		t.Fatal(err)
	}
	if names := slices.Sorted(maps.Keys(c.Files)); !slices.Equal(names, []string{"policy.yaml"}) {
		t.Errorf("taken: %q", names)
	}
	if len(c.Ignored) != 3 {
		t.Errorf("ignored: %q", c.Ignored)
	}
	for _, why := range c.Ignored {
		if strings.ContainsAny(why, "\n\x1b") {
			t.Errorf("%q would be printed as it is", why)
		}
	}
}

func TestASymbolicLinkLeadsNowhere(t *testing.T) {
	dir := files{"tollgate/policy.yaml": "good"}.lay(t)
	for link, to := range map[string]string{"passwd": "/etc/passwd", "up": "../../../etc/passwd", "self": "self"} {
		if err := os.Symlink(to, filepath.Join(dir, "tollgate", link)); err != nil {
			t.Fatal(err)
		}
	}
	image := filepath.Join(t.TempDir(), "ext4")
	blank(t, image, 16<<20)
	run(t, "mkfs.ext4", "-q", "-d", dir, image)
	c, err := readStick(t, load(t, image))
	if err != nil {
		t.Fatal(err)
	}
	if names := slices.Sorted(maps.Keys(c.Files)); !slices.Equal(names, []string{"policy.yaml"}) || len(c.Ignored) != 3 {
		t.Errorf("taken %q, ignored %q", names, c.Ignored)
	}
}

func TestASilentStickIsGivenUp(t *testing.T) {
	r := reader(t)
	sleeper := filepath.Join(shared(t), "sleeper")
	if err := os.WriteFile(sleeper, []byte("#!/bin/sh\nexec sleep 60\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.Command, r.Patience = []string{sleeper}, 50*time.Millisecond
	_, err := r.Read(context.Background(), plugged(t, make([]byte, 1<<20)))
	if err == nil || !strings.Contains(err.Error(), "in time") {
		t.Errorf("err %v", err)
	}
}
