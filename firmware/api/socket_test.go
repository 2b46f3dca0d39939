package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets a test run this binary as another user (TestAnotherUserGetsNoAnswerOnTheSocket), and looks for goroutines
// left behind.
func TestMain(m *testing.M) {
	if path := os.Getenv("TOLLGATE_TEST_DIAL"); path != "" {
		os.Exit(dialAs(path))
	}
	goleak.VerifyTestMain(m)
}

// dialAs exits 0 when the socket does not answer: 10 when it does, 11 when it cannot even be reached.
func dialAs(path string) int {
	c, err := net.Dial("unix", path)
	if err != nil {
		return 11
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = c.Write([]byte("GET /api/v1/overview HTTP/1.1\r\nHost: tollgate\r\n\r\n"))
	if n, _ := c.Read(make([]byte, 1)); n > 0 {
		return 10
	}
	return 0
}

func socketBench(t *testing.T) (*bench, string) {
	t.Helper()
	b := newBench(t)
	path := filepath.Join(t.TempDir(), SocketName)
	if err := b.server.Listen(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.server.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return b, path
}

func overSocket(path string) *http.Client {
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) },
	}}
}

func TestTheSocketServesTheAPIToItsUserAlone(t *testing.T) {
	b, path := socketBench(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	res, err := overSocket(path).Get("http://tollgate/api/v1/overview")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
	if res, err := overSocket(path).Get("http://tollgate/"); err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("the page is served there too: %v %v", res, err)
	}
	if err := b.server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestAnotherUserGetsNoAnswerOnTheSocket(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user")
	}
	_, path := socketBench(t)
	// Open every door but the last: the kernel's word on who connects.
	for p := path; p != os.TempDir() && p != "/"; p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(filepath.Dir(path), "dial")
	if err := os.WriteFile(copied, self, 0o755); err != nil {
		t.Fatal(err)
	}
	for uid, want := range map[uint32]int{65534: 0, 0: 10} {
		c := exec.Command(copied)
		c.Env = []string{"TOLLGATE_TEST_DIAL=" + path}
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		err := c.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if got := c.ProcessState.ExitCode(); got != want {
			t.Errorf("user %d: exit %d, want %d", uid, got, want)
		}
	}
}

func TestASocketLeftOverIsReplacedAndALivingOneIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), SocketName)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	if err := newBench(t).server.Listen(path); err == nil || !strings.Contains(err.Error(), "another tollgate") {
		t.Errorf("a living socket: %v", err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	if err := b.server.Listen(path); err != nil {
		t.Fatalf("a dead socket: %v", err)
	}
	if err := b.server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := newBench(t).server.Listen(path); err == nil {
		t.Error("a file that is no socket was taken for one")
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "precious" {
		t.Errorf("the file: %q %v", got, err)
	}
}
