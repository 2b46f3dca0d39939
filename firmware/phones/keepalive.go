package phones

import (
	"context"
	"time"
)

// keepEvery is how often a phone behind a router is sent something: routers forget a flow after 30 s (RFC 5626 §4.4).
const keepEvery = 20 * time.Second

// keepOpen keeps the way to phones behind routers open with empty lines (RFC 3261 §7.5: they are passed over).
func (p *Phones) keepOpen(ctx context.Context) {
	ticker := time.NewTicker(keepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, token := range p.behindRouters() {
			conn, err := (path{p, token}).Conn(ctx)
			if err != nil {
				continue // it is reached again when it registers
			}
			if c, ok := conn.(interface{ KeepAlive() error }); ok {
				if err := c.KeepAlive(); err != nil {
					p.o.Log.Debug("phone not kept awake", "err", err)
				}
			}
		}
	}
}

// behindRouters lists the phones whose way has to be kept open.
func (p *Phones) behindRouters() (tokens []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for token, b := range p.bindings {
		if b.BehindNAT && b.live(time.Now()) {
			tokens = append(tokens, token)
		}
	}
	return tokens
}
