package edge

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// What makes where a request ends a matter of opinion (RFC 9112, sections 2.2, 5.2, 6 and 11.2). Servers and proxies that differ about it
// take the rest of one client's request for the beginning of another's.
var (
	errBareLF     = ambiguity("a line ends without a carriage return")
	errBareCR     = ambiguity("a carriage return does not end a line")
	errFolded     = ambiguity("a header goes on in the next line")
	errName       = ambiguity("the name of a header is malformed")
	errTwoLengths = ambiguity("more than one length is given")
	errLength     = ambiguity("a length is no number")
	errBoth       = ambiguity("Content-Length and Transfer-Encoding are both given")
	errOldChunks  = ambiguity("Transfer-Encoding is given in an old version of the protocol")
	errCoding     = ambiguity("something follows a transfer coding that is not known")
	errChunk      = ambiguity("a chunk is malformed")
	errExpect     = ambiguity("an expectation is not known")
	errLongLine   = ambiguity("a line is too long")
)

type ambiguity string

// Error says what is ambiguous.
func (a ambiguity) Error() string { return string(a) }

// Ambiguous tells that a request was refused because where it ends can be read in two ways.
func Ambiguous(err error) bool {
	_, is := errors.AsType[ambiguity](err)
	return is
}

// state says what the next byte belongs to.
type state uint8

const (
	between   state = iota // two requests
	request                // the request line
	header                 // of the head
	body                   // whose length the head gave
	chunkSize              // the line before a chunk
	chunkData              // a chunk
	chunkEnd               // the end of line after a chunk
	trailer                // headers after the last chunk
	over                   // nothing is read any more
)

// maxLine bounds a line, in bytes. Those of heads are bounded by less before (Limits.HeaderBytes).
const maxLine = 64 << 10

// scanner follows the requests of a connection from head to head. It understands less than net/http: what it lets through, net/http
// either refuses or ends where the scanner does, and so does every proxy that keeps to the standard.
type scanner struct {
	state state
	left  int64 // of the body or the chunk, in bytes
	line  []byte
	cr    bool // the last byte was a carriage return

	current bool     // the request is of version 1.1
	lengths int      // headers of that name
	length  int64    // the last of them
	codings []string // transfer codings
}

// within tells that a head has begun and not ended.
func (s *scanner) within() bool { return s.state == request || s.state == header }

// take follows the next bytes. It returns how many of them may be read: all or, with the reason, those before the first that may not.
func (s *scanner) take(p []byte) (good int, err error) {
	for i := 0; i < len(p); i++ {
		if s.state == body || s.state == chunkData {
			skipped := min(s.left, int64(len(p)-i))
			s.left -= skipped
			i += int(skipped) - 1
			s.passed()
			continue
		}
		if err := s.next(p[i]); err != nil {
			s.state = over
			return i, err
		}
	}
	return len(p), nil
}

// passed ends a body or a chunk that is over.
func (s *scanner) passed() {
	if s.left > 0 {
		return
	}
	if s.state == chunkData {
		s.state = chunkEnd
		return
	}
	s.state = between
}

// next follows a byte of a line. Ends of lines before a request are left to net/http, which skips a few or refuses them.
func (s *scanner) next(b byte) error {
	if s.state == between {
		if b == '\r' || b == '\n' {
			return nil
		}
		*s = scanner{state: request, line: s.line[:0]}
	}
	switch {
	case s.state == over:
		return errCoding
	case b == '\n' && !s.cr:
		return errBareLF
	case b == '\n':
		s.cr = false
		defer func() { s.line = s.line[:0] }()
		return s.endLine()
	case s.cr:
		return errBareCR
	case b == '\r':
		s.cr = true
	case len(s.line) == maxLine:
		return errLongLine
	default:
		s.line = append(s.line, b)
	}
	return nil
}

func (s *scanner) endLine() error {
	switch s.state {
	case request:
		s.current, s.state = bytes.HasSuffix(s.line, []byte(" HTTP/1.1")), header
	case header, trailer:
		if len(s.line) > 0 {
			return s.field()
		}
		return s.endHead()
	case chunkSize:
		return s.chunk()
	case chunkEnd:
		if s.state = chunkSize; len(s.line) > 0 {
			return errChunk
		}
	case between, body, chunkData, over:
	}
	return nil
}

// field reads a header. A trailer says nothing of lengths.
func (s *scanner) field() error {
	if s.line[0] == ' ' || s.line[0] == '\t' {
		return errFolded
	}
	name, value, found := strings.Cut(string(s.line), ":")
	if !found || name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isToken(r) }) {
		return errName
	}
	value = strings.Trim(value, " \t")
	switch {
	case strings.EqualFold(name, "Content-Length"):
		return s.lengthIs(value)
	case strings.EqualFold(name, "Transfer-Encoding"):
		s.codings = append(s.codings, value)
	case strings.EqualFold(name, "Expect") && value != "" && !strings.EqualFold(value, "100-continue"):
		return errExpect // net/http would answer by itself, as no handler of ours does
	}
	if s.state == trailer && len(s.codings) > 0 {
		return errBoth
	}
	return nil
}

// longestLength is how many digits a length has at most.
const longestLength = 18

func (s *scanner) lengthIs(value string) (err error) {
	if s.lengths++; s.lengths > 1 || s.state == trailer {
		return errTwoLengths
	}
	if value == "" || len(value) > longestLength || strings.Trim(value, "0123456789") != "" {
		return errLength
	}
	s.length, err = strconv.ParseInt(value, 10, 64)
	return err
}

// endHead says what follows a head. After a coding that is not known net/http refuses the request, and nothing follows.
func (s *scanner) endHead() error {
	switch {
	case s.state == trailer:
		s.state = between
	case len(s.codings) > 0 && s.lengths > 0:
		return errBoth
	case len(s.codings) > 0 && !s.current:
		return errOldChunks
	case len(s.codings) == 1 && strings.EqualFold(s.codings[0], "chunked"):
		s.state, s.codings = chunkSize, nil
	case len(s.codings) > 0:
		s.state = over
	case s.length > 0:
		s.state, s.left = body, s.length
	default:
		s.state = between
	}
	return nil
}

// longestSize is how many hexadecimal digits the size of a chunk has at most.
const longestSize = 15

// chunk reads the line before a chunk: its size, and extensions that nobody uses.
func (s *scanner) chunk() error {
	size, _, _ := strings.Cut(string(s.line), ";")
	size = strings.TrimRight(size, " \t")
	if size == "" || len(size) > longestSize || strings.Trim(size, "0123456789abcdefABCDEF") != "" {
		return errChunk
	}
	n, err := strconv.ParseInt(size, 16, 64)
	if s.state, s.left = chunkData, n; n == 0 {
		s.state = trailer
	}
	return err
}

func isToken(r rune) bool {
	return r > ' ' && r < 0x7f && !strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}
