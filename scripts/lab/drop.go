package lab

import (
	"fmt"
	"os"
)

// DropAudio has the router drop all audio that comes from the carrier's side, as one that lets no UDP in; PassAudio lets it
// in again.
func (r *Router) DropAudio() error {
	rules := fmt.Sprintf("table ip deaf {\n\tchain in {\n\t\ttype filter hook forward priority filter;\n\t\tiifname %q udp dport 10000-65535 drop\n\t}\n}\n", routerLink)
	file := r.Path("drop.nft")
	if err := os.WriteFile(file, []byte(rules), 0o644); err != nil {
		return fmt.Errorf("write the router's rules: %w", err)
	}
	return run("ip", "netns", "exec", r.Namespace, "nft", "-f", file)
}

// PassAudio ends what DropAudio began.
func (r *Router) PassAudio() error {
	return run("ip", "netns", "exec", r.Namespace, "nft", "delete", "table", "ip", "deaf")
}
