package board

import (
	"os"
	"path/filepath"
	"testing"
)

func TestABoardTellsItsNumber(t *testing.T) {
	const tree, machine = "sys/firmware/devicetree/base/serial-number", "etc/machine-id"
	for _, tc := range []struct {
		name, want string
		files      map[string]string
	}{
		{"Raspberry Pi", "a1b2c3d4", map[string]string{tree: "10000000a1b2c3d4\x00", machine: "0123456789abcdef0123456789abcdef\n"}},
		{"a system without a device tree", "89abcdef", map[string]string{machine: "0123456789abcdef0123456789abcdef\n"}},
		{"an empty number", "89abcdef", map[string]string{tree: "\x00", machine: "0123456789abcdef0123456789abcdef\n"}},
		{"a number that is a path", "", map[string]string{tree: "../../etc"}},
		{"nothing", "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := t.TempDir()
			for name, text := range tc.files {
				path := filepath.Join(root, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got := Serial(root); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}
