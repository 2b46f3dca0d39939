package stick

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestFilesAreWrittenOntoTheStickThatIsHere(t *testing.T) {
	files := []File{{Kind: "backup", Suffix: ".age", Data: []byte("sealed")}, {Kind: "log", Suffix: ".txt", Data: []byte("lines")}}
	o := &office{stick: map[string][]byte{"photo.jpg": nil}}
	d := o.desk()
	if _, err := d.Export(context.Background(), files); !errors.Is(err, ErrNoStick) {
		t.Errorf("before one was plugged in: %v", err)
	}
	plug(d, true) // it holds nothing for the box, and is as good as any to write to
	names, err := d.Export(context.Background(), files)
	if err != nil || len(names) != 2 {
		t.Fatalf("%q, %v", names, err)
	}
	want := regexp.MustCompile(`^backup-B7-\d{4}-\d\d-\d\d\.age: sealed, log-B7-\d{4}-\d\d-\d\d\.txt: lines$`)
	if got := strings.Join(o.stored, ", "); !want.MatchString(got) || !strings.HasPrefix(got, names[0]) {
		t.Errorf("written: %s", got)
	}
	o.locked = true
	if names, err := d.Export(context.Background(), files); err == nil || len(names) != 0 {
		t.Errorf("a locked stick: %q, %v", names, err)
	}
	plug(d, false)
	if _, err := d.Export(context.Background(), files); !errors.Is(err, ErrNoStick) {
		t.Errorf("taken out: %v", err)
	}
}
