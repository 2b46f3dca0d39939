package panel

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Two seconds of each pattern, a sign for 50 ms: # is lit.
func TestEachPatternIsToldFromTheOthers(t *testing.T) {
	want := map[Pattern]string{
		Starting:     "##..##..##..##..##..##..##..##..##..##..",
		Ready:        "########################################",
		Call:         "######################################..",
		Alarm:        "################................########",
		Update:       "#####.....#####.....#####.....#####.....",
		Importing:    "###.................###.................",
		TakeOut:      "###....##........................###....",
		ImportFailed: "###....##....###........................",
		Confirm:      "#.#.#.#.#.#.#.#.#.#.#.#.#.#.#.#.#.#.#.#.",
	}
	seen := map[string]Pattern{}
	for p, line := range want {
		var got strings.Builder
		for at := time.Duration(0); at < 2*time.Second; at += 50 * time.Millisecond {
			lit, stays := p.At(at)
			got.WriteByte(map[bool]byte{true: '#', false: '.'}[lit])
			if stays < 0 || stays == 0 && p != Ready {
				t.Errorf("%s stays for %v after %v", p, stays, at)
			}
		}
		if got.String() != line {
			t.Errorf("%s is\n%s, not\n%s", p, &got, line)
		}
		if other, double := seen[line]; double {
			t.Errorf("%s looks like %s", p, other)
		}
		seen[line] = p
	}
}

func TestTheLightSaysFirstWhatSomebodyWaitsFor(t *testing.T) {
	for _, c := range []struct {
		scene Scene
		want  Pattern
	}{
		{Scene{}, Ready},
		{Scene{OnThePhone: true}, Call},
		{Scene{OnThePhone: true, Troubled: true}, Alarm},
		{Scene{Troubled: true, Taken: true}, TakeOut},
		{Scene{Troubled: true, Refused: true}, ImportFailed},
		{Scene{Reading: true, Troubled: true, OnThePhone: true}, Importing},
		{Scene{Updating: true, Reading: true, Refused: true, Taken: true, Troubled: true, OnThePhone: true}, Update},
	} {
		if got := c.scene.Pattern(); got != c.want {
			t.Errorf("%+v: %s, not %s", c.scene, got, c.want)
		}
	}
}

// aLight is the folder of a light with as much brightness as it has.
func aLight(t *testing.T, name, most string) (root, folder string) {
	t.Helper()
	root = t.TempDir()
	folder = filepath.Join(root, "sys/class/leds", name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, value := range map[string]string{"trigger": "[mmc0] none", "brightness": "0", "max_brightness": most} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(value), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root, folder
}

func TestTheLightIsSetByTheKernelsFiles(t *testing.T) {
	root, folder := aLight(t, "green:status", "255\n")
	synctest.Test(t, func(t *testing.T) {
		l := NewLight(root, nil)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		after := func(d time.Duration, what, want string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := text(filepath.Join(folder, "brightness")); got != want {
				t.Errorf("%s: brightness %s, not %s", what, got, want)
			}
		}
		after(0, "starting", "255")
		after(100*time.Millisecond, "starting", "0")
		l.Show(Alarm)
		after(time.Millisecond, "an alarm begins at once", "255")
		after(800*time.Millisecond, "an alarm", "0")
		l.Show(Alarm) // again: it does not begin anew
		after(700*time.Millisecond, "an alarm that is told twice", "0")
		after(100*time.Millisecond, "an alarm that is told twice", "255")
		l.Show(Ready)
		after(time.Hour, "ready", "255")
		if got := text(filepath.Join(folder, "trigger")); got != "none" {
			t.Errorf("the kernel's own trigger %q stays", got)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestABoardWithoutALightSaysSo(t *testing.T) {
	if err := NewLight(t.TempDir(), nil).Run(t.Context()); !errors.Is(err, ErrNoLight) {
		t.Errorf("it says %v", err)
	}
}
