package main

import (
	"context"
	"errors"
	"time"

	"tollgate/board/dhcpserver"
	"tollgate/board/mdns"
)

// How long a stop may take: for the calls, for emergency calls, which it waits for, and for the rest. A second signal ends
// the process at once.
const (
	hangUpTime    = 3 * time.Second
	emergencyTime = 10 * time.Minute
	restTime      = 2 * time.Second
)

// endCalls hangs the calls up. Who has called for help keeps the line as long as he needs it.
func (b *box) endCalls() {
	calls, done := context.WithTimeout(context.Background(), hangUpTime)
	defer done()
	b.desk.Drain(calls)
	help, over := context.WithTimeout(context.Background(), emergencyTime)
	defer over()
	b.desk.Finish(help)
	b.desk.Forget()
}

// stop takes everything down in reverse: calls are hung up, trunks unregistered, the filter's table removed last.
func (b *box) stop() {
	if b.config != nil {
		b.config.Close()
		b.endCalls()
	}
	ctx, cancel := context.WithTimeout(context.Background(), restTime)
	defer cancel()
	if b.config != nil {
		b.notices.Drain(ctx)
		b.trunks.Close(ctx)
		b.registrar.Close()
		b.phones.Close()
	}
	b.responder.Set(mdns.Config{})
	b.lender.Set(dhcpserver.Config{}, nil)
	var errs []error
	if b.server != nil {
		errs = append(errs, b.server.Close(ctx))
	}
	if b.edge != nil {
		errs = append(errs, b.edge.Close())
	}
	if b.relay != nil {
		b.relay.Close()
	}
	if b.sources != nil {
		errs = append(errs, b.sources.withdraw(ctx))
	}
	if b.filter != nil {
		errs = append(errs, b.shutFilter())
	}
	if b.callBacks != nil {
		b.callBacks.save()
	}
	if b.ended != nil {
		b.ended.save()
	}
	if b.past != nil {
		b.past.save()
		savePaces(b.gate, b.store, b.log)
	}
	if b.frauds != nil {
		b.frauds.close()
	}
	if b.bans != nil {
		b.bans.close()
	}
	if b.store != nil {
		errs = append(errs, b.store.Close())
	}
	if err := errors.Join(errs...); err != nil {
		b.log.Error("stopped with faults", "err", err)
	} else if b.server != nil { // else it never ran
		b.log.Info("stopped")
	}
}
