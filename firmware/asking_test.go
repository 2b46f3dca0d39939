package main

import (
	"sync"
	"testing"

	"tollgate/firmware/policy"
)

func TestAKeptPolicyIsReadOnceAndEveryOtherOneToo(t *testing.T) {
	var r readOnce
	doc, another := []byte("version: 1\nnonsense: 1\n"), []byte("version: 2\n")
	_, want := policy.ParseKept(doc)
	if want == nil {
		t.Fatal("the document has no fault to be told by")
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := r.parse(doc); err == nil || err.Error() != want.Error() {
				t.Errorf("read: %v, want %v", err, want)
			}
		})
	}
	all.Wait()
	r.err = nil // what is known is taken, without reading
	if _, err := r.parse(doc); err != nil {
		t.Errorf("the same was read again: %v", err)
	}
	if _, err := r.parse(another); err == nil || err.Error() == want.Error() {
		t.Errorf("another one counts as the same: %v", err)
	}
}
