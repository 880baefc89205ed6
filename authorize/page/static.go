package page

import (
	"crypto/sha256"
	_ "embed" // the files
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
)

// StaticPath is where [Static] has to be mounted.
const StaticPath = "/pay/static/"

var (
	//go:embed static/page.css
	styleText string
	//go:embed static/page.js
	scriptText string

	style  = newAsset(".css", "text/css; charset=utf-8", styleText)
	script = newAsset(".js", "text/javascript; charset=utf-8", scriptText)
)

// asset is a file under a name that changes with its content.
type asset struct {
	Path      string
	Integrity string
	kind      string
	text      string
}

func newAsset(extension, kind, text string) asset {
	sum := sha256.Sum256([]byte(text))
	return asset{
		Path:      StaticPath + "page." + hex.EncodeToString(sum[:6]) + extension,
		Integrity: "sha256-" + base64.StdEncoding.EncodeToString(sum[:]),
		kind:      kind, text: text,
	}
}

// Static serves the files that pages load, under StaticPath. They never change under their names and may be kept for ever.
func Static() http.Handler {
	mux := http.NewServeMux()
	for _, a := range []asset{style, script} {
		mux.Handle("GET "+a.Path, a)
	}
	return mux
}

// ServeHTTP writes the file.
func (a asset) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Content-Length", strconv.Itoa(len(a.text)))
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	_, _ = w.Write([]byte(a.text)) // a browser that went away needs no answer
}
