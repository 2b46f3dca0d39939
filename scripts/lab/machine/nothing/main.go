// Command nothing is the emptiest first process that a kernel can start: it says that it is there, and waits. How long a machine takes
// to come to it is what every other system has to spend as well.
package main

import (
	"fmt"
	"time"
)

func main() {
	fmt.Println("nothing: running")
	for {
		time.Sleep(time.Hour)
	}
}
