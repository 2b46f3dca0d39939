package delivery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	// BackupPrefix begins the names of backups, which are sealed.
	BackupPrefix = "backup-"
	// MaxBackup is how long a backup may be before it is sealed, in bytes.
	MaxBackup = 12 << 20
)

// backupFormat is the number of the layout.
const backupFormat = 1

// Backup is what a box knows, so that another one can take its place.
type Backup struct {
	Format int               `json:"tollgate_backup"`
	Serial string            `json:"serial"` // of the box that it is of
	At     time.Time         `json:"at"`
	Files  map[string]string `json:"files"` // settings by the names that they have on a stick; RecordsFile among them
}

// WriteBackup writes a backup, which is to be sealed: it holds every secret of the box.
func WriteBackup(b Backup) ([]byte, error) {
	b.Format = backupFormat
	text, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("write the backup: %w", err)
	}
	if len(text) > MaxBackup {
		return nil, fmt.Errorf("the backup has %d bytes, more than %d", len(text), MaxBackup)
	}
	return text, nil
}

// readBackup returns the files of a backup.
func readBackup(text []byte) (map[string][]byte, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var b Backup
	if err := d.Decode(&b); err != nil {
		return nil, errors.New("it is no backup of Tollgate, or one of a later version") // not err: it may quote secrets
	}
	if b.Format != backupFormat {
		return nil, fmt.Errorf("the backup has layout %d, and this version knows %d", b.Format, backupFormat)
	}
	files := map[string][]byte{}
	for name, text := range b.Files {
		if !known(name) {
			return nil, fmt.Errorf("the backup holds %.80q, which this version does not know", name)
		}
		files[name] = []byte(text)
	}
	return files, nil
}
