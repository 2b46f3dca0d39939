package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"tollgate/board/confine"
	"tollgate/board/link"
	"tollgate/firmware/cli"
	"tollgate/firmware/event"
)

// run is the box from start to stop.
func run(ctx context.Context, o cli.RunOptions) error {
	out := &lines{to: os.Stderr}
	defer out.flush()
	b := &box{said: out, log: slog.New(slog.NewTextHandler(out, nil)), options: o, started: time.Now(), facts: &event.Hub{}}
	b.network.plugged, b.responder.Log = make(chan struct{}, 1), b.log
	b.lender.Log, b.lender.Keep, b.lender.Probe = b.log, b.keepLentOut, link.Probe
	end := b.stop
	defer func() { end() }()
	go paceCollector(ctx)
	if o.Appliance {
		if err := confine.Process(o.State, "/run", "/tmp", "/dev", "/proc", "/sys"); err != nil {
			b.log.Error("not confined as it should be", "err", err)
		}
	}
	for _, step := range []func(context.Context) error{
		b.shutAhead, b.openStore, b.readSeed, b.askAhead, b.measureBoard, b.openLive, b.openFilter, b.openBlockList, b.openJudgement, b.openTalkers, b.watchDrops,
		b.openSystems, b.openDeliveries, b.openPull, b.openSticks, b.openPage, b.watchHardware, b.keepTime,
		b.boot, b.openSocket, b.watchLinks, b.watchSticks, b.pullBundles, b.turnPasswords, b.showScreen, b.watchButton, b.keepLight, b.proveWell,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	go b.desk.Watch(ctx)
	go b.watchLoad(ctx)
	select {
	case <-ctx.Done():
		b.log.Info("stopping: no new calls but emergency calls")
	case <-o.Leave.Done():
		end = b.leave
	}
	return nil
}
