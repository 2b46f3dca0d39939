// Command sign makes what a box believes in: keys for updates, bundles with a system, and signatures of lists of checksums; and looks
// at bundles as a box does.
//
//	go run ./scripts/sign key FILE                     makes a private key, once
//	go run ./scripts/sign public FILE                  prints the public key, for the image
//	go run ./scripts/sign pem FILE                     prints it once more, as openssl reads it
//	go run ./scripts/sign update -key FILE -board virt -release TEXT -built SECONDS -o OUT.bundle SLOT [policy.yaml] [bans.txt]
//	go run ./scripts/sign list -key FILE LIST          prints the signature of a file, its 64 octets
//	go run ./scripts/sign verify KEYS BUNDLE           reads all of a bundle with the public keys of a file, and says what it is
package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tollgate/firmware/bundle"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sign:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New("say what to do: key FILE, public FILE, pem FILE, update … SLOT, list … LIST or verify KEYS BUNDLE")
	}
	switch args[0] {
	case "key":
		return makeKey(args[1])
	case "public":
		key, err := readKey(args[1])
		if err != nil {
			return err
		}
		fmt.Println(base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)))
		return nil
	case "pem":
		return printPEM(args[1])
	case "update":
		return makeUpdate(args[1:])
	case "list":
		return signList(args[1:])
	case "verify":
		if len(args) != 3 {
			return errors.New("verify needs a file with public keys, and a bundle")
		}
		return verify(os.Stdout, args[1], args[2])
	}
	return fmt.Errorf("nothing is called %q", args[0])
}

// makeKey writes the seed of a private key (RFC 8032, section 5.1.5) to a new file that only its owner reads.
func makeKey(path string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, base64.StdEncoding.EncodeToString(key.Seed()))
	return errors.Join(err, f.Close())
}

func readKey(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s holds no key that sign has made", path)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// systemFile is what the system is called in a bundle.
const systemFile = "system"

func makeUpdate(args []string) error {
	system := bundle.System{File: systemFile}
	flags := flag.NewFlagSet("update", flag.ExitOnError)
	keyFile := flags.String("key", "", "private key")
	out := flags.String("o", "", "file to write")
	number := flags.Uint64("number", 0, "of the bundle, which counts when there are settings in it; -built when it is not given")
	flags.StringVar(&system.Board, "board", "", "what the system is for")
	flags.StringVar(&system.Release, "release", "", "what it calls itself")
	flags.Int64Var(&system.Built, "built", 0, "Unix seconds; what is newer has more")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if system.Board == "" || system.Release == "" || system.Built <= 0 || *out == "" || flags.NArg() < 1 {
		return errors.New("-key, -board, -release, -built, -o and a slot's content are all needed")
	}
	if *number == 0 {
		*number = uint64(system.Built)
	}
	key, err := readKey(*keyFile)
	if err != nil {
		return err
	}
	files := map[string]bundle.Content{}
	for n, path := range flags.Args() {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		name := filepath.Base(path)
		if n == 0 {
			name = systemFile
		}
		files[name] = f
	}
	f, err := os.Create(*out)
	if err != nil {
		return err
	}
	return errors.Join(bundle.Write(f, files, &system, *number, nil, key), f.Close())
}

func signList(args []string) error {
	flags := flag.NewFlagSet("list", flag.ExitOnError)
	keyFile := flags.String("key", "", "private key")
	if err := flags.Parse(args); err != nil {
		return err
	}
	key, err := readKey(*keyFile)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(flags.Arg(0))
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(ed25519.Sign(key, content))
	return err
}

// printPEM prints a public key as others' programs read it (RFC 8410).
func printPEM(path string) error {
	key, err := readKey(path)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	return pem.Encode(os.Stdout, &pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// verify reads a bundle to its end, as a box that has these keys and nothing else does.
func verify(out io.Writer, keysFile, path string) error {
	text, err := os.ReadFile(keysFile)
	if err != nil {
		return err
	}
	keys, err := bundle.ParseKeys(string(text), keysFile, bundle.Systems|bundle.Settings)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := bundle.Open(f, bundle.Trust{Keys: keys})
	if err != nil {
		return err
	}
	if s := b.System; s != nil {
		fmt.Fprintf(out, "a system for %s, release %s, built %s\n", s.Board, s.Release, time.Unix(s.Built, 0).UTC().Format(time.RFC3339))
	}
	for {
		name, size, err := b.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, b); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %d bytes, as they were signed\n", name, size)
	}
	fmt.Fprintf(out, "signed by %s, number %d\n", b.Seal.Signer, b.Seal.Number)
	return nil
}
