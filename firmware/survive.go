package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"tollgate/board/link"
	"tollgate/firmware/cli"
	"tollgate/firmware/live"
	"tollgate/firmware/media"
	"tollgate/firmware/policy"
	"tollgate/firmware/registrar"
)

// usualLive is where running calls are kept when nobody says otherwise: on what every Linux mounts in memory.
const usualLive = "/run/tollgate"

// identityRecord holds the certificate of DTLS handshakes.
const identityRecord = "identity"

// openLive opens the folder of running calls. Without one the box runs all the same, unless a folder was asked for.
func (b *box) openLive(context.Context) (err error) {
	dir, asked := b.options.Live, b.options.Live != ""
	if !asked {
		if b.options.State != cli.UsualState {
			b.log.Info("running calls are not kept: they would end with the process", "remedy", "--live DIR, in a memory file system")
			return nil
		}
		dir = usualLive
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("--live: %w", err)
	}
	if b.live, err = live.Open(dir); err != nil && asked {
		return fmt.Errorf("--live: %w", err)
	}
	if err != nil {
		b.log.Warn("running calls are not kept: they would end with the process", "err", err)
	}
	return nil
}

// keptBinding is what the process before knew of where the PBX is; nil: nothing.
func (b *box) keptBinding() []byte {
	if b.live == nil {
		return nil
	}
	records, _, err := b.live.Read()
	if err != nil {
		b.log.Error("where the PBX was before the restart is not known", "err", err)
	}
	return records[registrar.RecordName]
}

// keepIdentity has the relay show the certificate of the process before in handshakes, or keeps its own for the next.
func (b *box) keepIdentity() error {
	if b.live == nil {
		return nil
	}
	records, damaged, err := b.live.Read()
	if err != nil {
		return err
	}
	for _, err := range damaged {
		b.log.Error("of before the restart something is lost", "err", err)
	}
	if kept, ok := records[identityRecord]; ok {
		var own media.IdentityRecord
		if err = json.Unmarshal(kept, &own); err == nil {
			err = b.relay.Resume(own)
		}
		if err == nil {
			return nil
		}
		b.log.Error("the certificate of handshakes is a new one", "err", err)
	}
	own, err := b.relay.Identity()
	if err != nil {
		return err
	}
	kept, err := json.Marshal(own)
	if err != nil {
		return fmt.Errorf("write down the certificate of handshakes: %w", err)
	}
	return b.live.Write(identityRecord, kept)
}

// takeUp takes the calls of the process before up, once there is a policy.
func (b *box) takeUp(_ context.Context, p *policy.Policy) error {
	if p == nil || b.taken {
		return nil
	}
	b.taken = true
	calls, err := b.desk.TakeUp(time.Now())
	if err != nil { // whatever has become of them: the box is there for new ones
		b.log.Error("calls of before the restart are lost", "err", err)
		return nil
	}
	if calls > 0 {
		b.log.Warn("calls go on after a restart", "calls", calls)
	}
	return nil
}

// leave ends the process without a word to anybody: the next one takes the calls up. The filter stays as it is, and trunks
// stay registered.
func (b *box) leave() {
	b.config.Close()
	b.log.Warn("leaving: the calls wait for the next process", "calls", b.desk.Leave())
	b.phones.Close()
	b.callBacks.save()
	b.ended.save()
	b.past.save()
	savePaces(b.gate, b.store, b.log)
	b.frauds.close()
	if err := b.forwarder.Set(link.Forwarding{}); err != nil { // the next process has to find what was there without us
		b.log.Error("the system goes on passing packets between its ports", "err", err)
	}
	if err := b.store.Close(); err != nil {
		b.log.Error("left with a fault", "err", err)
	}
}
