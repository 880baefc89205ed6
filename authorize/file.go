package authorize

import (
	"archive/zip"
	"bytes"
	"net/http"
	"time"
)

// fileMode says how an answer is handed over, numbered as on the wire.
type fileMode uint8

const (
	inBrowser fileMode = iota // as every answer
	asFile                    // to be stored
	asZIP                     // to be stored, packed
)

// file is the name of an answer that is to be stored.
type file struct {
	name string // without extension
	mode fileMode
	at   time.Time // when it was made
}

// extensions of files by format.
var extensions = map[Format]string{FormatCSV: ".csv", FormatXML: ".xml", FormatSOAP: ".xml", formatSOAP12: ".xml", FormatJSON: ".json"}

// pack returns what is sent for a written answer, and says in the headers what it is.
func (f *file) pack(h http.Header, format Format, written []byte) []byte {
	name := f.name + extensions[format]
	if f.mode == asFile {
		h.Set("Content-Disposition", attachment(name))
		return written
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b) // writing to memory cannot fail
	if w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: f.at}); err == nil {
		_, _ = w.Write(written)
	}
	_ = z.Close()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", attachment(f.name+".zip"))
	return b.Bytes()
}

// attachment makes a browser store the answer under a name of letters, digits, points and underscores.
func attachment(name string) string { return `attachment; filename="` + name + `"` }
