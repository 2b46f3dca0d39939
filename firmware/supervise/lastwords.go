package supervise

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// LastWords are how the program ended when nobody had asked it to.
type LastWords struct {
	At      time.Time     `json:"at"`
	Lasted  time.Duration `json:"lasted"` // nanoseconds
	How     string        `json:"how"`    // its exit code or signal, as a sentence
	Version string        `json:"version"`
	Text    string        `json:"text"` // the end of its error output, after the beginning of Go's account of the fault
}

// wordsKept is how many ends the file keeps.
const wordsKept = 5

// keepLastWords adds w to the file; a power cut leaves the file as it was before or as it is then.
func keepLastWords(path string, w LastWords) error {
	if path == "" {
		return nil
	}
	list, err := ReadLastWords(path)
	if err != nil {
		list = nil // a damaged file is replaced
	}
	list = append([]LastWords{w}, list...)
	text, err := json.MarshalIndent(list[:min(len(list), wordsKept)], "", "\t")
	if err != nil {
		return fmt.Errorf("keep last words: %w", err)
	}
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("keep last words: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("keep last words: %w", err)
	}
	return nil
}

// ReadLastWords returns what the file keeps, the latest first; none when there is no file.
func ReadLastWords(path string) ([]LastWords, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var list []LastWords
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("read last words: %w", err)
	}
	return list, nil
}

// tailKept is how many bytes of the program's error output are kept in memory.
const tailKept = 64 << 10

// tail keeps the end of what is written to it, and how an account of the program's end begins.
type tail struct {
	mu       sync.Mutex // guards what follows
	kept     []byte
	account  account
	complete chan struct{} // closed when nothing more comes; nil until somebody waits
	ended    bool
}

func (t *tail) add(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.account.add(b)
	t.kept = append(t.kept, b...)
	if over := len(t.kept) - tailKept; over > tailKept {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
}

// end says that nothing more comes.
func (t *tail) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	if t.complete != nil {
		close(t.complete)
		t.complete = nil
	}
}

// lastWait is how long the last of the output is waited for: a grandchild may hold the pipe open.
const lastWait = 500 * time.Millisecond

// text returns the end of the output, from the beginning of a line or after the beginning of the account.
func (t *tail) text() string {
	t.wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := t.kept[max(0, len(t.kept)-tailKept):]
	if int64(len(kept)) < t.account.said {
		if before := t.account.before(int64(len(kept))); before != nil {
			return strings.ToValidUTF8(string(before)+string(kept), "?")
		}
		if _, rest, found := strings.Cut(string(kept), "\n"); found {
			return strings.ToValidUTF8(rest, "?")
		}
	}
	return strings.ToValidUTF8(string(kept), "?")
}

func (t *tail) wait() {
	t.mu.Lock()
	if t.ended {
		t.mu.Unlock()
		return
	}
	done := make(chan struct{})
	t.complete = done
	t.mu.Unlock()
	select {
	case <-done:
	case <-time.After(lastWait):
	}
}
