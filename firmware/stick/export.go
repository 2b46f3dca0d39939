package stick

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// File is something that is written onto a stick.
type File struct {
	Kind, Suffix string // "backup" and ".age"; the serial number of the box and the date stand between them
	Data         []byte
}

// ErrNoStick says that nothing is plugged in that could be written to.
var ErrNoStick = errors.New("no stick is plugged in")

// Export writes files into the folder of the stick for what comes from boxes, and returns the names that they have there. Nothing
// that lies there is changed. What was written before an error stays.
func (d *Desk) Export(ctx context.Context, files []File) (names []string, err error) {
	d.work.Lock()
	defer d.work.Unlock()
	s := d.State()
	if s == nil || !s.Here {
		return nil, ErrNoStick
	}
	for _, f := range files {
		name := fmt.Sprintf("%s-%s-%s%s", f.Kind, FileName(d.o.Serial), time.Now().Format(time.DateOnly), f.Suffix)
		if name, err = d.o.Reader.Store(ctx, s.Device, name, f.Data); err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}
