package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/board"
	"tollgate/board/boot"
	"tollgate/board/panel"
	"tollgate/firmware/supervise"
)

// Where things are on an image.
const (
	consolePath  = "/dev/console"
	modulesPath  = "/etc/tollgate/modules"
	dataPath     = "/data"
	statePath    = dataPath + "/tollgate"           // of the program's user
	ownDataPath  = dataPath + "/init"               // of process 1 alone; others may read
	wordsPath    = ownDataPath + "/last-words.json" // how the program ended, when nobody had asked it to
	seedPath     = ownDataPath + "/seed"
	resetPath    = ownDataPath + "/reset" // its presence has the next start forget statePath
	notifyFolder = "/run/tollgate-init"
	watchdogPath = "/dev/watchdog"
)

// programUser is the user, and the group, that the program runs as on an image; nothing else there runs as it.
const programUser = 900

// Fixed times of process 1.
const (
	dataTime     = 15 * time.Second // for the data partition to appear
	watchdogTime = 15 * time.Second // what every watchdog can
	stickTime    = time.Second      // between two looks for sticks
	calmTime     = 3 * time.Second  // from when the program runs until those are loaded: what has waited for it comes first
	lateTime     = 20 * time.Second // for the program to run, before modules that nothing waits for are loaded without it
	haltPause    = 10 * time.Second // before the kernel is asked once more
)

// capabilities are what the program keeps of root's: network settings and the filter, raw packets for the relay and for
// addresses by DHCP, ports below 1024, steering packets by BPF, and the clock.
var capabilities = []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_NET_BIND_SERVICE, unix.CAP_BPF, unix.CAP_SYS_TIME}

// initial is the life of process 1. It never ends; the error says why it does not begin.
func initial(version string, words []string) error {
	if os.Getpid() != 1 {
		return errors.New("init is for process 1 of an image; on a machine with a system of its own it is: tollgate run")
	}
	m := &machine{version: version, log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	m.front = newFront("/", m.log, nil)
	for {
		m.live(words)
		// Only a panic comes here, or a kernel that does not stop.
		time.Sleep(haltPause)
	}
}

// machine is what process 1 knows of the machine it runs on.
type machine struct {
	version string
	log     *slog.Logger
	words   boot.Words
	modules boot.Modules
	beside  chan error // tells how it went to load those for the program
	late    sync.Once  // those that nothing waits for are loaded once
	begun   bool       // the start was done, and is not done twice
	kept    bool       // data outlives a power-off
	dog     supervise.Watchdog
	front   *front
	end     atomic.Int32 // how the machine stops when it was told to: a boot.End
}

// live starts the machine, keeps the program alive and stops the machine when it is told to.
func (m *machine) live(words []string) {
	defer m.survive("process 1")
	if !m.begun {
		m.begun = true
		m.start(words)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := supervise.New(m.supervision(cancel))
	m.front.press, m.front.reset = s.Press, func() { m.reset(cancel) }
	m.front.run(ctx)
	time.AfterFunc(lateTime, m.loadLast)
	go m.lendSticks(ctx)
	go m.obey(ctx, cancel, s.Restart)
	end := boot.Restart
	if s.Run(ctx) {
		end = boot.End(m.end.Load())
	}
	fmt.Printf("\ntollgate: %v\n", end)
	if err := boot.Halt(end, dataPath); err != nil {
		m.log.Error("the machine does not stop", "err", err)
	}
}

// survive lets a panic of process 1, which would be the end of the machine, end only what it happened in.
func (m *machine) survive(where string) {
	if r := recover(); r != nil {
		m.log.Error("panic in process 1: it goes on", "where", where, "what", fmt.Sprint(r), "stack", string(debug.Stack()))
	}
}

// start does everything that has to be done before the program. No step keeps the next one from being tried.
func (m *machine) start(words []string) {
	begun := time.Now()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // little is left behind, and both processors are busy
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"file systems", boot.Mount},
		{"console", func() error { return boot.Console(consolePath) }},
		{"words", func() (err error) { m.words, err = boot.ReadWords("/", words...); return err }},
		{"modules", m.loadFirst},
		{"modules for the program", m.loadBeside},
		{"watchdog", m.startWatchdog},
		{"kernel settings", func() error { return boot.Harden("/") }},
		{"host name", func() error { return boot.HostName("tollgate") }},
		{"loopback", boot.Loopback},
		{"restart keys", func() error { return unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF) }},
		{"data", m.mountData},
		{"reset", m.finishReset},
		{"folders", makeFolders},
		{"slots", m.openSlots},
		{"random numbers", func() error { return boot.Seed(seedPath, "/dev/urandom") }},
		{"modules beside", func() error { return <-m.beside }},
	} {
		m.step(step.what, step.do)
	}
	m.log.Info("the machine has started", "version", m.version, "took", time.Since(begun).Round(time.Millisecond), "data", map[bool]string{true: "kept", false: "in memory"}[m.kept])
}

func (m *machine) step(what string, do func() error) {
	defer m.survive(what)
	if err := do(); err != nil {
		m.log.Error("the start goes on without it", "what", what, "err", err)
	}
}

// loadFirst loads the modules that the machine needs itself.
func (m *machine) loadFirst() (err error) {
	if m.modules, err = boot.ReadModules(modulesPath); err != nil {
		return err
	}
	return m.load(m.modules.First, boot.LoadModules)
}

// loadBeside begins to load those that the program needs, beside the rest of the start.
func (m *machine) loadBeside() error {
	m.beside = make(chan error, 1)
	go func() {
		defer close(m.beside)
		defer m.survive("modules for the program")
		m.beside <- m.load(m.modules.Next, boot.LoadModules)
	}()
	return nil
}

// loadLast loads those that nothing waits for, once.
func (m *machine) loadLast() {
	m.late.Do(func() {
		defer m.survive("modules that nothing waits for")
		if err := m.load(m.modules.Last, boot.LoadLast); err != nil {
			m.log.Error("not all kernel modules are loaded", "err", err)
		}
	})
}

func (m *machine) load(list []boot.Module, how func([]boot.Module) (int, error)) error {
	if len(list) == 0 {
		return nil
	}
	loaded, err := how(list)
	m.log.Info("kernel modules", "loaded", loaded, "of", len(list))
	return err
}

func (m *machine) startWatchdog() error {
	if !m.words.Watchdog {
		return nil
	}
	dog, err := board.OpenWatchdog(watchdogPath, watchdogTime)
	if errors.Is(err, os.ErrNotExist) {
		m.log.Warn("this machine has no watchdog: nothing resets it when the kernel hangs")
		return nil
	}
	if err != nil {
		return err
	}
	m.log.Info("watchdog", "resets after", dog.Timeout())
	m.dog = dog
	return nil
}

func (m *machine) mountData() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), dataTime)
	defer cancel()
	m.kept, err = boot.MountData(ctx, m.words.Data, dataPath)
	return err
}

// makeFolders makes what process 1 and the program write to. The program's user owns nothing that process 1 writes to.
func makeFolders() error {
	var faults []error
	for _, f := range []struct {
		path  string
		mode  os.FileMode
		owner int
	}{{ownDataPath, 0o755, 0}, {notifyFolder, 0o755, 0}, {statePath, 0o700, programUser}, {usualLive, 0o700, programUser}, {filepath.Dir(resolverPath), 0o755, programUser}} {
		faults = append(faults, os.MkdirAll(f.path, f.mode), os.Chmod(f.path, f.mode), os.Lchown(f.path, f.owner, f.owner))
	}
	if err := os.Symlink(resolverPath, "/etc/resolv.conf"); err != nil && !errors.Is(err, os.ErrExist) {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// openSlots lets the program's user write to the slot that does not run, and to what chooses the next one. The slot that runs stays
// out of its reach.
func (m *machine) openSlots() error {
	other := map[string]string{"a": "b", "b": "a"}[m.words.Slot]
	if other == "" {
		return nil
	}
	var faults []error
	writable := []string{slotLabel + other, stateLabel}
	if m.words.Tryboot {
		writable = append(writable, autobootLabel)
	}
	for _, label := range writable {
		device, found := boot.FindPartition("/", label)
		if !found {
			faults = append(faults, fmt.Errorf("the disk has no partition %s", label))
			continue
		}
		faults = append(faults, os.Chown(device, programUser, programUser), os.Chmod(device, 0o600))
	}
	if device, found := boot.FindPartition("/", slotLabel+m.words.Slot); found {
		faults = append(faults, os.Chown(device, 0, programUser), os.Chmod(device, 0o640)) // to be read, not written
	}
	return errors.Join(faults...)
}

// lendSticks lets the program's user read and write what is plugged into USB, until ctx ends. Nothing of it is looked at here.
func (m *machine) lendSticks(ctx context.Context) {
	for ctx.Err() == nil {
		func() {
			defer m.survive("sticks")
			for _, device := range boot.Sticks("/") {
				if err := errors.Join(os.Chown(device, 0, programUser), os.Chmod(device, 0o660)); err != nil && !errors.Is(err, os.ErrNotExist) {
					m.log.Error("a stick cannot be read", "device", device, "err", err)
				}
			}
		}()
		select {
		case <-ctx.Done():
		case <-time.After(stickTime):
		}
	}
}

// supervision is how the program is kept alive.
func (m *machine) supervision(end func()) supervise.Config {
	path, err := os.Executable()
	if err != nil {
		path = "/proc/self/exe"
	}
	return supervise.Config{
		Path: path, Args: []string{"tollgate", "run", "--state", statePath, "--live", usualLive, "--stay-closed", "--appliance"},
		Env: []string{"HOME=/", "TERM=linux"}, Output: os.Stdout.Fd(), Echo: m.words.LogOnConsole,
		Attr: &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: programUser, Gid: programUser, Groups: []uint32{}}, AmbientCaps: capabilities, Setsid: true,
		},
		Socket: filepath.Join(notifyFolder, "notify"), SocketGroup: programUser, LastWords: wordsPath, Version: m.version, Watchdog: m.dog, Log: m.log,
		RestartMachine: func(trial bool) { m.stop(map[bool]boot.End{false: boot.Restart, true: boot.Trial}[trial], end) },
		State:          m.show,
		Lights:         lightWords(), Light: func(word string) { m.front.show(panel.Pattern(word)) },
	}
}

// show tells somebody before the box how the program is: by words on the console, and by the board's light. When it runs, it has
// the console itself.
func (m *machine) show(state string) {
	fmt.Printf("tollgate: %s\n", state)
	if state == supervise.Running {
		time.AfterFunc(calmTime, m.loadLast)
	}
	pattern := panel.Alarm
	switch state {
	case supervise.Starting:
		pattern = panel.Starting
	case supervise.Running:
		pattern = panel.Ready // until the program asks for another
	}
	m.front.show(pattern)
}

// lightWords are the patterns that the program may ask for.
func lightWords() (words []string) {
	for _, p := range panel.Patterns() {
		words = append(words, string(p))
	}
	return words
}

// reset has the machine restart and forget its policy and its secrets then, when nothing uses them.
func (m *machine) reset(end func()) {
	if err := boot.AskWipe(resetPath); err != nil {
		m.log.Error("the box is not reset", "err", err)
		m.front.show(panel.Alarm)
		return
	}
	fmt.Println("\ntollgate: reset to how the box came")
	m.stop(boot.Restart, end)
}

// finishReset forgets what the program has kept when somebody has asked for it by the button. Its last words stay.
func (m *machine) finishReset() error {
	wiped, err := boot.Wipe(resetPath, statePath)
	if wiped {
		m.log.Warn("the box was reset: policy, secrets and calls are forgotten")
	}
	return err
}

// obey does what signals say until ctx ends; end stops the machine, restart the program.
func (m *machine) obey(ctx context.Context, end, restart func()) {
	defer m.survive("signals")
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGUSR2, unix.SIGPWR, unix.SIGHUP)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-signals:
			if s == unix.SIGHUP {
				restart()
				continue
			}
			m.stop(map[bool]boot.End{false: boot.Restart, true: boot.PowerOff}[s == unix.SIGUSR2 || s == unix.SIGPWR], end)
		}
	}
}

// stop has the machine stop in this way.
func (m *machine) stop(how boot.End, end func()) {
	m.end.Store(int32(how))
	end()
}
