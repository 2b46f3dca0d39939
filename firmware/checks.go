package main

import (
	"errors"

	"tollgate/firmware/api"
)

// unfit is a fault of the program, with the name of the check that found it.
type unfit struct {
	check api.Check
	err   error
}

func (u *unfit) Error() string { return u.err.Error() }
func (u *unfit) Unwrap() error { return u.err }

// checked names the check that an error is of; nil stays nil.
func checked(by api.Check, err error) error {
	if err == nil {
		return nil
	}
	return &unfit{check: by, err: err}
}

// checkOf is the check that an error is of; empty when none is known.
func checkOf(err error) api.Check {
	if u := (*unfit)(nil); errors.As(err, &u) {
		return u.check
	}
	return ""
}
