// Package webui holds the built web page.
//
// It embeds what `npm run build` left in dist and hands it out as files. A clone whose page was not built yet has
// nothing there but .keep, so that Go builds without Node.
//
// It leaves serving the files, and saying so when there are none, to firmware/api.
package webui

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files returns the built page: index.html at the root and everything it asks for under assets. Names under assets
// carry a hash of their content, so they may be cached for ever; index.html may not.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		// Unreachable: fs.Sub fails for invalid paths alone, and this one is a constant.
		return embed.FS{}
	}
	return files
}
