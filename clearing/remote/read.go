package remote

import (
	"errors"
	"fmt"
	"io"
)

// ErrTooLarge ends the reading of a file or directory that has more bytes than are taken of it, whatever its server said.
var ErrTooLarge = errors.New("remote: more bytes than are taken")

// AtMost passes on to w no more than so many bytes of one file; one more ends its reading with ErrTooLarge.
func AtMost(w io.Writer, most int64) io.Writer { return &bounded{w, most} }

type bounded struct {
	w    io.Writer
	left int64
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, ErrTooLarge
	}
	return b.w.Write(p)
}

// Read copies a file to w. What the server tells of it before and after must not differ, and exactly the size that it
// tells must have been read, or the error is of class Mismatch. Where it tells no size, the file is read to its end. A file
// that the server does not open for us is an error of class Permission, whatever it says.
func (l *Link) Read(name string, w io.Writer) (e Entry, err error) {
	f, err := l.files.Open(name)
	if err != nil && vague(err) {
		return Entry{}, &Error{Op: "open " + name, Class: Permission, Err: err}
	}
	if err != nil {
		return Entry{}, fail("open "+name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Entry{}, fail("stat "+name, err)
	}
	before := entry(info)
	size := before.Size
	if size > 0 {
		err = readWindow(w, f, size)
	} else {
		size, err = readToEnd(w, f)
	}
	if err != nil {
		return Entry{}, fail("read "+name, err)
	}
	after, found, err := l.Stat(name)
	if err != nil {
		return Entry{}, err
	}
	if !found || changed(before, after, size) {
		err := fmt.Errorf("remote: file of %d bytes changed while it was read, now %d", size, after.Size)
		return Entry{}, &Error{Op: "read " + name, Class: Mismatch, Err: err}
	}
	after.Size = size
	return after, nil
}

// changed compares what was told before and after size bytes were read. A size of 0 and a time of 0 tell nothing.
func changed(before, after Entry, size int64) bool {
	told := before.Modified.Unix() != 0 && after.Modified.Unix() != 0
	return after.Size != 0 && after.Size != size || told && !after.Modified.Equal(before.Modified)
}

// readToEnd reads a file of unknown size, packet by packet.
func readToEnd(w io.Writer, f io.ReaderAt) (size int64, err error) {
	data := make([]byte, readPacket)
	defer clear(data) // replies hold card numbers
	for {
		n, err := f.ReadAt(data, size)
		if n == 0 && (err == nil || errors.Is(err, io.EOF)) {
			return size, nil
		}
		if n == 0 {
			return size, err
		}
		if _, err := w.Write(data[:n]); err != nil {
			return size, err
		}
		size += int64(n)
	}
}

const (
	readPacket = 32 << 10 // what every server answers at once
	readAhead  = 32       // packets asked for at a time
)

// piece is one packet of a file being read.
type piece struct {
	data []byte
	err  error
}

// readWindow reads size bytes in order, with several packets on their way. Each is asked for by itself and must be whole:
// the library's own reading ahead takes a short answer for the end of the file.
func readWindow(w io.Writer, f io.ReaderAt, size int64) error {
	var ahead [readAhead]chan piece
	ask := func(no int64) {
		at := no * readPacket
		if at >= size {
			return
		}
		answer := make(chan piece, 1)
		ahead[no%readAhead] = answer
		go func() {
			data := make([]byte, min(readPacket, size-at))
			answer <- piece{data, readFull(f, data, at)}
		}()
	}
	for no := range int64(readAhead) {
		ask(no)
	}
	for no := int64(0); no*readPacket < size; no++ {
		p := <-ahead[no%readAhead]
		if p.err != nil {
			return p.err
		}
		_, err := w.Write(p.data)
		clear(p.data)
		if err != nil {
			return err
		}
		ask(no + readAhead)
	}
	return nil
}

// readFull reads all of data, however little the server gives at a time.
func readFull(f io.ReaderAt, data []byte, at int64) error {
	for len(data) > 0 {
		n, err := f.ReadAt(data, at)
		if n > 0 {
			data, at = data[n:], at+int64(n)
			continue
		}
		if err == nil || errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	return nil
}
