package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/firmware/supervise"
	"tollgate/scripts/lab/alone"
)

// The test's own program is the machine's: under the name init it is process 1, under the name tollgate what that starts.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "init", "tollgate":
		main()
	case "prepare":
		prepare(os.Args[1], os.Args[2])
	}
	os.Exit(m.Run())
}

// prepare furnishes the root of a machine in its own namespaces, as a kernel with an image would, and becomes its process 1.
// The settings of the real kernel are out of its reach.
func prepare(program, root string) {
	do := func(err error) {
		if err != nil {
			fmt.Println("prepare:", err)
			os.Exit(1)
		}
	}
	do(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	do(unix.Mount("tmpfs", root, "tmpfs", 0, ""))
	for _, dir := range []string{"proc", "dev", "sys", "data", "etc"} {
		do(os.Mkdir(filepath.Join(root, dir), 0o755))
	}
	do(unix.Mount("tmpfs", filepath.Join(root, "dev"), "tmpfs", 0, ""))
	for _, device := range []string{"null", "urandom"} {
		do(os.WriteFile(filepath.Join(root, "dev", device), nil, 0o600))
		do(unix.Mount("/dev/"+device, filepath.Join(root, "dev", device), "", unix.MS_BIND, ""))
	}
	do(os.Symlink("/proc/self/fd/1", filepath.Join(root, "dev/console")))
	do(unix.Mount("proc", filepath.Join(root, "proc"), "proc", 0, ""))
	kernel := filepath.Join(root, "proc/sys/kernel")
	do(unix.Mount(kernel, kernel, "", unix.MS_BIND, ""))
	do(unix.Mount("", kernel, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	fs := filepath.Join(root, "proc/sys/fs")
	do(unix.Mount(fs, fs, "", unix.MS_BIND, ""))
	do(unix.Mount("", fs, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	do(os.WriteFile(filepath.Join(root, "init"), nil, 0o755))
	do(unix.Mount(program, filepath.Join(root, "init"), "", unix.MS_BIND, ""))
	for _, libraries := range []string{"/lib", "/lib64", "/usr/lib"} { // a test's program needs some, other than the box's
		if _, err := os.Stat(libraries); err == nil {
			do(os.MkdirAll(filepath.Join(root, libraries), 0o755))
			do(unix.Mount(libraries, filepath.Join(root, libraries), "", unix.MS_BIND, ""))
		}
	}
	do(unix.Chroot(root))
	do(os.Chdir("/"))
	do(unix.Exec("/init", []string{"/init", "a-word-that-the-kernel-does-not-know", "tollgate.data=none", "tollgate.log=console"}, nil))
}

// aMachine is one in namespaces of its own.
type aMachine struct {
	t    *testing.T
	cmd  *exec.Cmd
	root string // as seen from here

	mu  sync.Mutex // guards said
	out bytes.Buffer
}

// Write takes what the console shows.
func (m *aMachine) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.out.Write(b)
}

func (m *aMachine) console() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.out.String()
}

// switchOn starts a machine and waits until its program is well.
func switchOn(t *testing.T) *aMachine {
	t.Helper()
	alone.Root(t)
	m := &aMachine{t: t}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	m.cmd = exec.Command(program)
	m.cmd.Args = []string{"prepare", program, t.TempDir()}
	m.cmd.Stdout, m.cmd.Stderr = m, m
	m.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC, Pdeathsig: syscall.SIGKILL,
	}
	runtime.LockOSThread() // the death signal follows the thread
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.cmd.Process.Kill()
		m.cmd.Wait()
		runtime.UnlockOSThread()
		if t.Failed() {
			t.Logf("the console:\n%s", m.console())
		}
	})
	m.root = fmt.Sprintf("/proc/%d/root", m.cmd.Process.Pid)
	m.shows("tollgate: running")
	return m
}

// shows waits until the console has shown text.
func (m *aMachine) shows(text string) {
	m.t.Helper()
	for end := time.Now().Add(30 * time.Second); !strings.Contains(m.console(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatalf("the console never shows %q", text)
		}
	}
}

// program is the process that runs the box: its number here, and what the kernel says of it.
func (m *aMachine) program() (pid int, status string) {
	m.t.Helper()
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", m.cmd.Process.Pid))
	if err == nil && len(children) == 0 { // started by another thread
		list, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", m.cmd.Process.Pid))
		for _, f := range list {
			more, _ := os.ReadFile(f)
			children = append(children, more...)
		}
	}
	fields := strings.Fields(string(children))
	if len(fields) != 1 {
		m.t.Fatalf("process 1 has the children %q", children)
	}
	pid, _ = strconv.Atoi(fields[0])
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		m.t.Fatal(err)
	}
	return pid, string(text)
}

// ends waits for the end of the machine and tells by which signal the kernel reports it: reboot(2) says which is which.
func (m *aMachine) ends() syscall.Signal {
	m.t.Helper()
	timer := time.AfterFunc(30*time.Second, func() { m.cmd.Process.Kill() })
	defer timer.Stop()
	m.cmd.Wait()
	return m.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal()
}

func TestProcessOneStartsTheProgramAsAUserWithFewCapabilities(t *testing.T) {
	m := switchOn(t)
	_, status := m.program()
	// CAP_NET_BIND_SERVICE 10, CAP_NET_ADMIN 12, CAP_NET_RAW 13, CAP_SYS_TIME 25, CAP_BPF 39
	few := uint64(1<<10 | 1<<12 | 1<<13 | 1<<25 | 1<<39)
	for _, want := range []string{`Uid:\s+900\s+900\s+900\s+900`, `Gid:\s+900\s+900\s+900\s+900`, `Groups:\s*\n`, fmt.Sprintf(`CapEff:\s+%016x`, few), fmt.Sprintf(`CapPrm:\s+%016x`, few)} {
		if !regexp.MustCompile(want).MatchString(status) {
			t.Errorf("the program's status lacks %s:\n%s", want, status)
		}
	}
	for path, mode := range map[string]os.FileMode{"data/tollgate": 0o700, "run/tollgate": 0o700, "data/init": 0o755} {
		info, err := os.Stat(filepath.Join(m.root, path))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v; want %v", path, info, err, mode)
		}
	}
	if seed, err := os.ReadFile(filepath.Join(m.root, "data/init/seed")); err != nil || len(seed) != 512 {
		t.Errorf("no seed is kept for the next start: %d bytes, %v", len(seed), err)
	}
}

func TestAProgramThatIsKilledComesBackAndItsEndIsKept(t *testing.T) {
	m := switchOn(t)
	first, _ := m.program()
	if err := syscall.Kill(first, syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	m.shows("it starts again in")
	for end := time.Now().Add(30 * time.Second); strings.Count(m.console(), "tollgate: running") < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never runs again")
		}
	}
	if second, _ := m.program(); second == first {
		t.Error("it is the same process")
	}
	list, err := supervise.ReadLastWords(filepath.Join(m.root, wordsPath))
	if err != nil || len(list) != 1 || !strings.Contains(list[0].Text, "SIGABRT") {
		words, _ := json.Marshal(list)
		t.Errorf("last words: %s, %v", words, err)
	}
}

func TestProcessOneTakesTheEndsOfProcessesThatAreLeftToIt(t *testing.T) {
	m := switchOn(t)
	pid, _ := m.program()
	// A process of the machine whose parent goes: its own parent is process 1 then.
	cmd := exec.Command("nsenter", "-t", strconv.Itoa(pid), "-p", "--", "/bin/sh", "-c", "sleep 0.2 & exit 0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		list, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", m.cmd.Process.Pid))
		var children []string
		for _, f := range list {
			text, _ := os.ReadFile(f)
			children = append(children, strings.Fields(string(text))...)
		}
		if len(children) == 1 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("process 1 still has the children %v", children)
		}
	}
}

func TestSignalsRestartTheMachineOrSwitchItOff(t *testing.T) {
	for _, c := range []struct {
		tell, want syscall.Signal
		shows      string
	}{{syscall.SIGTERM, syscall.SIGHUP, "tollgate: restart"}, {syscall.SIGUSR2, syscall.SIGINT, "tollgate: power off"}} {
		m := switchOn(t)
		if err := m.cmd.Process.Signal(c.tell); err != nil {
			t.Fatal(err)
		}
		if got := m.ends(); got != c.want {
			t.Errorf("after %v the machine ended by %v, not %v", c.tell, got, c.want)
		}
		if !strings.Contains(m.console(), c.shows) {
			t.Errorf("the console does not say %q", c.shows)
		}
	}
}

// letsNothingIn waits until the filter is shut, on a machine that has no port yet, nor a policy that says what may come in.
func (m *aMachine) letsNothingIn(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		out, err := exec.Command("nsenter", "-t", strconv.Itoa(m.cmd.Process.Pid), "-n", "--", "nft", "list", "chain", "inet", "tollgate", "input").CombinedOutput()
		if err == nil && strings.Contains(string(out), "policy drop") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("what comes in before there is an address is let in: %v\n%s", err, out)
		}
	}
}

// A cable that is plugged in later, with a DHCP server at its other end.
func TestAMachineInSetUpGetsAnAddressAndOpensItsPage(t *testing.T) {
	m := switchOn(t)
	m.letsNothingIn(t)
	office := exec.Command("unshare", "-n", "sleep", "120")
	office.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := office.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { office.Process.Kill(); office.Wait() })
	inOffice := func(args ...string) *exec.Cmd {
		cmd := exec.Command("nsenter", append([]string{"-t", strconv.Itoa(office.Process.Pid), "-n", "--"}, args...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		return cmd
	}
	for own, _ := os.Readlink("/proc/self/ns/net"); ; time.Sleep(5 * time.Millisecond) {
		if theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", office.Process.Pid)); err == nil && theirs != own {
			break
		}
	}
	for _, line := range []string{
		fmt.Sprintf("link add office type veth peer name eth0 netns %d", m.cmd.Process.Pid), "address add 192.0.2.1/24 dev office", "link set office up",
	} {
		if out, err := inOffice(append([]string{"ip"}, strings.Fields(line)...)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", line, err, out)
		}
	}
	server := inOffice("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--user=root", "--port=0", "--interface=office", "--bind-interfaces", "--no-ping", "--pid-file",
		"--dhcp-range=192.0.2.50,192.0.2.50,2m", "--dhcp-option=option:dns-server,192.0.2.53", "--dhcp-leasefile="+filepath.Join(t.TempDir(), "leases"))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })

	var err error
	for end := time.Now().Add(40 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		if err = inOffice("timeout", "2", "bash", "-c", "exec 3<>/dev/tcp/192.0.2.50/443").Run(); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the page never opens: %v", err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(m.root, "run/tollgate-net/resolv.conf")); err != nil || string(text) != "nameserver 192.0.2.53\n" {
		t.Errorf("the name servers: %q, %v", text, err)
	}
	// Only the page: nothing else of the box is open before there is a policy.
	if err := inOffice("timeout", "2", "bash", "-c", "exec 3<>/dev/tcp/192.0.2.50/5060").Run(); err == nil {
		t.Error("SIP is open in set-up mode")
	}
}
