package authorize

import (
	"net/http"
	"settled/authorize/protocol"
	"strconv"
	"sync"
)

var answers = sync.Pool{New: func() any { b := make([]byte, 0, 8<<10); return &b }}

// maxPooled is the largest buffer that is kept for later answers, in bytes.
const maxPooled = 1 << 20

// writeAnswer encodes an answer and sends it whole. The error says that it was not sent, as far as the connection knows; it looks only
// where that has to be remembered.
func writeAnswer(w http.ResponseWriter, s *protocol.Layout, f protocol.Format, status int, a *protocol.Answer, remembered bool, id string) error {
	buffer := answers.Get().(*[]byte)
	encoded, contentType := protocol.Encode((*buffer)[:0], f, s, a)
	*buffer = encoded
	if cap(*buffer) <= maxPooled {
		defer answers.Put(buffer)
	}
	h, body := w.Header(), *buffer
	h["Content-Type"], h["Cache-Control"], h["X-Content-Type-Options"] = contentType, protocol.NoStore, protocol.NoSniff
	if a.File != nil {
		body = a.File.Pack(h, f, body)
	}
	h["X-Request-Id"] = []string{id}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, err := w.Write(body)
	if err == nil && remembered {
		err = http.NewResponseController(w).Flush()
	}
	return err
}
