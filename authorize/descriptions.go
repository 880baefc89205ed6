package authorize

import (
	"bytes"
	"encoding/xml"
	"log/slog"
	"net/http"
	"settled/authorize/protocol"
	"strings"
)

// wsdlPath is where a service is described.
func wsdlPath(service string) string { return strings.TrimSuffix(service, ".cfm") + ".wsdl" }

// serveDescription returns a handler that tells a service's description.
func (g *Gateway) serveDescription(s *service, document bool) http.HandlerFunc {
	before, after, err := s.sheet.WSDL(s.needs, s.takes, document)
	return func(w http.ResponseWriter, r *http.Request) {
		if err != nil {
			g.log.Error("service not described", slog.String("route", s.path), slog.Any("error", err))
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		var b bytes.Buffer
		b.Write(before)
		_ = xml.EscapeText(&b, []byte(g.checkout.Address(r)+s.path))
		b.Write(after)
		h := w.Header()
		h["Content-Type"], h["Cache-Control"], h["X-Content-Type-Options"] = xmlType, protocol.NoStore, protocol.NoSniff
		_, _ = w.Write(b.Bytes())
	}
}

var xmlType = []string{"text/xml; charset=utf-8"}
