package main

import (
	"context"
	"path/filepath"
)

// boot puts the confirmed policy into force, or the seed when there is none, or begins in set-up mode.
func (b *box) boot(ctx context.Context) error {
	defer b.settleFilter()
	if b.seed != nil {
		_, err := b.config.Import(ctx, b.seed, "the command line", "first policy, from "+filepath.Base(b.options.Policy))
		return err
	}
	configured, err := b.config.Boot(ctx)
	if err != nil && b.options.Appliance { // there is nobody else to mend it
		b.log.Error("the policy is not in force; the page answers as in set-up mode", "err", err)
		go b.bootAgain(ctx)
		return b.config.Again(ctx)
	}
	if err == nil && !configured {
		b.log.Warn("set-up mode: there is no policy, and no call passes", "page", "https, on the inside port", "inside", b.options.Inside)
	}
	return err
}
