// Package envelope closes files so that nobody opens them but one box, or who knows a pass phrase.
//
// The format is age, version 1 (age-encryption.org/v1), so that any computer can write such files: age -r RECIPIENT, or age -p. A box
// has an X25519 key of its own, and opens by itself what was sealed for its recipient. What is sealed is authenticated: a bit that was
// changed is noticed. It is not signed: everybody can seal something for a box.
//
// It leaves to others where the key is kept and what the files mean.
package envelope

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"filippo.io/age"
)

// Suffix ends the names of sealed files.
const Suffix = ".age"

// The work that a pass phrase costs, as a power of two: 64 MB and a second of a small board for what the box seals. What others
// have sealed may cost as much as age itself takes, 256 MB; more is refused.
const (
	phraseWork = 16
	mostWork   = 18
)

// What keeps a file from being opened.
var (
	ErrPhrase = errors.New("it is sealed with a pass phrase, which somebody must type")
	ErrWrong  = errors.New("the pass phrase is another one")
	ErrOther  = errors.New("it is sealed for another box: seal it for the recipient of this one, which the page and the console show")
)

// Identity is the key of a box. It does not print.
type Identity struct{ key *age.X25519Identity }

// NewIdentity makes a key.
func NewIdentity() (Identity, error) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return Identity{}, fmt.Errorf("make a key for sealed files: %w", err)
	}
	return Identity{key}, nil
}

// ParseIdentity reads a key that Reveal has written.
func ParseIdentity(text string) (Identity, error) {
	key, err := age.ParseX25519Identity(text)
	if err != nil {
		return Identity{}, errors.New("the key for sealed files is damaged") // not err: it may quote
	}
	return Identity{key}, nil
}

// Recipient is the public half, for whoever seals something for the box.
func (i Identity) Recipient() string { return i.key.Recipient().String() }

// Reveal is the key itself, for the store and for nobody else.
func (i Identity) Reveal() string { return i.key.String() }

// Format prints the public half whatever the verb.
func (i Identity) Format(f fmt.State, _ rune) { fmt.Fprint(f, i.shown()) }

// LogValue is the public half.
func (i Identity) LogValue() slog.Value { return slog.StringValue(i.shown()) }

func (i Identity) shown() string {
	if i.key == nil {
		return "(no key)"
	}
	return i.Recipient()
}

// ByPhrase tells whether a pass phrase opens a file, and no key.
func ByPhrase(sealed []byte) bool {
	return bytes.HasPrefix(sealed, []byte("age-encryption.org/v1\n-> scrypt "))
}

// Open opens a file of at most most bytes with the key of the box, or with a pass phrase when that is what it was sealed with. The
// error is ErrPhrase when phrase is empty and needed, ErrWrong, ErrOther, or says what is wrong with the file.
func Open(sealed []byte, most int, own Identity, phrase string) ([]byte, error) {
	opener, err := openerOf(sealed, own, phrase)
	if err != nil {
		return nil, err
	}
	from, err := age.Decrypt(bytes.NewReader(sealed), opener)
	var stranger *age.NoIdentityMatchError
	switch {
	case errors.As(err, &stranger) && ByPhrase(sealed):
		return nil, ErrWrong
	case errors.As(err, &stranger):
		return nil, ErrOther
	case err != nil:
		return nil, fmt.Errorf("it is no sealed file that can be opened (age, not armored): %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(from, int64(most)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("it was changed or cut off after it was sealed: %w", err)
	case len(plain) > most:
		return nil, fmt.Errorf("it holds more than %d bytes", most)
	}
	return plain, nil
}

func openerOf(sealed []byte, own Identity, phrase string) (age.Identity, error) {
	switch {
	case !ByPhrase(sealed) && own.key == nil:
		return nil, ErrOther
	case !ByPhrase(sealed):
		return own.key, nil
	case phrase == "":
		return nil, ErrPhrase
	}
	opener, err := age.NewScryptIdentity(phrase)
	if err != nil {
		return nil, err
	}
	opener.SetMaxWorkFactor(mostWork)
	return opener, nil
}

// For says who can open what is sealed: the boxes and people with these recipients, or who knows the pass phrase. One of the two
// is set.
type For struct {
	Recipients []string
	Phrase     string
}

// Seal seals a file.
func Seal(plain []byte, f For) ([]byte, error) {
	recipients, err := f.recipients()
	if err != nil {
		return nil, err
	}
	var sealed bytes.Buffer
	to, err := age.Encrypt(&sealed, recipients...)
	if err == nil {
		_, err = to.Write(plain)
	}
	if err == nil {
		err = to.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed.Bytes(), nil
}

func (f For) recipients() (list []age.Recipient, err error) {
	switch {
	case f.Phrase != "" && len(f.Recipients) > 0:
		return nil, errors.New("seal it for recipients or with a pass phrase, not both")
	case f.Phrase != "":
		r, err := age.NewScryptRecipient(f.Phrase)
		if err != nil {
			return nil, err
		}
		r.SetWorkFactor(phraseWork)
		return []age.Recipient{r}, nil
	case len(f.Recipients) == 0:
		return nil, errors.New("say who can open it: a recipient or a pass phrase")
	}
	for _, text := range f.Recipients {
		r, err := age.ParseX25519Recipient(text)
		if err != nil {
			return nil, fmt.Errorf("%.80q is no recipient: a box shows its own on its page and its console, age1 and 58 characters", text)
		}
		list = append(list, r)
	}
	return list, nil
}
