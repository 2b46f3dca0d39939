// Command fleet lays out a USB stick for each box of a list: the policy that a template and a line of the list make, signed, and sealed
// for the box when the list names its recipient. scripts/make-stick starts it.
//
//	list + template -> every line read and its policy checked -> all faults told by line and column, and nothing is written
//	                -> OUT/BOX/tollgate/, or the image OUT/BOX.img
//
// No secret is ever printed. It is no part of the product.
package main

import (
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tollgate/firmware/bundle"
	"tollgate/firmware/delivery"
	"tollgate/firmware/envelope"
	"tollgate/firmware/policy"
)

const usage = `Lays out a USB stick for each box of a list.

    scripts/make-stick --list FILE --policy FILE --key FILE --number N --out FOLDER [--with FOLDER] [--image]

    --list FILE    one line a box; the first names the columns: serial or mac, recipient if it is known, and those of the policy
    --policy FILE  the policy with holes: {{user}} for one value, [{{numbers...}}] for those that blanks stand between
    --key FILE     the private key that tollgate signer has made
    --number N     higher than that of the last stick these boxes took
    --out FOLDER   where the sticks are laid out; it must not exist
    --with FOLDER  files for every box, such as bans.txt and rates.csv; in FOLDER/BOX those for one, such as trunk-carrier-a.crt and .key
    --image        an image of a stick each, instead of a folder
`

// errUsage says that the command line was wrong.
var errUsage = errors.New("the command line is wrong")

// job is what is to be made.
type job struct {
	template template
	boxes    []box
	key      ed25519.PrivateKey
	number   uint64
	with     string
	out      string
	image    bool
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		if errors.Is(err, errUsage) {
			fmt.Fprint(os.Stderr, usage)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, say io.Writer) error {
	j, err := read(args)
	if err != nil {
		return err
	}
	sticks, err := j.sticks()
	if err != nil {
		return err
	}
	if err := os.Mkdir(j.out, 0o700); err != nil {
		return fmt.Errorf("make the folder of the sticks: %w", err)
	}
	for i, b := range j.boxes {
		if err := j.lay(b, sticks[i]); err != nil {
			return fmt.Errorf("line %d: %w", b.line, err)
		}
		how := "its secrets can be read: the list names no recipient"
		if b.recipient != "" {
			how = "sealed for the box"
		}
		fmt.Fprintf(say, "%s  number %d, %s\n", b.name, j.number, how)
	}
	return nil
}

func read(args []string) (j job, err error) {
	f := flag.NewFlagSet("make-stick", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	listed, doc, key := f.String("list", "", ""), f.String("policy", "", ""), f.String("key", "", "")
	f.Uint64Var(&j.number, "number", 0, "")
	f.StringVar(&j.out, "out", "", "")
	f.StringVar(&j.with, "with", "", "")
	f.BoolVar(&j.image, "image", false, "")
	if err := f.Parse(args); err != nil || f.NArg() > 0 || *listed == "" || *doc == "" || *key == "" || j.number == 0 || j.out == "" {
		return j, errUsage
	}
	var texts [3][]byte
	for i, path := range []string{*listed, *doc, *key} {
		if texts[i], err = os.ReadFile(path); err != nil {
			return j, err
		}
	}
	if j.key, err = bundle.ParsePrivateKey(texts[2]); err != nil {
		return j, fmt.Errorf("%s %w", *key, err)
	}
	j.template = template(texts[1])
	columns, boxes, faults := readList(string(texts[0]))
	j.boxes = boxes
	if faults = append(faults, j.template.fits(columns)...); len(faults) > 0 {
		return j, told(*listed, faults)
	}
	if len(boxes) == 0 {
		return j, fmt.Errorf("%s names no box", *listed)
	}
	return j, nil
}

// told is an error that names every fault, by line.
func told(file string, faults []fault) error {
	slices.SortStableFunc(faults, func(a, b fault) int { return a.line - b.line })
	var text strings.Builder
	fmt.Fprintf(&text, "%s has faults, and nothing was written:", file)
	for _, f := range faults {
		text.WriteString("\n  " + f.String())
	}
	return errors.New(text.String())
}

// sticks makes what each box gets, in memory, and tells all that is wrong with any.
func (j job) sticks() (all []map[string][]byte, err error) {
	var faults []fault
	for _, b := range j.boxes {
		doc, wrong := j.template.fill(b)
		faults = append(faults, wrong...)
		files, err := j.files(b, doc)
		if err != nil {
			faults = append(faults, fault{b.line, "", err.Error()})
		}
		all = append(all, files)
	}
	if len(faults) > 0 {
		return nil, told("the list", faults)
	}
	return all, nil
}

// files are those of one box, signed.
func (j job) files(b box, doc string) (map[string][]byte, error) {
	files := map[string][]byte{delivery.PolicyFile: []byte(doc)}
	if j.with != "" {
		for _, folder := range []string{j.with, filepath.Join(j.with, b.name)} {
			if err := gather(folder, files); err != nil {
				return nil, err
			}
		}
	}
	if err := b.seal(files); err != nil {
		return nil, err
	}
	m, signature, err := bundle.Sign(files, j.number, []string{b.name}, j.key)
	if err != nil {
		return nil, err
	}
	files[bundle.ManifestFile], files[bundle.SignatureFile] = m, signature
	return files, nil
}

// gather adds what a folder holds for boxes. That there is none for this box is no fault.
func gather(folder string, files map[string][]byte) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := strings.ToLower(e.Name())
		switch {
		case e.IsDir() || strings.HasPrefix(name, "."):
			continue
		case name == delivery.PolicyFile || !delivery.Takes(name):
			return fmt.Errorf("%s: a box takes no file of that name beside its policy", filepath.Join(folder, e.Name()))
		}
		if files[name], err = os.ReadFile(filepath.Join(folder, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// seal seals what holds secrets for the box. A private key goes in no other way.
func (b box) seal(files map[string][]byte) error {
	for name, content := range files {
		_, private := policy.CertificateFile(name)
		switch {
		case b.recipient == "" && private:
			return fmt.Errorf("%s is a private key, and the list names no recipient to seal it for", name)
		case b.recipient == "" || !private && name != delivery.PolicyFile:
			continue
		}
		sealed, err := envelope.Seal(content, envelope.For{Recipients: []string{b.recipient}})
		if err != nil {
			return err
		}
		delete(files, name)
		files[name+envelope.Suffix] = sealed
	}
	return nil
}
