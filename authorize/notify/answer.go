package notify

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"settled/authorize/charset"
	"settled/internal/vault"
)

var errNotUnderstood = errors.New("answer is not understood")

// maxCode bounds a code of a server, in characters.
const maxCode = 8

// document reads a merchant's XML: no document type, no processing instruction but the declaration, in a charset of package
// charset.
type document struct{ *xml.Decoder }

func newDocument(text []byte) document {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF")))))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // readable has seen to it
	return document{d}
}

var declared = regexp.MustCompile(`^\s*<\?xml[^>]*\sencoding\s*=\s*["']([^"']*)`)

// readable returns an answer in UTF-8. Its charset is what its header says beside UTF-8, else its declaration. What is not UTF-8, though nothing
// says so, is read as windows-1251: the codes, which decide, are the same.
func readable(text []byte, contentType string) ([]byte, error) {
	_, options, _ := mime.ParseMediaType(contentType)
	name := options["charset"]
	c, _ := charset.Named(name)
	if said := declared.FindSubmatch(text); c == nil && said != nil { // servers say UTF-8 of everything
		name = string(said[1])
	}
	c, known := charset.Named(name)
	if !known && name != "" {
		return nil, fmt.Errorf("%w: charset %q", errNotUnderstood, clean(name, 20))
	}
	if c == nil && !utf8.Valid(text) {
		c, _ = charset.Named("windows-1251")
	}
	return c.Decode(text), nil
}

// next returns the next start or end of an element, or text.
func (d document) next() (xml.Token, error) {
	for {
		token, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNotUnderstood, err)
		}
		switch token := token.(type) {
		case xml.StartElement, xml.EndElement, xml.CharData:
			return token, nil
		case xml.Directive:
			return nil, fmt.Errorf("%w: it has a document type", errNotUnderstood)
		case xml.ProcInst:
			if token.Target != "xml" {
				return nil, fmt.Errorf("%w: it has a processing instruction", errNotUnderstood)
			}
		}
	}
}

// start returns the next start of an element within the current one; false at its end.
func (d document) start() (xml.StartElement, bool, error) {
	for {
		token, err := d.next()
		if err != nil {
			return xml.StartElement{}, false, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			return token, true, nil
		case xml.EndElement:
			return xml.StartElement{}, false, nil
		}
	}
}

// leave reads to the end of the current element and returns the text directly in it.
func (d document) leave() (string, error) {
	var text strings.Builder
	for depth := 0; ; {
		token, err := d.next()
		if err != nil {
			return "", err
		}
		switch token := token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			if depth--; depth < 0 {
				return text.String(), nil
			}
		case xml.CharData:
			if depth == 0 {
				text.Write(token)
			}
		}
	}
}

// parseXML understands the answer to a form. The codes decide; bill number and packet date are the server's to fill in, and
// clients put all sorts of dates there.
func parseXML(text []byte) (Answer, error) {
	d := newDocument(text)
	root, ok, err := d.start()
	if err != nil {
		return Answer{}, err
	}
	if !ok || !strings.EqualFold(root.Name.Local, "pushpaymentresult") {
		return Answer{}, fmt.Errorf("%w: it is no pushpaymentresult", errNotUnderstood)
	}
	var a Answer
	for _, attr := range root.Attr {
		switch strings.ToLower(attr.Name.Local) {
		case "firstcode":
			a.First = strings.TrimSpace(attr.Value)
		case "secondcode":
			a.Second = strings.TrimSpace(attr.Value)
		}
	}
	if _, err := d.leave(); err != nil {
		return Answer{}, err
	}
	return judge(a)
}

// judge decides by the codes.
func judge(a Answer) (Answer, error) {
	switch {
	case !isCode(a.First) || !isCode(a.Second):
		return Answer{}, fmt.Errorf("%w: codes %q and %q are no numbers", errNotUnderstood, clean(a.First, 40), clean(a.Second, 40))
	case strings.Trim(a.First+a.Second, "0") == "":
		a.Outcome = Delivered
	default:
		a.Outcome = Refused
	}
	return a, nil
}

func isCode(s string) bool {
	return s != "" && len(s) <= maxCode && strings.Trim(s, "0123456789") == ""
}

// parseSOAP understands the answer to an envelope. A fault that carries our kind of codes, two numbers, is a refusal. Any
// other fault says that the server is broken, not that it does not want the notification.
func parseSOAP(text []byte, status int) (Answer, error) {
	d := newDocument(text)
	if err := d.enterBody(); err != nil {
		return Answer{}, err
	}
	content, ok, err := d.start()
	switch {
	case err != nil:
		return Answer{}, err
	case ok && content.Name.Local == "Fault":
		return d.fault()
	case status == http.StatusInternalServerError:
		return Answer{}, fmt.Errorf("status %d without a fault", status)
	}
	open := 1 // the envelope; an empty body is over already
	if ok {
		open = 3
	}
	for range open {
		if _, err := d.leave(); err != nil {
			return Answer{}, err
		}
	}
	return Answer{Outcome: Delivered}, nil
}

// enterBody reads up to and into the body of an envelope.
func (d document) enterBody() error {
	root, ok, err := d.start()
	if err != nil {
		return err
	}
	if !ok || root.Name.Local != "Envelope" {
		return fmt.Errorf("%w: it is no SOAP envelope", errNotUnderstood)
	}
	for {
		child, ok, err := d.start()
		switch {
		case err != nil:
			return err
		case !ok:
			return fmt.Errorf("%w: the envelope has no body", errNotUnderstood)
		case child.Name.Local == "Body":
			return nil
		}
		if _, err := d.leave(); err != nil {
			return err
		}
	}
}

func (d document) fault() (Answer, error) {
	var a Answer
	for {
		child, ok, err := d.start()
		if err != nil {
			return Answer{}, err
		}
		if !ok {
			break
		}
		text, err := d.leave()
		if err != nil {
			return Answer{}, err
		}
		switch child.Name.Local {
		case "faultcode":
			a.First = strings.TrimSpace(text)
		case "faultstring":
			a.Second = strings.TrimSpace(text)
		}
	}
	if !isCode(a.First) || !isCode(a.Second) {
		return Answer{}, fmt.Errorf("SOAP fault %q: %q", clean(a.First, 40), clean(a.Second, 120))
	}
	a.Outcome = Refused
	return a, nil
}

// clean bounds a text of a server, in characters, and leaves out what is not printed, and card data.
func clean(s string, limit int) string {
	s = vault.Words(s)
	if utf8.RuneCountInString(s) > limit {
		s = string([]rune(s)[:limit]) + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
}
