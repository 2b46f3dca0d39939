package pull

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	// mostBundle is more than any bundle of ours has, in bytes.
	mostBundle = 80 << 20
	// fetchTime is for a bundle to come, over a line of 1 Mbit/s at worst.
	fetchTime = 15 * time.Minute
	partFile  = "pull.part"
)

// fetch asks the server once, and has what is new taken.
func (p *Puller) fetch(ctx context.Context, c Config) State {
	mark, err := p.o.Memory.Load()
	if err != nil {
		return failed(err)
	}
	if mark.From != c.From {
		mark = Mark{From: c.From}
	}
	etag, fresh, err := p.download(ctx, c, &mark)
	if err != nil {
		return failed(errors.Join(err, p.o.Memory.Save(mark)))
	}
	if !fresh {
		return State{Outcome: Unchanged}
	}
	return p.take(ctx, mark, etag)
}

func failed(err error) State { return State{Outcome: Failed, Reason: err.Error()} }

// take has the file that came taken.
func (p *Puller) take(ctx context.Context, mark Mark, etag string) State {
	defer os.Remove(p.part())
	mark.Part = ""
	sum, err := sumOf(p.part())
	if err != nil {
		return failed(err)
	}
	if sum == mark.SHA256 {
		return State{Outcome: Unchanged}
	}
	system, err := p.o.Take(ctx, p.part())
	switch {
	case errors.Is(err, ErrLater):
		return failed(err)
	case err != nil:
		p.o.Log.Warn("bundle refused: nothing was changed", "from", mark.From, "why", err)
		p.refused = refusal{etag: etag, until: time.Now().Add(refusedTime)}
		return State{Outcome: Refused, Reason: err.Error()}
	}
	p.o.Log.Info("bundle taken", "from", mark.From, "system", system)
	p.restart = p.restart || system
	mark.ETag, mark.SHA256 = etag, sum
	if err := p.o.Memory.Save(mark); err != nil {
		return failed(err)
	}
	return State{Outcome: Taken}
}

func (p *Puller) part() string { return filepath.Join(p.o.Folder, partFile) }

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read the bundle that came: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read the bundle that came: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// download brings the bundle into the file for parts; fresh tells that there is one that was not taken before.
func (p *Puller) download(ctx context.Context, c Config, mark *Mark) (etag string, fresh bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	f, err := os.OpenFile(p.part(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", false, fmt.Errorf("keep the bundle: %w", err)
	}
	defer f.Close()
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "", false, fmt.Errorf("keep the bundle: %w", err)
	}
	res, err := p.ask(ctx, c, *mark, have)
	if err != nil {
		return "", false, err
	}
	defer res.Body.Close()
	etag = res.Header.Get("ETag")
	switch {
	case res.StatusCode == http.StatusNotModified:
		return etag, false, nil
	case res.StatusCode == http.StatusPartialContent && mark.Part != "" && etag == mark.Part && begins(res, have):
	case res.StatusCode == http.StatusOK:
		have = 0
	default:
		mark.Part = "" // from the beginning the next time
		return "", false, fmt.Errorf("the server answered %s", res.Status)
	}
	mark.Part = ""
	if strong(etag) {
		mark.Part = etag
	}
	return etag, true, store(f, have, res)
}

// ask sends the request.
func (p *Puller) ask(ctx context.Context, c Config, mark Mark, have int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.From, nil)
	if err != nil {
		return nil, fmt.Errorf("ask for the bundle: %w", err)
	}
	req.Header.Set("Accept-Encoding", "identity")
	var known []string
	if mark.ETag != "" {
		known = append(known, mark.ETag)
	}
	if p.refused.etag != "" && time.Now().Before(p.refused.until) {
		known = append(known, p.refused.etag)
	}
	if len(known) > 0 {
		req.Header.Set("If-None-Match", strings.Join(known, ", "))
	}
	if have > 0 && mark.Part != "" {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		req.Header.Set("If-Range", mark.Part)
	}
	res, err := p.o.Client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask for the bundle: %w", err)
	}
	return res, nil
}

// strong tells whether a tag names one sequence of bytes and no other (RFC 9110, section 8.8.1).
func strong(etag string) bool { return strings.HasPrefix(etag, `"`) }

// begins tells whether a part begins where the one before has ended.
func begins(res *http.Response, at int64) bool {
	return strings.HasPrefix(res.Header.Get("Content-Range"), "bytes "+strconv.FormatInt(at, 10)+"-")
}

// store adds the answer's body to what is there already.
func store(f *os.File, at int64, res *http.Response) error {
	if at+max(res.ContentLength, 0) > mostBundle {
		return fmt.Errorf("the bundle has more than %d MB", mostBundle>>20)
	}
	if err := f.Truncate(at); err != nil {
		return fmt.Errorf("keep the bundle: %w", err)
	}
	n, err := io.Copy(io.NewOffsetWriter(f, at), io.LimitReader(res.Body, mostBundle+1-at))
	switch {
	case err != nil:
		return fmt.Errorf("the bundle did not come whole, %d bytes did: %w", at+n, err)
	case at+n > mostBundle:
		return errors.Join(fmt.Errorf("the bundle has more than %d MB", mostBundle>>20), f.Truncate(0))
	}
	return nil
}
