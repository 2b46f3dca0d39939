package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tollgate/firmware/bundle"
	"tollgate/scripts/lab/machine"
)

// badStick is one that must change nothing on a box in service that takes what the integrator has signed.
type badStick struct {
	name    string
	make    func(path string) error
	want    string // part of the reason
	telling bool   // among the few when time is short
}

// badSticks are those of the attacks 60 to 63. folder is an empty one for what they are made of.
func badSticks(policy, folder string) []badStick {
	files := func(f map[string][]byte) func(string) error {
		return func(path string) error { return machine.MakeStick(path, f) }
	}
	of := func(policy []byte) func(string) error {
		return func(path string) error {
			f, err := signed(string(policy), 9, integrator)
			return errors.Join(err, machine.MakeStick(path, f))
		}
	}
	bundled := func(number uint64, change func(map[string][]byte)) func(string) error {
		return func(path string) error {
			f, err := signed(policy, number, integrator)
			if err != nil {
				return err
			}
			change(f)
			return machine.MakeStick(path, f)
		}
	}
	asItIs := func(map[string][]byte) {}
	good := bundled(9, asItIs)
	broken := func(change func(disk []byte) []byte) func(string) error {
		return func(path string) error { return errors.Join(good(path), rewrite(path, change)) }
	}
	return []badStick{
		{"nobody has signed it", files(unsigned(policy)), "not signed", true},
		{"a stranger has signed it", func(path string) error {
			f, err := signed(policy, 9, stranger)
			return errors.Join(err, machine.MakeStick(path, f))
		}, "nobody this box knows", true},
		{"the one that was taken, once more", bundled(5, asItIs), "number 5 was taken already", true},
		{"an older one", bundled(4, asItIs), "number 4, and number 5 was taken already", false},
		{"one bit of the policy is flipped", bundled(9, func(f map[string][]byte) { f[policyFile][10] ^= 1 }), "", true},
		{"the policy is cut off", bundled(9, func(f map[string][]byte) { f[policyFile] = f[policyFile][:200] }), "", false},
		{"one bit of the signature is flipped", bundled(9, func(f map[string][]byte) { f[bundle.SignatureFile][3] ^= 1 }), "", false},
		{"the signature is missing", bundled(9, func(f map[string][]byte) { delete(f, bundle.SignatureFile) }), "manifest.sig is missing", false},
		{"a file was added", bundled(9, func(f map[string][]byte) { f["bans.txt"] = []byte("203.0.113.9\n") }), "bans.txt was added", false},
		{"a FAT chain that loops", broken(looped), "", false},
		{"clusters of no size", broken(func(d []byte) []byte { d[13] = 0; return d }), "", true},
		{"sectors of no size", broken(func(d []byte) []byte { d[11], d[12] = 0, 0; return d }), "", false},
		{"a FAT of four billion sectors", broken(func(d []byte) []byte { binary.LittleEndian.PutUint32(d[36:], 0xffffffff); return d }), "", false},
		{"cut off in the middle", broken(func(d []byte) []byte { return d[:1<<20] }), "", false},
		{"more files than anybody needs", files(many()), "entries", false},
		{"zeros", func(path string) error { return os.WriteFile(path, make([]byte, 1<<20), 0o600) }, "no file system", false},
		{"NTFS", func(path string) error { return os.WriteFile(path, ntfs(), 0o600) }, "", false},
		{"ext4, and the policy is a link to the box's own files", linked(folder, policy), "policy.yaml is listed in manifest.json and missing", false},
		{"a policy of a gigabyte, packed, and signed", of(bomb()), policyFile, false},
		{"a policy of ten megabytes, and signed", of(bytes.Repeat([]byte("a: b # and more\n"), 10<<16)), policyFile, false},
	}
}

// rewrite changes the file of a stick.
func rewrite(path string, change func([]byte) []byte) error {
	disk, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, change(disk), 0o600)
}

// looped lets each chain of a FAT32 lead back to where it began.
func looped(disk []byte) []byte {
	const sector = 512
	reserved, size := int(binary.LittleEndian.Uint16(disk[14:])), int(binary.LittleEndian.Uint32(disk[36:]))*sector
	for table := range 2 {
		at := reserved*sector + table*size
		for i := 2; i < size/4; i++ {
			if binary.LittleEndian.Uint32(disk[at+4*i:]) != 0 {
				binary.LittleEndian.PutUint32(disk[at+4*i:], 2)
			}
		}
	}
	return disk
}

// ntfs is a disk that says it is one.
func ntfs() []byte {
	d := make([]byte, 1<<20)
	copy(d, "\xeb\x52\x90NTFS    ")
	d[510], d[511] = 0x55, 0xaa
	return d
}

func many() map[string][]byte {
	f := map[string][]byte{}
	for i := range 300 {
		f[fmt.Sprintf("file%03d", i)] = []byte("x")
	}
	return f
}

// linked is a signed stick whose policy is a symbolic link out of it.
func linked(folder, policy string) func(string) error {
	return func(path string) error {
		top := filepath.Join(folder, "tollgate")
		if err := os.Mkdir(top, 0o755); err != nil {
			return err
		}
		f, err := signed(policy, 9, integrator)
		if err != nil {
			return err
		}
		return errors.Join(
			os.WriteFile(filepath.Join(top, bundle.ManifestFile), f[bundle.ManifestFile], 0o644),
			os.WriteFile(filepath.Join(top, bundle.SignatureFile), f[bundle.SignatureFile], 0o644),
			os.Symlink("/data/tollgate/tollgate.db", filepath.Join(top, policyFile)),
			os.Symlink("../../../../etc/passwd", filepath.Join(top, "bans.txt")),
			machine.MakeExt4Stick(path, folder),
		)
	}
}

// bomb is a gigabyte of one letter, packed.
func bomb() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	block := []byte(strings.Repeat("a", 1<<20))
	for range 1 << 10 {
		_, _ = z.Write(block) // to memory
	}
	_ = z.Close()
	return b.Bytes()
}
