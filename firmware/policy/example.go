package policy

import _ "embed"

//go:embed example.yaml
var example string

// Example returns a commented document that uses every key and that Parse accepts. Its secrets are masked, so that
// nobody's box runs with a secret that is printed in a book: a store without secrets refuses it until they are written.
func Example() []byte { return []byte(example) }
