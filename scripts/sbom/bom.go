package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// document is a bill of materials (CycloneDX 1.5, ECMA-424).
type document struct {
	Format     string      `json:"bomFormat"`
	Version    string      `json:"specVersion"`
	Serial     string      `json:"serialNumber"`
	Revision   int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type     string    `json:"type"`
	Ref      string    `json:"bom-ref"`
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Hashes   []hash    `json:"hashes,omitempty"`
	Licences []licence `json:"licenses,omitempty"`
	URL      string    `json:"purl,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type licence struct {
	License licenceName `json:"license"`
}

type licenceName struct {
	ID   string `json:"id,omitempty"`   // SPDX
	Name string `json:"name,omitempty"` // or words
}

// ours is what the program of the box itself may be used under: its owner has not said. buildroot/package/tollgate says the same.
const ours = "PROPRIETARY"

// writeBOM lists the parts of a release.
func writeBOM(w io.Writer, release string, built int64, parts []part) error {
	d := document{Format: "CycloneDX", Version: "1.5", Revision: 1, Metadata: metadata{
		Timestamp: time.Unix(built, 0).UTC().Format(time.RFC3339),
		Component: component{Type: "firmware", Ref: "tollgate", Name: "tollgate", Version: release, Licences: []licence{{licenceName{Name: ours}}}},
	}}
	sum := sha256.New()
	fmt.Fprintln(sum, release, built)
	for _, p := range parts {
		fmt.Fprintln(sum, p.URL, p.SHA256)
		c := component{Type: "library", Ref: p.URL, Name: p.Name, Version: p.Version, URL: p.URL}
		if p.SHA256 != "" {
			c.Hashes = []hash{{"SHA-256", p.SHA256}}
		}
		if p.Licence != "" {
			c.Licences = []licence{{licenceName{ID: p.Licence}}}
		}
		d.Components = append(d.Components, c)
	}
	d.Serial = serial(sum.Sum(nil))
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(d)
}

// serial is a UUID made of what is listed (RFC 9562, version 8), so that the same list has the same one.
func serial(sum []byte) string {
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
