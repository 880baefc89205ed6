package edge

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

// followed reads a stream as a connection does whose requests are followed, in parts of a size.
type followed struct {
	from    io.Reader
	heads   scanner
	refused error
}

// Read is guarded.Read without a connection.
func (f *followed) Read(p []byte) (int, error) {
	if f.refused != nil {
		return 0, f.refused
	}
	n, err := f.from.Read(p)
	good, refused := f.heads.take(p[:n])
	if f.refused = refused; refused == nil {
		return n, err
	}
	if good == 0 {
		return 0, refused
	}
	return good, nil
}

// requestsIn are the requests that net/http reads from a stream, one text each, and why it stopped.
func requestsIn(from io.Reader) (all []string, end error) {
	in := bufio.NewReader(from)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return all, err
		}
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return all, err
		}
		all = append(all, fmt.Sprintf("%s %s %v %q", r.Method, r.RequestURI, r.Header, text))
	}
}

const (
	first = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
	last  = "GET /9 HTTP/1.1\r\nHost: a\r\n\r\n"
	post  = "POST /2 HTTP/1.1\r\nHost: a\r\n"
)

// ambiguous are requests whose end can be read in two ways: each after a good request, and before one.
var ambiguous = []struct {
	name, text string
	why        error
}{
	{"length and chunks", post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errBoth},
	{"chunks and length", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", errBoth},
	{"length and a coding in capitals", post + "content-length: 3\r\ntransfer-encoding: CHUNKED\r\n\r\n0\r\n\r\n", errBoth},
	{"length and a coding that is not known", post + "Content-Length: 3\r\nTransfer-Encoding: xchunked\r\n\r\nabc", errBoth},
	{"length and two codings", post + "Content-Length: 3\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errBoth},
	{"what follows an unknown coding", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", errCoding},
	{"two lengths", post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", errTwoLengths},
	{"the same length twice", post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", errTwoLengths},
	{"a list of lengths", post + "Content-Length: 3, 3\r\n\r\nabc", errLength},
	{"a length with a sign", post + "Content-Length: +3\r\n\r\nabc", errLength},
	{"a negative length", post + "Content-Length: -1\r\n\r\n", errLength},
	{"a hexadecimal length", post + "Content-Length: 0x3\r\n\r\nabc", errLength},
	{"an empty length", post + "Content-Length:\r\n\r\n", errLength},
	{"a length of nineteen digits", post + "Content-Length: 0000000000000000003\r\n\r\nabc", errLength},
	{"chunks of HTTP/1.0", "POST /2 HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errOldChunks},
	{"a space before the colon", post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", errName},
	{"a name after a control character", post + "\vTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errName},
	{"a line without a colon", post + "Transfer-Encoding chunked\r\n\r\n0\r\n\r\n", errName},
	{"no name", post + ": chunked\r\n\r\n", errName},
	{"a folded coding", post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", errFolded},
	{"a folded length", post + "X: y\r\n\tContent-Length: 3\r\n\r\nabc", errFolded},
	{"a space before the first header", "GET /2 HTTP/1.1\r\n Host: a\r\n\r\n", errFolded},
	{"a bare line feed after the request line", "GET /2 HTTP/1.1\nHost: a\r\n\r\n", errBareLF},
	{"a bare line feed after a header", post + "X: y\nContent-Length: 3\r\n\r\nabc", errBareLF},
	{"a bare line feed that ends the head", post + "\nGET /3 HTTP/1.1\r\n\r\n", errBareLF},
	{"bare line feeds alone", "GET /2 HTTP/1.1\nHost: a\n\n", errBareLF},
	{"a carriage return within a header", post + "X: y\rContent-Length: 3\r\n\r\nabc", errBareCR},
	{"two carriage returns", post + "X: y\r\r\nContent-Length: 3\r\n\r\nabc", errBareCR},
	{"a carriage return in the request line", "GET /2\r HTTP/1.1\r\nHost: a\r\n\r\n", errBareCR},
	{"a bare line feed after the size of a chunk", post + "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", errBareLF},
	{"a bare line feed after a chunk", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n", errBareLF},
	{"a bare line feed in an extension", post + "Transfer-Encoding: chunked\r\n\r\n3;x\ny\r\nabc\r\n0\r\n\r\n", errBareLF},
	{"a chunk that is longer than it says", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", errChunk},
	{"a size with a sign", post + "Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n", errChunk},
	{"a size with 0x", post + "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", errChunk},
	{"an empty size", post + "Transfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n", errChunk},
	{"a size that overflows", post + "Transfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n", errChunk},
	{"a length in the trailer", post + "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n", errTwoLengths},
	{"a coding in the trailer", post + "Transfer-Encoding: chunked\r\n\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", errBoth},
	{"an expectation that is not known", post + "Expect: 200-ok\r\n\r\n", errExpect},
	{"a line without end", "GET /" + strings.Repeat("a", maxLine+1) + " HTTP/1.1\r\n\r\n", errLongLine},
}

// TestAmbiguousRequests: what comes before an ambiguous request is served, itself and what follows it is not, however it arrives.
func TestAmbiguousRequests(t *testing.T) {
	for _, c := range ambiguous {
		stream := first + c.text + last
		for how, from := range map[string]io.Reader{"at once": strings.NewReader(stream), "byte by byte": iotest.OneByteReader(strings.NewReader(stream))} {
			f := &followed{from: from}
			got, end := requestsIn(f)
			if f.refused == nil && how != "at once" && !errors.Is(end, io.EOF) {
				f.refused = c.why // net/http refused it before it read what we would have refused
			}
			if len(got) != 1 || !strings.HasPrefix(got[0], "GET /1 ") || !errors.Is(f.refused, c.why) || !Ambiguous(f.refused) {
				t.Errorf("%s, %s: %d requests, refused as %v (%v), want %v: %q", c.name, how, len(got), f.refused, end, c.why, got)
			}
		}
	}
}

// clear are requests that have one end, and the bodies that they have.
var clear = []struct{ name, text, body string }{
	{"an expectation", post + "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\na", "a"},
	{"no body", "GET /2?a=b HTTP/1.1\r\nHost: a\r\nX-Empty:\r\n\r\n", ""},
	{"a length", post + "Content-Length: 4\r\n\r\n\n\r\nx", "\n\r\nx"},
	{"a length of nothing", post + "Content-Length: 0\r\n\r\n", ""},
	{"a length between spaces", post + "Content-Length: \t 3 \r\n\r\nabc", "abc"},
	{"chunks", post + "Transfer-Encoding: chunked\r\n\r\n3\r\na\nc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", "a\nc0123456789"},
	{"chunks with a trailer", post + "Transfer-Encoding: Chunked\r\nTrailer: X-Sum\r\n\r\n1 \r\na\r\n000\r\nX-Sum: 1\r\n\r\n", "a"},
	{"a form of HTTP/1.0", "POST /2 HTTP/1.0\r\nContent-Length: 3\r\n\r\na=b", "a=b"},
	{"a body like a request", post + "Content-Length: 28\r\n\r\n" + first[:28], first[:28]},
}

// TestClearRequests: requests in one stream, on one connection, are all read, with their bodies.
func TestClearRequests(t *testing.T) {
	stream, want := first, 1
	for _, c := range clear {
		stream, want = stream+c.text, want+1
		f := &followed{from: strings.NewReader(first + c.text + last)}
		got, _ := requestsIn(f)
		if len(got) != 3 || f.refused != nil || !strings.HasSuffix(got[1], fmt.Sprintf("%q", c.body)) {
			t.Errorf("%s: refused as %v, %q", c.name, f.refused, got)
		}
	}
	for how, from := range map[string]io.Reader{"at once": strings.NewReader(stream), "byte by byte": iotest.OneByteReader(strings.NewReader(stream)), "in halves": iotest.HalfReader(strings.NewReader(stream))} {
		f := &followed{from: from}
		if got, _ := requestsIn(f); len(got) != want || f.refused != nil {
			t.Errorf("%s: %d of %d requests, refused as %v", how, len(got), want, f.refused)
		}
	}
}

// FuzzRequests compares what is read with what net/http reads alone: the same requests, or the first of them; and none of those that
// follow a line that a bare line feed ends, or that give length and coding.
func FuzzRequests(f *testing.F) {
	for _, c := range ambiguous {
		f.Add([]byte(first + c.text + last))
	}
	for _, c := range clear {
		f.Add([]byte(first + c.text + last))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		alone, _ := requestsIn(bytes.NewReader(stream))
		one := &followed{from: bytes.NewReader(stream)}
		got, _ := requestsIn(one)
		slowly := &followed{from: iotest.OneByteReader(bytes.NewReader(stream))}
		again, _ := requestsIn(slowly)
		if fmt.Sprint(got) != fmt.Sprint(again) {
			t.Errorf("at once %q, %v; byte by byte %q, %v", got, one.refused, again, slowly.refused)
		}
		for i, text := range got {
			if i >= len(alone) || text != alone[i] {
				t.Fatalf("request %d is %s, of %q", i, text, alone)
			}
		}
		if one.refused == nil && len(got) < len(alone) {
			t.Errorf("%d of %d requests, and none refused", len(got), len(alone))
		}
	})
}
