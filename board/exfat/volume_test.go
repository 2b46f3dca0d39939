package exfat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"
)

// text is n octets of which none is where it could be by mistake.
func text(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>8 ^ i)
	}
	return string(b)
}

func content(v *Volume, path string) (string, error) {
	f, err := v.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	return string(data), err
}

// various are files of every shape on a volume with clusters of a size.
func various(cluster int) map[string]leaf {
	return map[string]leaf{
		"Tollgate": {content: map[string]leaf{
			"policy.yaml": {text: "version: 1\n"}, "empty": {},
			"one cluster": {text: text(cluster)}, "in order": {text: text(3*cluster + 1)}, "scattered": {text: text(9*cluster - 1), gap: 2},
			"half written": {text: text(cluster + 99), unset: 7 * cluster}, "room only": {unset: 2*cluster + 5, gap: 1},
		}},
		"Ärger mit Umlauten und einem Namen, der mehr als zwei Einträge braucht": {text: "x"},
		"folder": {content: map[string]leaf{"deeper": {content: map[string]leaf{"still": {text: "here"}}}}, gap: 1},
	}
}

func TestFilesOfEveryShapeAreRead(t *testing.T) {
	for _, cluster := range []int{1 << 10, 4 << 10, 64 << 10} {
		im := formatted(t, 8<<20, "-c", fmt.Sprint(cluster), "-L", "STICK")
		im.lay(im.root(), various(cluster))
		im.sound(t)
		im.lay(im.root(), map[string]leaf{"with a vendor's entry": {text: "known", vendor: true}}) // which this checker does not know
		v, err := im.open()
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]string{
			"tollgate/POLICY.YAML": "version: 1\n", "Tollgate/empty": "", "Tollgate/one cluster": text(cluster),
			"Tollgate/in order": text(3*cluster + 1), "Tollgate/scattered": text(9*cluster - 1),
			"Tollgate/half written": text(cluster+99) + strings.Repeat("\x00", 7*cluster), "Tollgate/room only": strings.Repeat("\x00", 2*cluster+5),
			"ärger mit umlauten und einem namen, der mehr als zwei einträge braucht": "x",
			"with a vendor's entry": "known", "folder/deeper/still": "here",
		} {
			if got, err := content(v, path); err != nil || got != want {
				t.Errorf("%s: %d octets of %d, %v", path, len(got), len(want), err)
			}
		}
		list, err := v.ReadDir(".")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range list {
			names = append(names, e.Name())
			if info, err := e.Info(); err != nil || !info.ModTime().Equal(time.Date(2026, 11, 23, 12, 1, 2, 0, time.UTC)) {
				t.Errorf("%s is of %v, %v", e.Name(), info.ModTime(), err)
			}
		}
		slices.Sort(names)
		if len(names) != 4 || names[0] != "Tollgate" || names[1] != "folder" || names[2] != "with a vendor's entry" {
			t.Errorf("the root holds %q", names)
		}
	}
}

func TestWhatIsNotThereIsToldSo(t *testing.T) {
	im := formatted(t, 4<<20)
	im.lay(im.root(), map[string]leaf{"file": {text: "x"}})
	v, err := im.open()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"other", "file/below", "../etc/passwd", strings.Repeat("a/", 40)} {
		if _, err := v.Open(path); err == nil {
			t.Errorf("%s was opened", path)
		} else if strings.Count(path, "/") < 9 && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := v.ReadDir("file"); err == nil {
		t.Error("a file was listed")
	}
	for name, disk := range map[string][]byte{"zeros": make([]byte, 1<<20), "nothing": nil, "NTFS": []byte("\xeb\x52\x90NTFS    ")} {
		if _, err := image(disk).open(); !errors.Is(err, ErrOther) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Case 60 of the attacks: each is told in words, nothing is read for ever, and no more than there is.
func TestHostileVolumesAreRefusedInWords(t *testing.T) {
	const file = "tollgate/scattered.bin"
	good := formatted(t, 4<<20, "-c", "4K")
	good.lay(good.root(), map[string]leaf{"tollgate": {content: map[string]leaf{"scattered.bin": {text: text(9*4096 - 1), gap: 2}}}})
	put := func(at int, v uint32) func(im image) {
		return func(im image) { binary.LittleEndian.PutUint32(im[at:], v) }
	}
	scattered := func(change func(im image, set []byte)) func(image) {
		return func(im image) {
			set := im[im.at(im.long(im.find(typeFile)+52)):][:3*entrySize]
			change(im, set)
			summed(set)
		}
	}
	for _, tc := range []struct {
		name  string
		spoil func(im image)
		want  string
	}{
		{"a checksum that is wrong", func(im image) { im[11*512]++; im[200]++ }, "boot sectors are damaged"},
		{"what must be zero and is not", func(im image) { im[40] = 1; im.sealed() }, "boot sectors are damaged"},
		{"revision 2", func(im image) { im[105] = 2; im.sealed() }, "revision is 2.00"},
		{"sectors of 256 octets", func(im image) { im[108] = 8; im.sealed() }, "size that cannot be"},
		{"clusters of 4 EiB", func(im image) { im[109] = 200; im.sealed() }, "size that cannot be"},
		{"no allocation table", func(im image) { im[110] = 0; im.sealed() }, "0 allocation tables"},
		{"two allocation tables", func(im image) { im[110] = 2; im.sealed() }, "2 allocation tables"},
		{"a volume larger than the stick", func(im image) { put(76, 7)(im); im.sealed() }, "past the end of the stick"},
		{"a volume of nothing", func(im image) { put(72, 1)(im); im.sealed() }, "smaller than 1 MB"},
		{"a table over the boot sectors", func(im image) { put(80, 2)(im); im.sealed() }, "lie over one another"},
		{"a table of four billion sectors", func(im image) { put(84, 0xffffffff)(im); im.sealed() }, "lie over one another"},
		{"a table that is too short", func(im image) { put(84, 0)(im); im.sealed() }, "does not fit its clusters"},
		{"more clusters than there is room", func(im image) { put(92, 0xfffffff5)(im); im.sealed() }, "lie over one another"},
		{"no clusters", func(im image) { put(92, 0)(im); im.sealed() }, "does not fit its clusters"},
		{"a root outside", func(im image) { put(96, 1)(im); im.sealed() }, "root lies outside"},
		{"a second table in use", func(im image) { im[106] = 1 }, "second allocation table"},
		{"a root that loops", func(im image) { c := im.long(96); binary.LittleEndian.PutUint32(im.inTable(c), uint32(c)) }, "has no end"},
		{"a root that leads out", func(im image) { binary.LittleEndian.PutUint32(im.inTable(im.long(96)), 1<<30) }, "leads out of the volume"},
		{"a root on a broken cluster", func(im image) { binary.LittleEndian.PutUint32(im.inTable(im.long(96)), badCluster) }, "that is broken"},
		{"no bitmap", func(im image) { im[im.find(typeBitmap)] = 0x01 }, "is missing"},
		{"two bitmaps", func(im image) { im[im.find(typeCapitals)] = typeBitmap }, "two tables of a kind"},
		{"a bitmap of another size", func(im image) { put(im.find(typeBitmap)+24, 5)(im) }, "bitmap of used clusters is damaged"},
		{"a bitmap outside", func(im image) { put(im.find(typeBitmap)+20, 1<<31)(im) }, "bitmap of used clusters is damaged"},
		{"no capital letters", func(im image) { im[im.find(typeCapitals)] = 0x02 }, "is missing"},
		{"capital letters of 4 GiB", func(im image) { put(im.find(typeCapitals)+24, 0xfffffffe)(im) }, "no table has this size"},
		{"capital letters that were changed", func(im image) { im[im.at(im.long(im.find(typeCapitals)+20))+70]++ }, "checksum is wrong"},
		{"a kind of entry that nobody knows", func(im image) { im[im.find(typeFile)] = 0x9f }, "which nobody knows"},
		{"an entry without its file", func(im image) { im[im.find(typeFile)] = typeStream }, "belongs to no file"},
		{"a file that is the whole root", func(im image) { im[im.find(typeFile)+1] = 255 }, "cut off"},
		{"an entry changed by hand", func(im image) { im[im.find(typeFile)+40]++ }, "checksum of an entry"},
		{"a folder that is no whole cluster", func(im image) {
			set := im[im.find(typeFile):][:3*entrySize]
			set[40]++
			set[56]++
			summed(set)
		}, "no folder has this size"},
		{"a folder in itself", func(im image) {
			set := im[im.find(typeFile):][:3*entrySize]
			binary.LittleEndian.PutUint32(set[52:], uint32(im.long(96)))
			summed(set)
		}, "belongs into the root"},
		{"a file that loops", scattered(func(im image, set []byte) {
			c := binary.LittleEndian.Uint32(set[52:])
			binary.LittleEndian.PutUint32(im.inTable(int(c)), c)
		}), "longer than it is"},
		{"a file whose chain is too short", scattered(func(im image, set []byte) {
			binary.LittleEndian.PutUint32(im.inTable(int(binary.LittleEndian.Uint32(set[52:]))), endOfChain)
		}), "ends too early"},
		{"a file larger than the volume", scattered(func(_ image, set []byte) { set[62] = 1 }), "larger than the volume"},
		{"a file of less than nothing", scattered(func(_ image, set []byte) { set[63] = 0x80 }), "larger than the volume"},
		{"more of it valid than there is", scattered(func(_ image, set []byte) { set[47] = 1 }), "more of it is valid"},
		{"a file outside", scattered(func(_ image, set []byte) { set[55] = 0x7f }), "outside of the volume"},
		{"in order past the end", scattered(func(im image, set []byte) {
			set[33] |= flagInOrder
			binary.LittleEndian.PutUint32(set[52:], uint32(im.long(92)))
		}), "outside of the volume"},
		{"no place", scattered(func(_ image, set []byte) { set[33] = 0 }), "no place for them"},
		{"on clusters that are free", scattered(func(im image, set []byte) { clear(im.bitmap()[:64]) }), "that nothing is"},
		{"no name", scattered(func(_ image, set []byte) { set[35] = 0 }), "no whole name"},
		{"a name longer than its entries", scattered(func(_ image, set []byte) { set[35] = 200 }), "no whole name"},
		{"a hash of another name", scattered(func(_ image, set []byte) { set[36]++ }), "hash of a name"},
		{"another entry in a name", scattered(func(_ image, set []byte) { set[64] = 0xc2 }), "does not belong to it"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			im := slices.Clone(good)
			tc.spoil(im)
			v, err := im.open()
			if err == nil {
				_, err = content(v, file)
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v does not say %q", err, tc.want)
			}
		})
	}
}

// FuzzVolume changes octets of a good volume: whatever it is then, it is read to an end and to no more than there is,
// and a file that can be added is there.
func FuzzVolume(f *testing.F) {
	im := formatted(f, 1<<20, "-c", "512", "-b", "4K")
	im.lay(im.root(), map[string]leaf{"tollgate": {content: map[string]leaf{"a": {text: text(3000), gap: 1}}}, "b": {text: text(600), vendor: true}})
	f.Add([]byte{0, 0, 108, 9})
	f.Add([]byte{0, 0, 96, 4, 0, 0, 92, 255, 0, 0, 93, 255})
	for at := im.root(); at < im.root()+512; at += 16 {
		f.Add([]byte{byte(at >> 16), byte(at >> 8), byte(at), 0x85})
	}
	f.Fuzz(func(t *testing.T, changes []byte) {
		disk := slices.Clone(im)
		for ; len(changes) >= 4; changes = changes[4:] {
			at := int(changes[0])<<16 | int(changes[1])<<8 | int(changes[2])
			disk[at%len(disk)] = changes[3]
		}
		m := &medium{image: disk.sealed()}
		v, err := Open(m, 0, int64(len(disk)))
		if err != nil {
			return
		}
		walk(t, v, ".", 3)
		if err := v.Create(m, "Tollgate/new", []byte(text(700)), noon); err != nil {
			return
		}
		if got, err := content(v, "tollgate/new"); err != nil || got != text(700) {
			t.Errorf("what was written is %d octets, %v", len(got), err)
		}
	})
}

// walk reads all there is to a depth.
func walk(t *testing.T, v *Volume, folder string, depth int) {
	list, err := v.ReadDir(folder)
	if err != nil || depth == 0 {
		return
	}
	for _, e := range list[:min(len(list), 50)] {
		if e.IsDir() {
			walk(t, v, folder+"/"+e.Name(), depth-1)
		} else if data, err := content(v, folder+"/"+e.Name()); err == nil && int64(len(data)) > v.size {
			t.Fatalf("%s has %d octets", e.Name(), len(data))
		}
	}
}
