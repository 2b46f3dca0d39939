package cli

import (
	"crypto/rand"
	"fmt"

	"tollgate/firmware/credential"
)

func secretCommand() command {
	return command{
		name: "secret", usage: "secret", short: "make a strong password for a policy",
		long: fmt.Sprintf(`Prints a random password of %d letters and digits, none of which looks like another, for a policy and the system at
the other end. It is kept nowhere.
`, credential.Length),
		do: (*terminal).secret,
	}
}

func (t *terminal) secret(args []string) error {
	if _, err := parse(flags("secret"), args); err != nil {
		return err
	}
	made, err := credential.New(rand.Reader)
	if err != nil {
		return err
	}
	fmt.Fprintln(t.stdout, made)
	return nil
}
