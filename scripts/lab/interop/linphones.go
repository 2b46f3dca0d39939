package interop

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"text/template"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/tone"
)

// Linphones are two telephones with the box between them, one as the office's PBX and one as its carrier.
type Linphones struct {
	Lab             *lab.Lab
	Box             *branch.Box
	Office, Carrier *Linphone
}

//go:embed linphones.yaml.tmpl
var linphonesPolicy string

// OpenLinphones lays everything out, and starts the box of a program and the telephones, which encrypt as they are told; media
// is what the policy says of both sides' audio.
func OpenLinphones(ctx context.Context, binary, encryption string, media ...string) (*Linphones, error) {
	l, err := lab.Open(lab.TwoPorts)
	if err != nil {
		return nil, err
	}
	p := &Linphones{Lab: l, Box: &branch.Box{Host: l.Box, Binary: binary},
		Office:  &Linphone{Host: l.PBX, Number: "+33123456700", Tone: NearTone, Encryption: encryption, Info: true},
		Carrier: &Linphone{Host: l.Carrier, Number: "+442079460000", Tone: FarTone, Encryption: encryption}}
	document, err := p.document(media)
	if err == nil {
		err = p.Box.Start(ctx, document)
	}
	if err == nil {
		err = errors.Join(p.Office.Start(ctx), p.Carrier.Start(ctx))
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Linphones) document(media []string) (string, error) {
	lines := "  " + strings.Join(media, "\n  ")
	t, err := template.New("policy").Funcs(template.FuncMap{
		"indent": func(s string) string { return strings.ReplaceAll(s, "  ", "    ") },
	}).Parse(linphonesPolicy)
	if err != nil {
		return "", fmt.Errorf("read policy template: %w", err)
	}
	net := p.Lab.Net
	inside := netip.PrefixFrom(net.BoxInside, net.Office.Bits())
	var document strings.Builder
	err = t.Execute(&document, map[string]any{
		"InsideLink": lab.BoxInside, "OutsideLink": lab.BoxOutside, "Inside": inside, "Office": inside.Masked(),
		"Outside": netip.PrefixFrom(net.BoxOutside, net.CarrierNet.Bits()), "PBX": net.PBX, "Carrier": net.Carrier, "Media": lines,
	})
	if err != nil {
		return "", fmt.Errorf("write policy: %w", err)
	}
	return document.String(), nil
}

// Close ends everything.
func (p *Linphones) Close() error {
	p.Office.Stop()
	p.Carrier.Stop()
	p.Box.Stop()
	return p.Lab.Close()
}

// patience bounds how long they may take to be heard: on a busy machine Linphone stutters for seconds.
const patience = 20 * time.Second

// Both waits until both ends hear one another's tone, and nothing else.
func (p *Linphones) Both() (string, error) {
	for begun := time.Now(); ; {
		if err := errors.Join(p.Office.Mark(), p.Carrier.Mark()); err != nil {
			return "", err
		}
		time.Sleep(Listening)
		near, err := p.Office.Heard()
		far, farErr := p.Carrier.Heard()
		if err := errors.Join(err, farErr); err != nil {
			return "", err
		}
		n, f := tone.Judge(near, FarTone, NearTone, 850, 1480), tone.Judge(far, NearTone, FarTone, 850, 1480)
		said := fmt.Sprintf("office %s; carrier %s", n, f)
		if n.Heard() && f.Heard() {
			return said, nil
		}
		if time.Since(begun) > patience {
			return said, fmt.Errorf("not heard as it should be: %s", said)
		}
	}
}
