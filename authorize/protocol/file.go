package protocol

import (
	"archive/zip"
	"bytes"
	"net/http"
	"time"
)

// FileMode says how an answer is handed over, numbered as on the wire.
type FileMode uint8

const (
	ShownInBrowser FileMode = iota // as every answer
	asFile                         // to be stored
	AsZIP                          // to be stored, packed
)

// File is the name of an answer that is to be stored.
type File struct {
	Name string // without extension
	Mode FileMode
	At   time.Time // when it was made
}

// extensions of files by format.
var extensions = map[Format]string{FormatCSV: ".csv", FormatXML: ".xml", FormatSOAP: ".xml", formatSOAP12: ".xml", FormatJSON: ".json"}

// Pack returns what is sent for a written answer, and says in the headers what it is.
func (f *File) Pack(h http.Header, format Format, written []byte) []byte {
	name := f.Name + extensions[format]
	if f.Mode == asFile {
		h.Set("Content-Disposition", attachment(name))
		return written
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b) // writing to memory cannot fail
	if w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: f.At}); err == nil {
		_, _ = w.Write(written)
	}
	_ = z.Close()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", attachment(f.Name+".zip"))
	return b.Bytes()
}

// attachment makes a browser store the answer under a name of letters, digits, points and underscores.
func attachment(name string) string { return `attachment; filename="` + name + `"` }
