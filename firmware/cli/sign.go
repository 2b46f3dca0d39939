package cli

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tollgate/firmware/bundle"
)

func signCommand() command {
	return command{
		name: "sign", usage: "sign FOLDER [--key FILE] [--number N] [--box SERIAL,...] [--with FOLDER]", short: "sign the files of a USB stick",
		long: `Signs what lies in FOLDER, the folder tollgate of a stick, so that boxes whose policy names the signer take it unasked. It
adds manifest.json and manifest.sig; change a file afterwards and no box takes any.

    tollgate signer integrator.key                            once: makes the key, prints what the policy needs of it
    tollgate sign /media/stick/tollgate --key integrator.key --number 1

    --key FILE      the private key
    --number N      a number that grows: a box takes nothing with a number it has seen, or a lower one
    --box SERIAL    the boxes that may take it, with commas between; every box unless given
    --with FOLDER   files that go with these, when FOLDER is a folder within it for one box
`,
		do: (*terminal).sign,
	}
}

func (t *terminal) sign(args []string) error {
	f := flags("sign")
	key, number, boxes := f.String("key", "", ""), f.Uint64("number", 0, ""), f.String("box", "", "")
	with := f.String("with", "", "")
	found, err := parse(f, args, "FOLDER")
	switch {
	case err != nil:
		return err
	case *key == "":
		return wrongUsage("say with which key: --key FILE; tollgate signer FILE makes one")
	case *number == 0:
		return wrongUsage("say the number: --number N, higher than that of the last stick these boxes took")
	}
	private, err := readKey(*key)
	if err != nil {
		return err
	}
	return t.signFolder(found[0], *with, *number, listOf(*boxes), private)
}

func (t *terminal) signFolder(folder, with string, number uint64, boxes []string, key ed25519.PrivateKey) error {
	files := map[string][]byte{}
	for _, dir := range []string{with, folder} {
		if dir == "" {
			continue
		}
		if err := readFolder(dir, files); err != nil {
			return err
		}
	}
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

const keyType = "PRIVATE KEY" // PKCS #8, RFC 5958

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
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("keep the key: %w", err)
	}
	if err := pem.Encode(out, &pem.Block{Type: keyType, Bytes: der}); err != nil {
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
	block, _ := pem.Decode(data)
	if block == nil || block.Type != keyType {
		return nil, fmt.Errorf("%s holds no private key: tollgate signer FILE makes one", file)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s holds no private key: %w", file, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds a key of another kind than Ed25519: tollgate signer FILE makes one", file)
	}
	return private, nil
}
