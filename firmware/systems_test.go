package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tollgate/board/update"
	"tollgate/firmware/api"
	"tollgate/firmware/supervise"
)

// notes keep records in memory.
type notes map[string][]byte

func (n notes) Get(kind, key string) ([]byte, bool, error) {
	value, found := n[kind+"/"+key]
	return value, found, nil
}

func (n notes) Put(kind, key string, value []byte) error {
	n[kind+"/"+key] = value
	return nil
}

func shownSystem(s *systems) api.System { return systemView{&box{systems: s}}.System() }

// image is a tree as an image has it, with slots of files; state is what the loader left.
func image(t *testing.T, commandLine string) (root string) {
	t.Helper()
	root = t.TempDir()
	for path, content := range map[string]string{
		releasePath:     "board=virt\nrelease=1.0.0 (abc)\nbuilt=1000\n",
		keysPath:        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		"/proc/cmdline": commandLine,
	} {
		if err := os.MkdirAll(filepath.Dir(root+path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestASystemWithoutSlotsSaysWhatItIs(t *testing.T) {
	s, err := openSystems(image(t, "panic=10"), t.TempDir(), supervise.Voice{}, notes{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if got := shownSystem(s); got.Board != "virt" || got.Release != "1.0.0 (abc)" || got.Slot != "" || s.installer.Running.Built != 1000 || len(s.makers) != 1 {
		t.Errorf("%+v, %+v", got, s.installer)
	}
	if s, err := openSystems(t.TempDir(), "", supervise.Voice{}, nil, nil); s != nil || err != nil {
		t.Errorf("a machine with a system of its own: %+v, %v", s, err)
	}
}

// onTrial is a system that the loader has just begun to try in slot b.
func onTrial(t *testing.T) *systems {
	t.Helper()
	dir := t.TempDir()
	slots := update.Slots{A: filepath.Join(dir, "a"), B: filepath.Join(dir, "b"), State: filepath.Join(dir, "state")}
	for _, path := range []string{slots.A, slots.B, slots.State} {
		if err := os.WriteFile(path, make([]byte, 8192), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &systems{trial: true, records: notes{}, log: slog.New(slog.DiscardHandler), installer: update.Installer{
		Slots: slots, Running: update.Running{Board: "virt", Slot: update.B, Trial: true}, Spool: dir,
	}}
}

func TestANewSystemIsKeptWhenItHasBeenWellForLongEnough(t *testing.T) {
	s := onTrial(t)
	start := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		after time.Duration
		fault error
		kept  bool
	}{
		{0, nil, false},
		{proveTime - time.Second, nil, false},
		{proveTime, errors.New("a hiccup"), false}, // the minute begins again
		{proveTime + time.Second, nil, false},
		{2*proveTime + time.Second, nil, true},
	} {
		s.proved(step.fault, step.after, start.Add(step.after))
		state, err := s.installer.Slots.Read()
		if err != nil {
			t.Fatal(err)
		}
		if kept := state.Active == update.B; kept != step.kept || shownSystem(s).Trial == step.kept {
			t.Errorf("after %v: kept %v, want %v; %+v", step.after, kept, step.kept, shownSystem(s))
		}
	}
}

func TestTheSlotsOfARaspberryPiAreFoundByTheirNames(t *testing.T) {
	root := t.TempDir()
	blocks := filepath.Join(root, "sys/class/block")
	if err := os.MkdirAll(blocks, 0o755); err != nil {
		t.Fatal(err)
	}
	for n, label := range []string{"boot", "a", "b", "state", "data"} {
		name := fmt.Sprintf("mmcblk0p%d", n+1)
		dir := filepath.Join(root, "sys/devices/mmcblk0", name)
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.Symlink("../../devices/mmcblk0/"+name, filepath.Join(blocks, name))); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "uevent"), []byte("DEVNAME="+name+"\nPARTNAME=tollgate-"+label+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := update.Slots{A: "/dev/mmcblk0p2", B: "/dev/mmcblk0p3", State: "/dev/mmcblk0p4", Autoboot: "/dev/mmcblk0p1"}
	if got, err := findSlots(root, true); fmt.Sprint(got) != fmt.Sprint(want) || err != nil {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if got, err := findSlots(root, false); got.Autoboot != "" || err != nil {
		t.Errorf("U-Boot chooses by %q, %v", got.Autoboot, err)
	}
}

func TestAMachineWithASystemOfItsOwnHasNothingToProve(t *testing.T) {
	var s *systems
	s.proved(nil, time.Hour, time.Now())
}
