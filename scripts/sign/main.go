// Command sign makes what a box believes in: keys for updates, bundles with a system, and signatures of lists of checksums.
//
//	go run ./scripts/sign key FILE                     makes a private key, once
//	go run ./scripts/sign public FILE                  prints the public key, for the image
//	go run ./scripts/sign update -key FILE -board virt -release TEXT -built SECONDS -o OUT.bundle SLOT [policy.yaml] [bans.txt]
//	go run ./scripts/sign list -key FILE LIST          prints the signature of a file, in base64
package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

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
		return errors.New("say what to do: key FILE, public FILE, update … SLOT or list … LIST")
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
	case "update":
		return makeUpdate(args[1:])
	case "list":
		return signList(args[1:])
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
	fmt.Println(base64.StdEncoding.EncodeToString(ed25519.Sign(key, content)))
	return nil
}
