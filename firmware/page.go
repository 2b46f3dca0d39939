package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"tollgate/firmware/api"
	"tollgate/webui"
)

// prepareTime is how long after the page is opened it is made ready for the first who asks, unless somebody has asked before.
const prepareTime = 10 * time.Second

func (b *box) openPage(ctx context.Context) (err error) {
	o := api.Options{Box: b, Bans: guard{b.bans}, Credentials: keyring{b.rotations}, Alarms: &b.emergencies, Fraud: b.frauds, Filter: filterView{b}, Sticks: stickView{b}, Systems: systemView{b}, Boards: hardwareView{b}, Admission: judging{b, b.past}, Accounts: b.store, Authority: b.authority, Pages: webui.Files(), Log: b.log}
	if b.options.Appliance {
		o.Claimable = b.window.open
	}
	if b.server, err = api.New(ctx, o); err != nil {
		return err
	}
	time.AfterFunc(prepareTime, b.server.Prepare)
	if b.password = b.server.FirstPassword(); b.options.Appliance {
		b.password, err = b.claim(ctx, b.password)
		return err // the screen shows it
	}
	if b.password != "" {
		_, fingerprint := b.authority.CA()
		fmt.Printf("First password of the page, shown this once:  %s\n", b.password)
		fmt.Printf("Fingerprint of the box's own authority (SHA-256):  %s\n", fingerprint)
	}
	return nil
}

// openSocket lets the command line in. It comes last: once the box says how it is, it takes calls.
func (b *box) openSocket(context.Context) error {
	return b.server.Listen(filepath.Join(b.options.State, api.SocketName))
}
