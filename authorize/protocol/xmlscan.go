package protocol

import (
	"bytes"
	"unicode/utf8"
)

// Bounds of a document. Its size is that of the body.
const (
	maxXMLDepth      = 16
	maxXMLAttributes = 32
)

// xmlScanner reads an XML document in place, without a copy of any of its text. It knows no document types, no
// entities but the five of XML and characters by number, and no processing instructions: it refuses them.
type xmlScanner struct {
	b          []byte
	at         int
	open       [maxXMLDepth][]byte // names of the elements around the reading point
	depth      int
	empty      bool // the element just opened is to be closed at once
	attributes []xmlAttribute
	outer      []xmlAttribute // of the outermost element
	text       []byte         // of a text token
}

type xmlAttribute struct{ name, value []byte }

// xmlToken is what the scanner found.
type xmlToken uint8

const (
	xmlEOF xmlToken = iota
	xmlOpen
	xmlClose
	xmlText
	xmlComment
)

// begin reads what may stand before the outermost element. The text is UTF-8 by now, whatever it says.
func (s *xmlScanner) begin() error {
	if !utf8.Valid(s.b) {
		return notXML("it is not UTF-8")
	}
	for _, c := range s.b {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return notXML("it holds a control character")
		}
	}
	if !s.take("<?xml") {
		return nil
	}
	if err := s.readAttributes(); err != nil {
		return err
	}
	if version, _ := s.attribute("version"); string(version) != "1.0" || !s.take("?>") {
		return notXML("it has no XML declaration of version 1.0")
	}
	return nil
}

// take steps over a text if it comes next.
func (s *xmlScanner) take(text string) bool {
	if !bytes.HasPrefix(s.b[s.at:], []byte(text)) {
		return false
	}
	s.at += len(text)
	return true
}

// until returns what stands before an end mark and steps over both.
func (s *xmlScanner) until(mark string) ([]byte, error) {
	i := bytes.Index(s.b[s.at:], []byte(mark))
	if i < 0 {
		return nil, notXML("it ends early")
	}
	found := s.b[s.at : s.at+i]
	s.at += i + len(mark)
	return found, nil
}

// next reads one token. A text comes in several tokens when parts of it are CDATA.
func (s *xmlScanner) next() (xmlToken, error) {
	switch {
	case s.empty:
		s.empty = false
		s.depth--
		return xmlClose, nil
	case s.at == len(s.b) && s.depth == 0:
		return xmlEOF, nil
	case s.at == len(s.b):
		return xmlEOF, notXML("it ends early")
	case s.b[s.at] != '<':
		return xmlText, s.readText()
	case s.take("<!--"):
		return xmlComment, s.readComment()
	case s.depth > 0 && s.take("<![CDATA["):
		var err error
		s.text, err = s.until("]]>")
		return xmlText, err
	case s.take("</"):
		return xmlClose, s.readClose()
	case s.take("<!"), s.take("<?"):
		return xmlEOF, notXML("document types and processing instructions are not taken")
	}
	return xmlOpen, s.readOpen()
}

func (s *xmlScanner) readComment() error {
	comment, err := s.until("-->")
	if err == nil && (bytes.Contains(comment, []byte("--")) || bytes.HasSuffix(comment, []byte("-"))) {
		err = notXML("a comment is malformed")
	}
	return err
}

func (s *xmlScanner) readText() error {
	end := bytes.IndexByte(s.b[s.at:], '<')
	if end < 0 {
		end = len(s.b) - s.at
	}
	raw := s.b[s.at : s.at+end]
	s.at += end
	if bytes.Contains(raw, []byte("]]>")) {
		return notXML("]]> stands in a text")
	}
	var err error
	s.text, err = unescapeXML(raw)
	return err
}

func (s *xmlScanner) readClose() error {
	name, err := s.until(">")
	if err != nil {
		return err
	}
	name = bytes.TrimRight(name, " \t\r\n")
	if s.depth == 0 || !bytes.Equal(name, s.open[s.depth-1]) {
		return notXML("an end tag does not match")
	}
	s.depth--
	return nil
}

func (s *xmlScanner) readOpen() error {
	s.at++ // <
	name := s.readName()
	switch {
	case name == nil:
		return notXML("a name is malformed")
	case s.depth == maxXMLDepth:
		return notXML("it is nested too deeply")
	}
	if err := s.readAttributes(); err != nil {
		return err
	}
	s.empty = s.take("/")
	if !s.take(">") {
		return notXML("a tag is malformed")
	}
	s.open[s.depth] = name
	s.depth++
	return nil
}

// readName reads a name with at most one prefix; nil when there is none.
func (s *xmlScanner) readName() []byte {
	from := s.at
	for s.at < len(s.b) && isNameByte(s.b[s.at]) {
		s.at++
	}
	name := s.b[from:s.at]
	prefix, local, prefixed := bytes.Cut(name, []byte{':'})
	if !prefixed {
		local, prefix = prefix, nil
	}
	if !startsName(local) || prefixed && !startsName(prefix) || bytes.IndexByte(local, ':') >= 0 {
		return nil
	}
	return name
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.' || c == ':'
}

func startsName(name []byte) bool {
	return len(name) > 0 && ('a' <= lowerByte(name[0]) && lowerByte(name[0]) <= 'z' || name[0] == '_')
}

// readAttributes reads what stands between a tag's name and its end.
func (s *xmlScanner) readAttributes() error {
	s.attributes = s.attributes[:0]
	for {
		before := s.at
		s.space()
		if s.at == len(s.b) || !isNameByte(s.b[s.at]) {
			return nil
		}
		a, err := s.readAttribute(s.at > before)
		if err != nil {
			return err
		}
		if _, twice := s.attribute(string(a.name)); twice || len(s.attributes) == maxXMLAttributes {
			return notXML("a tag has too many attributes")
		}
		s.attributes = append(s.attributes, a)
	}
}

func (s *xmlScanner) readAttribute(apart bool) (a xmlAttribute, err error) {
	bad := func() error { return notXML("an attribute is malformed") }
	if a.name = s.readName(); a.name == nil || !apart {
		return a, bad()
	}
	s.space()
	if !s.take("=") {
		return a, bad()
	}
	s.space()
	quote := `"`
	if !s.take(quote) {
		if quote = "'"; !s.take(quote) {
			return a, bad()
		}
	}
	raw, err := s.until(quote)
	if err != nil || bytes.IndexByte(raw, '<') >= 0 {
		return a, bad()
	}
	a.value, err = unescapeXML(raw)
	return a, err
}

func (s *xmlScanner) space() {
	for s.at < len(s.b) && isXMLSpace(s.b[s.at]) {
		s.at++
	}
}

func isXMLSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func (s *xmlScanner) attribute(name string) ([]byte, bool) { return attributeOf(s.attributes, name) }

func attributeOf(all []xmlAttribute, name string) ([]byte, bool) {
	for _, a := range all {
		if string(a.name) == name {
			return a.value, true
		}
	}
	return nil, false
}

// child goes on to the next element within the one around the reading point and opens it, or closes the one around.
// Only white space and comments may stand between.
func (s *xmlScanner) child() (bool, error) {
	for {
		token, err := s.next()
		switch {
		case err != nil:
			return false, err
		case token == xmlOpen:
			return true, nil
		case token == xmlClose, token == xmlEOF:
			return false, nil
		case token == xmlText && len(bytes.Trim(s.text, " \t\r\n")) > 0:
			return false, notXML("a text stands where an element belongs")
		}
	}
}

// skip goes on to the end of the element just opened.
func (s *xmlScanner) skip() error { return s.skipTo(s.depth - 1) }

// skipTo closes elements until as many are open as were around.
func (s *xmlScanner) skipTo(around int) error {
	for s.depth > around {
		if _, err := s.next(); err != nil {
			return err
		}
	}
	return nil
}

// value reads the text of the element just opened, to its end, in place. ok is false when there is more than text.
func (s *xmlScanner) value() (v []byte, ok bool, err error) {
	for {
		token, err := s.next()
		switch {
		case err != nil || token == xmlClose:
			return v, true, err
		case token != xmlText:
			return nil, false, nil
		case v == nil:
			v = s.text
		default: // what stands behind v in the buffer is read already: nothing is copied out of it
			v = append(v, s.text...)
		}
	}
}

// split cuts the name of the element just opened into prefix and local name.
func (s *xmlScanner) split() (prefix, local []byte) {
	prefix, local, prefixed := bytes.Cut(s.open[s.depth-1], []byte{':'})
	if !prefixed {
		return nil, prefix
	}
	return prefix, local
}

// namespace finds the namespace of the element just opened, by its own declarations and those of the outermost element.
func (s *xmlScanner) namespace() string {
	prefix, _ := s.split()
	name := "xmlns"
	if prefix != nil {
		name += ":" + string(prefix)
	}
	ns, ok := s.attribute(name)
	if !ok {
		ns, _ = attributeOf(s.outer, name)
	}
	return string(ns)
}
