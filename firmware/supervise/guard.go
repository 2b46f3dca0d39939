package supervise

import (
	"fmt"
	"runtime/debug"
	"time"
)

// guarded does f until it says that it is done. When it is not, or panics, which is told, it begins again after a moment.
func (s *Supervisor) guarded(name string, f func() (done bool)) {
	for !s.once(name, f) {
		time.Sleep(resume)
	}
}

// once does f and tells whether it is done; a panic is not.
func (s *Supervisor) once(name string, f func() bool) (done bool) {
	defer func() {
		if r := recover(); r != nil {
			s.c.Log.Error("panic in process 1: it goes on", "where", name, "what", fmt.Sprint(r), "stack", string(debug.Stack()))
		}
	}()
	return f()
}
