package exfat

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// medium is a disk that notes what is written, sector by sector, and when it is to be kept.
type medium struct {
	image
	wrote []piece
	kept  []int // how many were written before each Sync
}

func (m *medium) ReadAt(p []byte, at int64) (int, error) {
	return bytes.NewReader(m.image).ReadAt(p, at)
}

func (m *medium) WriteAt(p []byte, at int64) (int, error) {
	if at < 0 || at+int64(len(p)) > int64(len(m.image)) {
		return 0, errors.New("it is written outside of the disk")
	}
	copy(m.image[at:], p)
	for rest := p; len(rest) > 0; {
		part := min(512-int(at%512), len(rest))
		m.wrote = append(m.wrote, piece{at, slices.Clone(rest[:part])})
		rest, at = rest[part:], at+int64(part)
	}
	return len(p), nil
}

func (m *medium) Sync() error {
	m.kept = append(m.kept, len(m.wrote))
	return nil
}

var noon = time.Date(2026, 11, 23, 12, 0, 1, 0, time.UTC)

// onto opens an image for writing.
func onto(t testing.TB, im image) (*medium, *Volume) {
	t.Helper()
	m := &medium{image: slices.Clone(im)}
	v, err := Open(m, 0, int64(len(im)))
	if err != nil {
		t.Fatal(err)
	}
	return m, v
}

// crowded is a volume whose free clusters are scattered and whose folder is full to its last entry.
func crowded(t testing.TB) image {
	im := formatted(t, 4<<20, "-c", "1K", "-b", "4K")
	full := map[string]leaf{}
	for i := range 10 { // three entries each, and 32 fill the cluster
		full[fmt.Sprint("f", i)] = leaf{text: text(100 * i)}
	}
	im.lay(im.root(), map[string]leaf{"Tollgate": {content: full}, "photo.jpg": {text: text(40 << 10), gap: 1}, "report.txt": {text: text(3000)}})
	im.lay(im.root(), map[string]leaf{"four more": {}, "and four": {}, "and these": {}, "and those": {}, "and one": {}, "and two": {}})
	return im
}

// whole compares all that a volume held before with what it holds now, but for one file.
func whole(t testing.TB, im image, except string) {
	t.Helper()
	v, err := im.open()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"photo.jpg": text(40 << 10), "report.txt": text(3000)}
	for i := range 10 {
		want[fmt.Sprint("Tollgate/f", i)] = text(100 * i)
	}
	for path, octets := range want {
		if got, err := content(v, path); path != except && (err != nil || got != octets) {
			t.Fatalf("%s: %d octets, %v", path, len(got), err)
		}
	}
}

// writes are what a box does to a stick, what it leads to and which file may be another one then.
var writes = []struct {
	name   string
	write  func(m *medium, v *Volume) error
	path   string
	want   string
	except string
}{
	{"a file", func(m *medium, v *Volume) error { return v.Create(m, "new file.bin", []byte(text(5000)), noon) }, "new file.bin", text(5000), ""},
	{"a file without anything in it", func(m *medium, v *Volume) error { return v.Create(m, "empty", nil, noon) }, "empty", "", ""},
	{"a folder", func(m *medium, v *Volume) error { return v.MakeFolder(m, "from-tollgate", noon) }, "from-tollgate", "", ""},
	{"other data for a file", func(m *medium, v *Volume) error { return v.Replace(m, "REPORT.TXT", []byte(text(1300)), noon) }, "report.txt", text(1300), "report.txt"},
	{"a file into a full root", func(m *medium, v *Volume) error {
		return v.Create(m, "a name of seven entries, which is as long as ours ever are.bin", []byte("x"), noon)
	}, "a name of seven entries, which is as long as ours ever are.bin", "x", ""},
	{"a file into a full folder", func(m *medium, v *Volume) error { return v.Replace(m, "tollgate/report", []byte(text(99)), noon) }, "Tollgate/report", text(99), ""},
}

func TestWhatIsWrittenIsWholeAndNothingElseChanges(t *testing.T) {
	for _, tc := range writes {
		t.Run(tc.name, func(t *testing.T) {
			m, v := onto(t, crowded(t))
			if err := tc.write(m, v); err != nil {
				t.Fatal(err)
			}
			m.sound(t)
			whole(t, m.image, tc.except)
			if f, err := v.Open(tc.path); err != nil {
				t.Error(err)
			} else if info, _ := f.Stat(); !info.IsDir() {
				if got, err := content(v, tc.path); err != nil || got != tc.want || !info.ModTime().Equal(noon) {
					t.Errorf("%d octets of %v, %v", len(got), info.ModTime(), err)
				}
			}
		})
	}
}

// The power may go at each sector, and of what was not kept yet any part may be lost.
func TestAPowerCutLeavesTheVolumeAsBeforeOrAfter(t *testing.T) {
	before := crowded(t)
	for _, tc := range writes {
		t.Run(tc.name, func(t *testing.T) {
			m, v := onto(t, before)
			if err := tc.write(m, v); err != nil {
				t.Fatal(err)
			}
			random := rand.New(rand.NewPCG(1, 2))
			for n := range len(m.wrote) {
				cut := slices.Clone(before)
				kept := 0 // those were written for good
				for _, k := range m.kept {
					if k <= n {
						kept = k
					}
				}
				for i, p := range m.wrote[:n+1] {
					if i < kept || i == n || random.IntN(3) > 0 {
						copy(cut[p.at:], p.data)
					}
				}
				cut.sound(t)
				whole(t, cut, tc.except)
				after, err := cut.open()
				if err != nil {
					t.Fatal(err)
				}
				switch got, err := content(after, tc.path); {
				case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid), err == nil && got == tc.want:
				case tc.except != "" && got == text(3000):
				default:
					t.Fatalf("after %d writes there are %d octets, %v", n+1, len(got), err)
				}
			}
			t.Logf("%d power cuts", len(m.wrote))
		})
	}
}

func TestAFolderGrowsAsItFills(t *testing.T) {
	m, v := onto(t, formatted(t, 2<<20, "-c", "512", "-b", "4K"))
	if err := v.MakeFolder(m, "from-tollgate", noon); err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		for _, folder := range []string{"", "from-tollgate/"} {
			name := fmt.Sprintf("%sa file of a name that is long, number %d.txt", folder, i)
			if err := v.Create(m, name, []byte(text(i*7)), noon); err != nil {
				t.Fatal(name, err)
			}
		}
	}
	m.sound(t)
	for _, folder := range []string{".", "from-tollgate"} {
		list, err := v.ReadDir(folder)
		if err != nil || len(list) < 60 {
			t.Fatalf("%d files, %v", len(list), err)
		}
		for i := range 60 {
			name := fmt.Sprintf("%s/a file of a name that is long, number %d.txt", folder, i)
			if got, err := content(v, name); err != nil || got != text(i*7) {
				t.Errorf("%s: %d octets, %v", name, len(got), err)
			}
		}
	}
}

// What cannot be written safely is not written at all.
func TestAVolumeIsLeftAsItIsWhenItIsNotFitToBeWritten(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(im image) image
		write func(m *medium, v *Volume) error
		want  string
	}{
		"it was taken out while written to": {func(im image) image { im[106] = 2; return im }, nil, "taken out while"},
		"it has broken places":              {func(im image) image { im[106] = 4; return im }, nil, "broken places"},
		"it is full": {func(im image) image { return im }, func(m *medium, v *Volume) error {
			return v.Create(m, "big", make([]byte, 4<<20), noon)
		}, "is full"},
		"the name is taken": {func(im image) image { return im }, func(m *medium, v *Volume) error {
			return v.Create(m, "PHOTO.jpg", nil, noon)
		}, "there is a PHOTO.jpg"},
		"a folder has the name": {func(im image) image { return im }, func(m *medium, v *Volume) error {
			return v.Replace(m, "tollgate", nil, noon)
		}, "is a folder"},
		"there is no such folder": {func(im image) image { return im }, func(m *medium, v *Volume) error {
			return v.Create(m, "other/file", nil, noon)
		}, "not exist"},
		"its folder is a file": {func(im image) image { return im }, func(m *medium, v *Volume) error {
			return v.Create(m, "photo.jpg/file", nil, noon)
		}, "no folder"},
		"the name is too long": {func(im image) image { return im }, func(m *medium, v *Volume) error {
			return v.Create(m, strings.Repeat("n", 250), nil, noon)
		}, "too long"},
		"entries follow the folder's end": {func(im image) image {
			at := im.root()
			for im[at] != 0 {
				at += entrySize
			}
			im[at+entrySize] = typeFile
			return im
		}, nil, "goes on behind its end"},
		"the entry lies in two sectors": {func(im image) image {
			set := slices.Clone(im[im.root()+9*entrySize:][:3*entrySize]) // report.txt, the last one
			for i := range 6 {
				im[im.root()+(9+i)*entrySize] = unusedFile
			}
			copy(im[im.root()+15*entrySize:], set)
			return im
		}, func(m *medium, v *Volume) error { return v.Replace(m, "report.txt", []byte("x"), noon) }, "cannot be changed safely"},
	} {
		t.Run(name, func(t *testing.T) {
			m, v := onto(t, tc.spoil(crowded(t)))
			if tc.write == nil {
				tc.write = func(m *medium, v *Volume) error { return v.Create(m, "new", []byte("x"), noon) }
			}
			if err := tc.write(m, v); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v does not say %q", err, tc.want)
			}
			if len(m.wrote) > 0 {
				t.Error("something was written")
			}
		})
	}
}

func TestTheRoomIsCounted(t *testing.T) {
	im := crowded(t)
	free := 0
	for c := 2; c < im.long(92)+2; c++ {
		if !im.used(c) {
			free += im.cluster()
		}
	}
	m, v := onto(t, im)
	if got, err := v.Free(); err != nil || got != int64(free) || v.Cluster() != 1024 {
		t.Errorf("%d octets in clusters of %d, want %d: %v", got, v.Cluster(), free, err)
	}
	if err := v.Create(m, "all of it", make([]byte, free-1024), noon); err != nil { // and the root grows
		t.Fatal(err)
	}
	if got, err := v.Free(); err != nil || got != 0 || m.image[percentAt] != 100 {
		t.Errorf("%d octets are left, and %d %% used: %v", got, m.image[percentAt], err)
	}
	m.sound(t)
}
