package delivery

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tollgate/firmware/envelope"
	"tollgate/firmware/policy"
)

// known tells whether a file means something, when it is open.
func known(name string) bool {
	certificate, _ := policy.CertificateFile(name)
	return certificate || name == PolicyFile || slices.Contains(lists(), name)
}

// Takes tells whether a file of this name means something, sealed or not. What was remembered comes within a backup alone.
func Takes(name string) bool {
	plain, sealed := strings.CutSuffix(name, envelope.Suffix)
	return plain != RecordsFile && known(plain) || sealed && strings.HasPrefix(name, BackupPrefix)
}

// Open opens those files that are sealed, with the key of the box or a pass phrase, unpacks a backup, and leaves out what means
// nothing. The error is envelope.ErrPhrase when a pass phrase is needed and phrase is empty.
func (t *Taker) Open(files map[string][]byte, phrase string) (map[string][]byte, error) {
	opened := map[string][]byte{}
	add := func(name string, content []byte) error {
		if _, twice := opened[name]; twice {
			return fmt.Errorf("%s is there twice, sealed and not or within a backup: leave one of them", name)
		}
		opened[name] = content
		return nil
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !Takes(name) {
			continue
		}
		found, err := t.open(name, files[name], phrase)
		if errors.Is(err, envelope.ErrPhrase) || errors.Is(err, envelope.ErrWrong) {
			return nil, err
		}
		for part, content := range found {
			err = errors.Join(err, add(part, content))
		}
		errs = append(errs, err)
	}
	return opened, errors.Join(errs...)
}

// open returns what one file holds: itself, or the files of a backup.
func (t *Taker) open(name string, content []byte, phrase string) (map[string][]byte, error) {
	plain, sealed := strings.CutSuffix(name, envelope.Suffix)
	if !sealed {
		if _, private := policy.CertificateFile(name); private {
			return nil, fmt.Errorf("%s is a private key that everybody can read: seal it for this box (age -r RECIPIENT), as %s%s", name, name, envelope.Suffix)
		}
		return map[string][]byte{name: content}, nil
	}
	most, backup := maxSettings, strings.HasPrefix(name, BackupPrefix)
	if backup {
		most = MaxBackup
	}
	content, err := envelope.Open(content, most, t.o.Key, phrase)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if !backup {
		return map[string][]byte{plain: content}, nil
	}
	found, err := readBackup(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return found, nil
}
