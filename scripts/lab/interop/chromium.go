package interop

import (
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"tollgate/scripts/lab"
)

//go:embed page.html
var page []byte

// Browser is Chromium on a machine of the carriers' network, with a page of ours in it that speaks WebRTC. The page asks for
// what it is to do, and says what came of it.
type Browser struct {
	process *lab.Process
	server  *http.Server
	orders  chan order

	mu      sync.Mutex // guards everything below
	last    int
	waiting map[int]chan report
	failed  string // what the page has said outside any order
}

// order is what the page is to do for one of its calls.
type order struct {
	ID   int    `json:"id"`
	Call string `json:"call"`
	Do   string `json:"do"`
	With any    `json:"with,omitempty"`
}

// report is what came of an order.
type report struct {
	ID    int    `json:"id"`
	Said  string `json:"said"`
	Error string `json:"error"`
}

// StartBrowser runs Chromium and waits until its page is there.
func (w *World) StartBrowser(ctx context.Context) (*Browser, error) {
	h, err := w.Machine("chromium", 60)
	if err != nil {
		return nil, err
	}
	l, err := h.Listen("127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the page: %w", err)
	}
	b := &Browser{orders: make(chan order), waiting: map[int]chan report{}}
	b.serve(l)
	// Addresses are told to pages that may use the microphone, and this one may.
	b.process, err = h.Start("chromium", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir="+h.Path("chromium"), "http://"+l.Addr().String()+"/")
	if err != nil {
		return nil, err
	}
	_, err = b.ask("", "ready", nil)
	return b, err
}

// Close ends Chromium and what it is served by.
func (b *Browser) Close() {
	if b.process != nil {
		b.process.Stop(3 * time.Second)
	}
	b.server.Close()
}

func (b *Browser) serve(l net.Listener) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { w.Write(page) })
	mux.HandleFunc("GET /next", b.next)
	mux.HandleFunc("POST /said", b.said)
	b.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go b.server.Serve(l)
}

// next gives the page an order as soon as there is one.
func (b *Browser) next(w http.ResponseWriter, r *http.Request) {
	select {
	case o := <-b.orders:
		json.NewEncoder(w).Encode(o)
	case <-r.Context().Done():
	}
}

func (b *Browser) said(w http.ResponseWriter, r *http.Request) {
	var s report
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.waiting[s.ID]; c != nil {
		c <- s
		delete(b.waiting, s.ID)
		return
	}
	b.failed += s.Error + "\n"
}

// browserPatience is how long the page may take for an order; its first one waits for Chromium to start.
const browserPatience = 30 * time.Second

// ask has the page do something and returns what it says.
func (b *Browser) ask(call, do string, with any) (string, error) {
	said := make(chan report, 1)
	b.mu.Lock()
	b.last++
	o := order{b.last, call, do, with}
	b.waiting[o.ID] = said
	b.mu.Unlock()
	late := time.After(browserPatience)
	select {
	case b.orders <- o:
	case <-late:
		return "", fmt.Errorf("the browser does not ask what to do; its last words:\n%s", b.process.Tail(10))
	}
	select {
	case s := <-said:
		if s.Error != "" {
			return "", fmt.Errorf("the browser is to %s: %s", do, s.Error)
		}
		return s.Said, nil
	case <-late:
		b.mu.Lock()
		defer b.mu.Unlock()
		return "", fmt.Errorf("the browser is to %s and says nothing; the page has said %q", do, b.failed)
	}
}

// Page is a call of the page's: the peer of a conversation.
type Page struct {
	browser *Browser
	call    string
}

// Browse makes a call of the page's the peer of a conversation. bundle is the page's policy for that (RFC 9429 §4.1.1).
func (c *Conversation) Browse(b *Browser, bundle string) (*Page, error) {
	p := &Page{b, c.id()}
	c.Far = p
	_, err := b.ask(p.call, "begin", map[string]any{"tone": FarTone, "bundle": bundle})
	return p, err
}

// Answer has the page answer an offer of the box's.
func (p *Page) Answer(offer string) (string, error) { return p.browser.ask(p.call, "answer", offer) }

// Offer has the page make an offer; with change it is of PCMU alone.
func (p *Page) Offer(change bool) (string, error) { return p.browser.ask(p.call, "offer", change) }

// Take has the page take the box's answer.
func (p *Page) Take(answer string) error {
	_, err := p.browser.ask(p.call, "take", answer)
	return err
}

// Mark forgets what was heard.
func (p *Page) Mark() error {
	_, err := p.browser.ask(p.call, "mark", nil)
	return err
}

// Heard is what was heard since Mark.
func (p *Page) Heard() ([]int16, error) {
	text, err := p.browser.ask(p.call, "heard", nil)
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("read what Chromium has heard: %w", err)
	}
	samples := make([]int16, len(b)/2)
	for i := range samples {
		samples[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return samples, nil
}

// Connection is how Chromium itself sees its connection with the box.
type Connection struct {
	State   string `json:"state"`   // of the whole
	DTLS    string `json:"dtls"`    // of the handshake
	Cipher  string `json:"cipher"`  // of SRTP
	Pair    string `json:"pair"`    // of candidates: its state; "": none is chosen
	Codec   string `json:"codec"`   // of what it sends
	Packets int    `json:"packets"` // that it has received
	Lost    int    `json:"lost"`
}

// Connection asks how the connection is.
func (p *Page) Connection() (c Connection, err error) {
	text, err := p.browser.ask(p.call, "connection", nil)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return c, fmt.Errorf("read Chromium's statistics: %w", err)
	}
	return c, nil
}

// Close ends the call in the page.
func (p *Page) Close() { _, _ = p.browser.ask(p.call, "end", nil) }
