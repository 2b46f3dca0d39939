package mdns

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"tollgate/scripts/lab/alone"
)

// A bus of D-Bus that everybody may use, and Avahi on the one port of its host.
const (
	busConfig = `<busconfig><type>system</type><listen>unix:path=%s</listen><policy context="default">
<allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>`
	avahiConfig = "[server]\nhost-name=laptop\nuse-ipv4=yes\nuse-ipv6=yes\nallow-interfaces=wan0\n[publish]\npublish-hinfo=no\npublish-workstation=no\n"
	// hostScript makes of a process in namespaces of its own a host: it waits for its port, and starts what a desktop has.
	hostScript = `mount -t tmpfs none /run && mkdir -p /run/avahi-daemon && ip link set lo up
for try in $(seq 500); do ip link show wan0 >/dev/null 2>&1 && break; sleep 0.01; done
echo 0 >/proc/sys/net/ipv6/conf/wan0/accept_dad
ip addr add 192.0.2.20/24 dev wan0 && ip addr add 2001:db8::20/64 dev wan0 && ip link set wan0 up
dbus-daemon --config-file="$1" --nofork --nopidfile &
for try in $(seq 500); do [ -S "$3" ] && break; sleep 0.01; done
exec avahi-daemon --no-drop-root --no-chroot --no-rlimits --file="$2"`
)

// desktop is a host of the office with Debian's Avahi.
type desktop struct {
	t   *testing.T
	pid int
	bus string
}

// aDesktop makes a cable from lan0, the box's port, to a host in a namespace of its own, and waits for its Avahi.
func aDesktop(t *testing.T) *desktop {
	t.Helper()
	dir := t.TempDir()
	d := &desktop{t: t, bus: filepath.Join(dir, "bus")}
	bus, avahi := filepath.Join(dir, "bus.conf"), filepath.Join(dir, "avahi.conf")
	must(t, os.WriteFile(bus, fmt.Appendf(nil, busConfig, d.bus), 0o644))
	must(t, os.WriteFile(avahi, []byte(avahiConfig), 0o644))
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "lan0"}, PeerName: "wan0"}))
	must(t, os.WriteFile("/proc/sys/net/ipv6/conf/lan0/accept_dad", []byte("0"), 0))
	lan, err := netlink.LinkByName("lan0")
	must(t, err)
	for _, own := range []string{"192.0.2.10/24", "2001:db8::10/64"} {
		a, err := netlink.ParseAddr(own)
		must(t, err)
		must(t, netlink.AddrAdd(lan, a))
	}
	must(t, netlink.LinkSetUp(lan))

	// A PID namespace of its own: whatever the host runs ends with it.
	cmd := exec.Command("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", hostScript, "host", bus, avahi, d.bus)
	cmd.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS=unix:path="+d.bus)
	said, err := cmd.StderrPipe()
	must(t, err)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	wan, err := netlink.LinkByName("wan0")
	must(t, err)
	d.pid = firstChild(t, cmd.Process.Pid)
	must(t, netlink.LinkSetNsPid(wan, d.pid))
	for lines := bufio.NewScanner(said); lines.Scan(); {
		t.Log(lines.Text())
		if strings.Contains(lines.Text(), "Server startup complete") {
			go func() {
				for lines.Scan() { // or it would wait for somebody to read
				}
			}()
			return d
		}
	}
	t.Fatal("no Avahi on the host: scripts/setup lab brings it")
	return nil
}

// firstChild is the process that another one has started, which may yet be to come.
func firstChild(t *testing.T, parent int) (child int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
		if _, err := fmt.Sscan(string(b), &child); err == nil {
			return child
		}
	}
	t.Fatal("the host does not start")
	return 0
}

// command runs something on the host.
func (d *desktop) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{"--net", "--mount", "--target", fmt.Sprint(d.pid), name}, args...)...)
	cmd.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS=unix:path="+d.bus)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// finds tells which address the host finds by a name; kind is -4 or -6.
func (d *desktop) finds(kind, name string) string {
	d.t.Helper()
	out, err := d.command("avahi-resolve", kind, "-n", name).CombinedOutput()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) != 2 || fields[0] != name {
		return fmt.Sprintf("%s (%v)", bytes.TrimSpace(out), err)
	}
	return fields[1]
}

// publishes has the host say that a name is its own, until the function that it returns is called.
func (d *desktop) publishes(name, address string) (end func()) {
	d.t.Helper()
	cmd := d.command("avahi-publish", "-a", "-R", name, address)
	said, err := cmd.StdoutPipe()
	must(d.t, err)
	cmd.Stderr = cmd.Stdout
	must(d.t, cmd.Start())
	end = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "Established") {
			return end
		}
		d.t.Log(lines.Text())
	}
	end()
	d.t.Fatalf("%s is not published", name)
	return nil
}

func (r *Responder) awaitName(t *testing.T, want string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); r.Name() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the box is called %q, not %q", r.Name(), want)
		}
	}
}

func TestAvahiFindsTheBoxOverIPv4AndIPv6AndKeepsANameThatItHas(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	d := aDesktop(t)
	r := &Responder{Log: slog.New(slog.DiscardHandler)}
	defer r.Set(Config{})
	own4, own6 := netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::10")
	both := Config{
		Interface: "lan0", Own: []netip.Addr{own4, own6}, Names: []string{"tollgate.local", "tollgate-b7.local"},
		Asking: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/64")},
	}
	six := both // speaks over IPv6 alone
	six.Own = both.Own[1:]

	end := d.publishes("tollgate.local", "192.0.2.20")
	r.Set(six)
	r.awaitName(t, "tollgate-b7.local")
	if got := d.finds("-6", "tollgate-b7.local"); got != own6.String() {
		t.Errorf("over IPv6 alone, Avahi finds %s", got)
	}
	end()
	r.Set(both)
	r.awaitName(t, "tollgate.local")
	for kind, want := range map[string]netip.Addr{"-4": own4, "-6": own6} {
		if got := d.finds(kind, "tollgate.local"); got != want.String() {
			t.Errorf("Avahi finds %s by %s, want %s", got, kind, want)
		}
	}
}
