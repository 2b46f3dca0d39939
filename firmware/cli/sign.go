package cli

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tollgate/firmware/bundle"
	"tollgate/firmware/delivery"
)

func signCommand() command {
	return command{
		name: "sign", usage: "sign FOLDER [--key FILE] [--number N] [--box SERIAL,...] [--with FOLDER] [--bundle FILE]", short: "sign the files of a USB stick",
		long: `Signs what lies in FOLDER, the folder tollgate of a stick, so that boxes whose policy names the signer take it unasked. It
adds manifest.json and manifest.sig; change a file afterwards and no box takes any.

    tollgate signer integrator.key                            once: makes the key, prints what the policy needs of it
    tollgate sign /media/stick/tollgate --key integrator.key --number 1

    --key FILE      the private key
    --number N      a number that grows: a box takes nothing with a number it has seen, or a lower one
    --box SERIAL    the boxes that may take it, by serial number or MAC address, with commas between; every box unless given
    --with FOLDER   files that go with these, when FOLDER is a folder within it for one box
    --bundle FILE   write one file with all of it, whose name ends in .bundle, instead of signing the folder: for the System page, an
                    address that boxes fetch from (updates.from), or a stick
`,
		do: (*terminal).sign,
	}
}

func (t *terminal) sign(args []string) error {
	f := flags("sign")
	key, number, boxes := f.String("key", "", ""), f.Uint64("number", 0, ""), f.String("box", "", "")
	with, one := f.String("with", "", ""), f.String("bundle", "", "")
	found, err := parse(f, args, "FOLDER")
	switch {
	case err != nil:
		return err
	case *key == "":
		return wrongUsage("say with which key: --key FILE; tollgate signer FILE makes one")
	case *one != "" && !strings.HasSuffix(*one, bundle.Suffix):
		return wrongUsage("boxes know a bundle by its name, which ends in %s", bundle.Suffix)
	case *number == 0:
		return wrongUsage("say the number: --number N, higher than that of the last stick these boxes took")
	}
	private, err := readKey(*key)
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	for _, dir := range []string{*with, found[0]} {
		if dir == "" {
			continue
		}
		if err := readFolder(dir, files); err != nil {
			return err
		}
	}
	names := namesOf(*boxes)
	if *one != "" {
		return t.signBundle(*one, files, *number, names, private)
	}
	return t.signFolder(found[0], files, *number, names, private)
}

// namesOf are the names of boxes as they stand in a manifest: a MAC address has hyphens there.
func namesOf(boxes string) []string {
	list := listOf(boxes)
	for i, name := range list {
		list[i] = strings.ReplaceAll(name, ":", "-")
	}
	return list
}

// signBundle writes a bundle that is one file.
func (t *terminal) signBundle(file string, files map[string][]byte, number uint64, boxes []string, key ed25519.PrivateKey) error {
	contents := map[string]bundle.Content{}
	for name, data := range files {
		if name == bundle.ManifestFile || name == bundle.SignatureFile || strings.HasPrefix(name, bundle.ReportPrefix) {
			continue // of the folder
		}
		if !delivery.Takes(name) {
			return fmt.Errorf("%s: boxes take no file of that name in a bundle", name)
		}
		contents[name] = bytes.NewReader(data)
	}
	if len(contents) == 0 {
		return errors.New("there is nothing to sign")
	}
	var out bytes.Buffer
	if err := bundle.Write(&out, contents, nil, number, boxes, key); err != nil {
		return err
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	fmt.Fprintf(t.stdout, "Signed %s as number %d.\n", file, number)
	return nil
}

func (t *terminal) signFolder(folder string, files map[string][]byte, number uint64, boxes []string, key ed25519.PrivateKey) error {
	manifest, signature, err := bundle.Sign(files, number, boxes, key)
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{bundle.ManifestFile: manifest, bundle.SignatureFile: signature} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			return fmt.Errorf("write the signature: %w", err)
		}
	}
	fmt.Fprintf(t.stdout, "Signed %s as number %d.\n", folder, number)
	return nil
}

// readFolder adds the plain files of a folder by their names in small letters, as boxes read them.
func readFolder(dir string, files map[string][]byte) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read the folder to sign: %w", err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return fmt.Errorf("read what is to be signed: %w", err)
		}
		files[strings.ToLower(e.Name())] = data
	}
	return nil
}

func listOf(words string) []string {
	var list []string
	for word := range strings.SplitSeq(words, ",") {
		if word = strings.TrimSpace(word); word != "" {
			list = append(list, word)
		}
	}
	return list
}

func signerCommand() command {
	return command{
		name: "signer", usage: "signer FILE", short: "make a key that signs USB sticks",
		long: `Makes an Ed25519 key, keeps its private half in FILE, which must not exist, and prints what a policy needs to believe it.
Whoever has FILE can change every box whose policy names the signer.
`,
		do: (*terminal).signer,
	}
}

func (t *terminal) signer(args []string) error {
	found, err := parse(flags("signer"), args, "FILE")
	if err != nil {
		return err
	}
	file := found[0]
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	text, err := bundle.WritePrivateKey(private)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("keep the key: %w", err)
	}
	if _, err := out.Write(text); err != nil {
		out.Close()
		return fmt.Errorf("keep the key: %w", err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("keep the key: %w", err)
	}
	fmt.Fprintf(t.stdout, "The private half is in %s: keep it to yourself. For the policy:\n\nstick:\n  signers:\n    - name: %s\n      key: %s\n",
		file, strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), base64.StdEncoding.EncodeToString(public))
	return nil
}

func readKey(file string) (ed25519.PrivateKey, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	key, err := bundle.ParsePrivateKey(data)
	if err != nil {
		return nil, fmt.Errorf("%s %w", file, err)
	}
	return key, nil
}
