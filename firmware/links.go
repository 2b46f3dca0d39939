package main

import (
	"context"

	"tollgate/board/link"
)

// watchLinks has the trunks look after themselves when the link to the carriers has changed.
func (b *box) watchLinks(ctx context.Context) error {
	go func() {
		err := link.Watch(ctx, func(iface string) {
			if p, _, _ := b.config.Current(); p != nil && p.Network.Outside.Interface == iface {
				b.trunks.Linked()
			}
		})
		if err != nil {
			b.log.Error("changes of the links are not noticed", "err", err)
		}
	}()
	return nil
}
