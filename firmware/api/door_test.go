package api

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func certificate(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	// The lowest version is the server's to set.
	return &tls.Config{MinVersion: tls.VersionTLS10, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// free returns an address of this host that nobody listens on.
func free(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func loopback(t *testing.T, addresses ...netip.AddrPort) Config {
	return Config{Addresses: addresses, Sources: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, TLS: certificate(t)}
}

// openBench is a bench that really listens, closed at the end of the test. Closing waits for browsers, so these tests run
// side by side.
func openBench(t *testing.T, c Config) *bench {
	t.Helper()
	t.Parallel()
	return openOneMore(t, c)
}

// openOneMore is openBench for a test that has opened one already.
func openOneMore(t *testing.T, c Config) *bench {
	t.Helper()
	b := newBench(t)
	if err := b.server.Set(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.server.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return b
}

func browser() *http.Client {
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}
}

func fetch(c *http.Client, a netip.AddrPort) (int, string, error) {
	res, err := c.Get("https://" + a.String() + "/")
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Proto, err
}

func TestThePageIsServedOverHTTP2AndHTTP1(t *testing.T) {
	a := free(t)
	openBench(t, loopback(t, a))
	if status, proto, err := fetch(browser(), a); err != nil || status != http.StatusOK || proto != "HTTP/2.0" {
		t.Errorf("%d %s %v", status, proto, err)
	}
	old := browser()
	old.Transport.(*http.Transport).TLSClientConfig.NextProtos = []string{"http/1.1"}
	old.Transport.(*http.Transport).ForceAttemptHTTP2 = false
	if status, proto, err := fetch(old, a); err != nil || status != http.StatusOK || proto != "HTTP/1.1" {
		t.Errorf("%d %s %v", status, proto, err)
	}
}

func TestThePageSpeaksTLS12And13AndNothingOlder(t *testing.T) {
	a := free(t)
	openBench(t, loopback(t, a))
	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", a.String(), &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
		if (err == nil) != want {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			conn.Close()
		}
	}
}

func TestAConnectionFromAnUnlistedSourceIsClosedBeforeTLS(t *testing.T) {
	a := free(t)
	c := loopback(t, a)
	c.Sources = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	openBench(t, c)
	conn, err := net.Dial("tcp", a.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || !closedByPeer(err) {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func closedByPeer(err error) bool {
	var timeout net.Error
	return err != nil && !(errors.As(err, &timeout) && timeout.Timeout())
}

func TestAnAddressWithoutSourcesIsOpenToNobody(t *testing.T) {
	a := free(t)
	c := loopback(t, a)
	c.Sources = nil
	openBench(t, c)
	if status, _, err := fetch(browser(), a); err == nil {
		t.Errorf("answered %d", status)
	}
}

func TestOneSourceCannotTakeEveryConnection(t *testing.T) {
	a := free(t)
	openBench(t, loopback(t, a))
	var held []net.Conn
	defer func() {
		for _, c := range held {
			c.Close()
		}
	}()
	for range maxPerSource {
		c, err := net.Dial("tcp", a.String())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	if status, _, err := fetch(browser(), a); err == nil {
		t.Errorf("one more was served: %d", status)
	}
	for _, c := range held {
		c.Close()
	}
	for range 50 {
		if _, _, err := fetch(browser(), a); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("no place was given back")
}

func TestAClientThatSendsTooSlowlyIsCutOff(t *testing.T) {
	a := free(t)
	openBench(t, loopback(t, a))
	conn, err := tls.Dial("tcp", a.String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	silent, err := net.Dial("tcp", a.String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: " + a.String() + "\r\nX-Slow: ")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]net.Conn{"no end of the header": conn, "no TLS handshake": silent} {
		if err := c.SetReadDeadline(time.Now().Add(headerTime + 5*time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); err != nil && !closedByPeer(err) {
			t.Errorf("%s: still open: %v", name, err)
		}
	}
}

func TestAHeaderThatIsTooLargeIsRefused(t *testing.T) {
	a := free(t)
	openBench(t, loopback(t, a))
	req, err := http.NewRequest(http.MethodGet, "https://"+a.String()+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Large", strings.Repeat("x", 64<<10))
	res, err := browser().Do(req)
	if err == nil {
		res.Body.Close()
		if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("status %d", res.StatusCode)
		}
	}
}

func TestSettingTheSameAddressesTwiceKeepsConnections(t *testing.T) {
	a := free(t)
	c := loopback(t, a)
	b := openBench(t, c)
	conn, err := tls.Dial("tcp", a.String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 2 {
		if err := b.server.Set(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", a); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%v %v", res, err)
	}
}

func TestThePageMovesToAnotherAddressAndBack(t *testing.T) {
	one, two := free(t), free(t)
	b := openBench(t, loopback(t, one))
	for range 3 {
		for from, to := range map[netip.AddrPort]netip.AddrPort{one: two, two: one} {
			for _, a := range []netip.AddrPort{to, from} {
				if err := b.server.Set(t.Context(), loopback(t, a)); err != nil {
					t.Fatal(err)
				}
				if status, _, err := fetch(browser(), a); err != nil || status != http.StatusOK {
					t.Fatalf("%v: %d %v", a, status, err)
				}
			}
			if status, _, err := fetch(browser(), to); err == nil {
				t.Fatalf("%v still answers %d", to, status)
			}
		}
	}
	if err := b.server.Set(t.Context(), Config{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := fetch(browser(), one); err == nil {
		t.Error("answers although it was told to listen nowhere")
	}
}

func TestAnAddressThatCannotBeUsedLeavesEverythingAsItWas(t *testing.T) {
	one, two := free(t), free(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	b := openBench(t, loopback(t, one))
	bad := loopback(t, two, taken.Addr().(*net.TCPAddr).AddrPort())
	bad.Sources = nil
	if err := b.server.Set(t.Context(), bad); err == nil {
		t.Fatal("no error")
	}
	if status, _, err := fetch(browser(), one); err != nil || status != http.StatusOK {
		t.Errorf("the old address: %d %v", status, err)
	}
	if _, _, err := fetch(browser(), two); err == nil {
		t.Error("the new address answers")
	}
}

func TestThePageIsNeverServedOnEveryAddress(t *testing.T) {
	b := newBench(t)
	for _, a := range append(addrPorts("0.0.0.0:443", "[::]:443", "127.0.0.1:0"), netip.AddrPort{}) {
		if err := b.server.Set(t.Context(), loopback(t, a)); err == nil {
			t.Errorf("%v was taken", a)
		}
	}
	if err := b.server.Set(t.Context(), Config{Addresses: addrPorts("127.0.0.1:443")}); err == nil {
		t.Error("served without a certificate")
	}
}

// watch opens the event stream as a browser would, over this protocol.
func watch(t *testing.T, b *bench, a netip.AddrPort, protocol string) *bufio.Reader {
	t.Helper()
	in, err := beginWatch(t, b, a, protocol)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// beginWatch is watch where it may be too late for the server's time-outs.
func beginWatch(t *testing.T, b *bench, a netip.AddrPort, protocol string) (*bufio.Reader, error) {
	t.Helper()
	token, _, err := b.server.sessions.open("admin", false)
	if err != nil {
		t.Fatal(err)
	}
	client := browser()
	client.Timeout = 0
	transport := client.Transport.(*http.Transport)
	transport.TLSClientConfig.NextProtos = []string{protocol}
	transport.ForceAttemptHTTP2 = protocol == "h2"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+a.String()+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(&http.Cookie{Name: cookieName, Value: token})
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", res.Header)
	}
	in := bufio.NewReader(res.Body)
	for _, want := range []string{"event: overview\n", "data: {"} {
		if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, want) {
			return nil, fmt.Errorf("%q %w", line, err)
		}
	}
	return in, nil
}

// awaitLine reads in until a line holds word.
func awaitLine(in *bufio.Reader, word string) error {
	for {
		line, err := in.ReadString('\n')
		if err != nil || strings.Contains(line, word) {
			return err
		}
	}
}

func TestAStreamReachesABrowserAndEndsWhenTheServerStops(t *testing.T) {
	for _, protocol := range []string{"h2", "http/1.1"} {
		t.Run(protocol, func(t *testing.T) {
			a := free(t)
			b := openBench(t, loopback(t, a))
			in := watch(t, b, a, protocol)
			b.box.change(func(o *Overview) { o.Mode = "draining" })
			if err := awaitLine(in, `"mode":"draining"`); err != nil {
				t.Fatal(err)
			}
			within(t, shutTime+2*time.Second, func() {
				if err := b.server.Close(t.Context()); err != nil {
					t.Error(err)
				}
				if err := awaitLine(in, "there is no such line"); err == nil {
					t.Error("the stream goes on")
				}
			})
			if strings.Contains(b.log.String(), "cut off") {
				t.Error("the stream had to be cut off")
			}
			if err := b.server.Set(t.Context(), loopback(t, a)); err == nil {
				t.Error("a stopped server listens again")
			}
		})
	}
}

func TestAStreamOutlivesTheTimeOutsOfOtherRequests(t *testing.T) {
	for _, protocol := range []string{"h2", "http/1.1"} {
		t.Run(protocol, func(t *testing.T) {
			// The time-outs hold for the handshake and the first event too: on a busy machine they have to be longer for
			// the stream to begin at all.
			t.Parallel()
			for timeOut := 200 * time.Millisecond; ; timeOut *= 2 {
				b, a := openImpatient(t, timeOut)
				in, err := beginWatch(t, b, a, protocol)
				switch {
				case err == nil:
					outlives(t, b, in, timeOut)
					return
				case timeOut > 10*time.Second:
					t.Fatal(err)
				}
			}
		})
	}
}

// openImpatient is a server that gives requests no more than so long.
func openImpatient(t *testing.T, timeOut time.Duration) (*bench, netip.AddrPort) {
	t.Helper()
	a := free(t)
	b := openOneMore(t, Config{})
	c := loopback(t, a)
	d, err := b.server.openPage(a)
	if err != nil {
		t.Fatal(err)
	}
	d.server.ReadTimeout, d.server.WriteTimeout, d.server.IdleTimeout = timeOut, timeOut, timeOut
	b.server.tls.Store(pageTLS(c.TLS))
	b.server.reception.Store(newReception(c))
	b.server.mu.Lock()
	b.server.doors[a] = d
	b.server.mu.Unlock()
	d.serveTLS()
	return b, a
}

// outlives requires that a stream still tells what is new when the time-outs are over, and over again.
func outlives(t *testing.T, b *bench, in *bufio.Reader, timeOut time.Duration) {
	t.Helper()
	for _, mode := range []string{"trial", "running"} {
		time.Sleep(2 * timeOut)
		b.box.change(func(o *Overview) { o.Mode = mode })
		if err := awaitLine(in, mode); err != nil {
			t.Fatalf("cut off before it said %s: %v", mode, err)
		}
	}
}

func TestTooManyWatchersAreToldSo(t *testing.T) {
	b, c := newOwnedBench(t)
	for range maxStreams {
		b.server.streams <- struct{}{}
	}
	wantProblem(t, b.get("/api/v1/events", c), Busy)
	<-b.server.streams
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// The recorder knows no write deadline, so the stream ends at its first event; what matters is that it began.
	if res := b.get("/api/v1/events", c, func(r *http.Request) { *r = *r.WithContext(ctx) }); res.Code != http.StatusOK {
		t.Errorf("%d %s", res.Code, res.Body)
	}
	if len(b.server.streams) != maxStreams-1 {
		t.Error("the place was not given back")
	}
}
