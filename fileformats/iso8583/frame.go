package iso8583

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxFrame is the largest message of the online link, in bytes.
const MaxFrame = 4096

// AppendFrame appends m to dst behind its length in two bytes, big-endian: one Write of the result sends it.
func AppendFrame(dst []byte, m *Message) ([]byte, error) {
	at := len(dst)
	out, err := m.AppendTo(append(dst, 0, 0))
	if err != nil {
		return dst, err
	}
	size := len(out) - at - 2
	if size > MaxFrame {
		return dst, fmt.Errorf("%w: %d bytes", ErrFrame, size)
	}
	binary.BigEndian.PutUint16(out[at:], uint16(size))
	return out, nil
}

// AppendKeepAlive appends a frame without a message, which keeps a line alive and says nothing.
func AppendKeepAlive(dst []byte) []byte { return append(dst, 0, 0) }

// FrameReader reads length-prefixed messages from a link.
type FrameReader struct {
	r   io.Reader
	buf [2 + MaxFrame]byte
}

// NewFrameReader returns a reader of the frames in r. Give it a buffered reader when frames are small and many.
func NewFrameReader(r io.Reader) *FrameReader { return &FrameReader{r: r} }

// Next returns the bytes of the next message, valid until the following call; frames that only keep the line alive are
// skipped. It returns io.EOF when the link ends between frames, [ErrTruncated] when it ends inside one, [ErrFrame] for a
// length above [MaxFrame], and any other error of the link as it is.
func (f *FrameReader) Next() ([]byte, error) {
	size, err := f.size()
	if err != nil {
		return nil, err
	}
	if size > MaxFrame {
		return nil, fmt.Errorf("%w: %d bytes", ErrFrame, size)
	}
	body := f.buf[2 : 2+size]
	if _, err := io.ReadFull(f.r, body); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, ErrTruncated
		}
		return nil, truncated(err)
	}
	return body, nil
}

// size returns the length of the next frame that holds something.
func (f *FrameReader) size() (int, error) {
	for {
		if _, err := io.ReadFull(f.r, f.buf[:2]); err != nil {
			return 0, truncated(err)
		}
		if n := int(binary.BigEndian.Uint16(f.buf[:2])); n > 0 {
			return n, nil
		}
	}
}

func truncated(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrTruncated
	}
	return err
}
