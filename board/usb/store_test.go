package usb

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestWhatTheBoxWritesIsWholeAndNothingElseChanges(t *testing.T) {
	for _, bits := range []int{12, 16, 32} {
		t.Run(fmt.Sprint("FAT", bits), func(t *testing.T) {
			stick := plugged(t, fat(t, bits, files{"photo.jpg": repeated("picture", 9999)})) // no folder of ours
			owned(t, stick)
			r, backup := reader(t), []byte(repeated("0123456789abcdef", 1<<20/16)+"end")
			for i, want := range []string{"backup-B7-2026-11-23.age", "backup-B7-2026-11-23-2.age", "log-B7-2026-11-23.txt"} {
				name, err := r.Store(context.Background(), stick, []string{"backup-B7-2026-11-23.age", "backup-B7-2026-11-23.age", "log-B7-2026-11-23.txt"}[i], backup[i:])
				if err != nil || name != want {
					t.Fatalf("%q, %v", name, err)
				}
				if got := run(t, "mtype", "-i", stick, "::from-tollgate/"+name); !bytes.Equal(got, backup[i:]) {
					t.Errorf("%s: another system reads %d octets", name, len(got))
				}
			}
			if got := run(t, "mtype", "-i", stick, "::photo.jpg"); string(got) != repeated("picture", 9999) {
				t.Error("another file has changed")
			}
			if list := string(run(t, "mdir", "-b", "-i", stick, "::from-tollgate")); strings.Count(list, "\n") != 3 || strings.Contains(list, half) {
				t.Errorf("there are:\n%s", list)
			}
			sound(t, stick)
		})
	}
}

func TestAStickThatIsTooFullIsLeftAsItIs(t *testing.T) {
	for _, bits := range []int{12, 16, 32} {
		image := fat(t, bits, files{"photo.jpg": repeated("picture", 9999)})
		stick := plugged(t, image)
		owned(t, stick)
		_, err := reader(t).Store(context.Background(), stick, "backup-B7.age", bytes.Repeat([]byte{1}, maxStore))
		if bits == 32 {
			if err != nil {
				t.Errorf("FAT32 of 64 MB: %v", err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "the stick has room for") {
			t.Fatalf("FAT%d: %v", bits, err)
		}
		if !bytes.Equal(load(t, stick), image) {
			t.Errorf("FAT%d: something was written", bits)
		}
	}
}

// The room that is told is what the system's own tools tell.
func TestTheRoomOfAStickIsCounted(t *testing.T) {
	for _, bits := range []int{12, 16, 32} {
		image := plugged(t, fat(t, bits, files{"photo.jpg": repeated("picture", 9999), "b/c.txt": "x"}))
		disk, err := os.Open(image)
		if err != nil {
			t.Fatal(err)
		}
		defer disk.Close()
		found, err := volumes(disk, false)
		if err != nil {
			t.Fatal(err)
		}
		table, err := readTable(disk, found[0].(fatVolume))
		if err != nil {
			t.Fatal(err)
		}
		said := strings.Join(strings.Fields(string(run(t, "mdir", "-i", image, "::"))), "")
		if !strings.Contains(said, fmt.Sprintf("%dbytesfree", table.free())) {
			t.Errorf("FAT%d: %d counted, and the tools say %s", bits, table.free(), said)
		}
	}
}

func TestOnlyFATAndExFATAreWrittenTo(t *testing.T) {
	stick := plugged(t, ext4Image(t, files{"a": "b"}))
	owned(t, stick)
	if _, err := reader(t).Store(context.Background(), stick, "log.txt", []byte("x")); err == nil || err.Error() != errNotKept.Error() {
		t.Error(err)
	}
	if _, err := reader(t).Store(context.Background(), stick, "../log.txt", nil); err == nil || !strings.Contains(err.Error(), "no name") {
		t.Error(err)
	}
}
