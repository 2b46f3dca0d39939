package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// known is a kernel whose modules have been read already.
func known(modules ...*module) *kernel {
	k := &kernel{files: map[string]string{}, builtin: map[string]bool{"pci": true}, read: map[string]*module{}}
	for _, m := range modules {
		m.path = "/kernel/" + m.name + ".ko"
		if strings.HasSuffix(m.name, "_generic") {
			m.path = "/kernel/crypto/" + m.name + ".ko"
		}
		k.files[m.name], k.read[m.name] = m.path, m
	}
	return k
}

func TestAModuleComesAfterAllThatItNeeds(t *testing.T) {
	k := known(
		&module{name: "ext4", needs: []string{"jbd2", "crc16"}, prefers: []string{"crc32c"}},
		&module{name: "jbd2"}, &module{name: "crc16"},
		&module{name: "crc32c_generic", aliases: []string{"crc32c", "crypto-crc32c"}},
		&module{name: "virtio_blk", needs: []string{"virtio-ring", "pci"}}, &module{name: "virtio_ring"},
	)
	order, err := k.order([]string{"virtio-blk", "ext4", "jbd2", "pci"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range order {
		names = append(names, m.name)
	}
	want := []string{"virtio_ring", "virtio_blk", "jbd2", "crc16", "crc32c_generic", "ext4"}
	if !slices.Equal(names, want) {
		t.Errorf("order is %v, want %v", names, want)
	}
}

func TestTheListTellsWhatEachModuleNeedsOfItsPart(t *testing.T) {
	k := known(
		&module{name: "ext4", needs: []string{"jbd2"}, prefers: []string{"crc32c"}}, &module{name: "jbd2"},
		&module{name: "crc32c_generic", aliases: []string{"crc32c"}},
		&module{name: "nf_tables", needs: []string{"libcrc32c", "pci"}}, &module{name: "libcrc32c", prefers: []string{"crc32c"}},
		&module{name: "uas", needs: []string{"usb-storage", "jbd2", "usb_storage"}}, &module{name: "usb_storage"},
	)
	list, all, err := k.list([parts][]string{{"ext4"}, {"nf_tables", "jbd2"}, {"uas", "ext4"}})
	want := "/lib/modules/jbd2.ko <\n/lib/modules/crc32c_generic.ko <\n/lib/modules/ext4.ko <jbd2.ko,crc32c_generic.ko\n--\n" +
		"/lib/modules/libcrc32c.ko <\n/lib/modules/nf_tables.ko <libcrc32c.ko\n--\n/lib/modules/usb_storage.ko <\n/lib/modules/uas.ko <usb_storage.ko\n"
	if err != nil || list != want || len(all) != 7 {
		t.Errorf("%d modules, %v:\n%s\nwant\n%s", len(all), err, list, want)
	}
	if _, _, err := k.list([parts][]string{1: {"gone"}}); err == nil {
		t.Error("a module that the kernel does not have is in the list")
	}
}

func TestWhatCannotBeLoadedIsAnError(t *testing.T) {
	k := known(&module{name: "a", needs: []string{"b"}}, &module{name: "b", needs: []string{"a"}}, &module{name: "c", needs: []string{"gone"}})
	for name, want := range map[string]string{
		"a":      "depends on itself",
		"c":      "c needs: the kernel has no module gone",
		"absent": "the kernel has no module absent",
	} {
		if _, err := k.order([]string{name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

func TestModinfoIsRead(t *testing.T) {
	m := parseInfo([]byte("license=GPL\x00alias=fs-ext4\x00depends=mbcache,jbd2\x00softdep=pre: crc32c sha256 post: late pre: more\x00depends=\x00"))
	if !slices.Equal(m.needs, []string{"mbcache", "jbd2"}) || !slices.Equal(m.prefers, []string{"crc32c", "sha256", "more"}) || !slices.Equal(m.aliases, []string{"fs-ext4"}) {
		t.Errorf("read %+v", m)
	}
}

func TestEveryBoardHasAListOfModules(t *testing.T) {
	for _, board := range []string{"virt", "rpi"} {
		names, err := readLists(board)
		if err != nil || !slices.Contains(names[0], "ext4") || !slices.Contains(names[1], "nf_tables") || !slices.Contains(names[2], "usb_storage") ||
			slices.Contains(names[0], "#") {
			t.Errorf("%s: %v, %v", board, names, err)
		}
	}
	if _, err := readLists("toaster"); err == nil {
		t.Error("a board that is not known has a list")
	}
}

func TestTheArchiveIsWhatTheKernelReads(t *testing.T) {
	var b bytes.Buffer
	a := newArchive(&b, 0x6553f100)
	a.dir("etc")
	a.file("etc/release", 0o644, []byte("board"))
	a.link("init", "sbin/init")
	a.console()
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"070701" + "00000001" + "000041ed" + "00000000" + "00000000" + "00000002" + "6553f100" + "00000000" +
			"00000000" + "00000000" + "00000000" + "00000000" + "00000004" + "00000000" + "etc\x00\x00\x00",
		"070701" + "00000002" + "000081a4" + "00000000" + "00000000" + "00000001" + "6553f100" + "00000005" +
			"00000000" + "00000000" + "00000000" + "00000000" + "0000000c" + "00000000" + "etc/release\x00\x00\x00" + "board\x00\x00\x00",
		"070701" + "00000003" + "0000a1ff" + "00000000" + "00000000" + "00000001" + "6553f100" + "00000009" +
			"00000000" + "00000000" + "00000000" + "00000000" + "00000005" + "00000000" + "init\x00\x00" + "sbin/init\x00\x00\x00",
		"070701" + "00000004" + "00002180" + "00000000" + "00000000" + "00000001" + "6553f100" + "00000000" +
			"00000000" + "00000000" + "00000005" + "00000001" + "0000000c" + "00000000" + "dev/console\x00\x00\x00",
		"070701" + "00000000" + "00000000" + "00000000" + "00000000" + "00000001" + "00000000" + "00000000" +
			"00000000" + "00000000" + "00000000" + "00000000" + "0000000b" + "00000000" + "TRAILER!!!\x00\x00\x00\x00",
	}, "")
	if got := b.String(); got != want {
		t.Errorf("wrote\n%q, want\n%q", got, want)
	}
}

func TestAModuleIsPutInWithoutItsSignature(t *testing.T) {
	signed := "\x7fELF" + "SIGNATURE" + "\x00\x00\x02\x00\x00\x00\x00\x00" + "\x00\x00\x00\x09" + signatureMark
	for in, want := range map[string]string{
		signed: "\x7fELF", "\x7fELF": "\x7fELF", "\x7fELF" + signatureMark: "\x7fELF" + signatureMark, signatureMark: signatureMark,
		"SIG" + signed[13:]: "SIG" + signed[13:], // shorter than it says that its signature is
	} {
		if got := string(unsigned([]byte(in))); got != want {
			t.Errorf("of %q %q is left, want %q", in, got, want)
		}
	}
}
