package page

import (
	"fmt"
	"html/template"
	"strconv"

	"rsc.io/qr"
)

// quiet is how many light modules a QR code needs around it (ISO/IEC 18004).
const quiet = 4

// SVG draws a QR code of payload, dark on white in every color scheme, with its quiet zone. One module is one unit. A payload of more
// than about 2300 bytes is an error.
func SVG(payload string) (template.HTML, error) {
	code, err := qr.Encode(payload, qr.M)
	if err != nil {
		return "", fmt.Errorf("page: draw a QR code of %d bytes: %w", len(payload), err)
	}
	side := strconv.Itoa(code.Size + 2*quiet)
	b := []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ` + side + " " + side +
		`" shape-rendering="crispEdges" aria-hidden="true" focusable="false"><path fill="#fff" d="M0 0h` + side + "v" + side + `H0z"/><path d="`)
	for y := range code.Size {
		b = appendRow(b, code, y)
	}
	return template.HTML(append(b, `"/></svg>`...)), nil //nolint:gosec // numbers and our own markup only
}

// appendRow draws each run of dark modules of a row as one rectangle.
func appendRow(b []byte, code *qr.Code, y int) []byte {
	for x := 0; x < code.Size; x++ {
		if !code.Black(x, y) {
			continue
		}
		start := x
		for x < code.Size && code.Black(x, y) {
			x++
		}
		b = fmt.Appendf(b, "M%d %dh%dv1H%dz", start+quiet, y+quiet, x-start, start+quiet)
	}
	return b
}
