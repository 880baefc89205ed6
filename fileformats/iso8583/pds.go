package iso8583

import (
	"iter"
	"unicode/utf8"
)

// maxChunk is the largest private data of one element, in encoded bytes.
const maxChunk = 999

// PDSList collects private data (tag of four digits, length of three, value) for a message. Tags are added in ascending
// order; what does not fit into one element goes to the next that the dialect has for it, never split. The zero value
// is empty and ready; it is reused with Reset. The first error sticks and surfaces when the message is encoded.
type PDSList struct {
	buf    []byte
	ends   [5]int // end of each chunk in buf
	size   int    // encoded bytes in the last chunk
	chunks int
	last   int
	err    error
}

// Reset empties the list and overwrites its values.
func (l *PDSList) Reset() {
	clear(l.buf)
	*l = PDSList{buf: l.buf[:0]}
}

// Add appends a value of at most 992 characters under tag (1-9999).
func (l *PDSList) Add(tag int, value string) { addPDS(l, tag, value) }

// AddBytes is Add for a value in a byte slice.
func (l *PDSList) AddBytes(tag int, value []byte) { addPDS(l, tag, value) }

// AddInt appends a zero-filled number of the given width.
func (l *PDSList) AddInt(tag, width int, value uint64) {
	l.open(tag, width)
	var ok bool
	if l.buf, ok = ASCII.digits(l.buf, value, width); !ok {
		l.fail(ErrLength)
	}
	l.close()
}

func addPDS[T string | []byte](l *PDSList, tag int, value T) {
	l.open(tag, encodedLen(value))
	l.buf = append(l.buf, value...)
	l.close()
}

// open writes tag and length, in a new chunk when size does not fit into the current one.
func (l *PDSList) open(tag, size int) {
	if tag <= l.last || tag > 9999 {
		l.fail(ErrOrder)
	}
	if size > maxChunk-7 {
		l.fail(ErrLength)
	}
	if l.chunks == 0 || l.size+7+size > maxChunk {
		if l.chunks == len(l.ends) {
			l.fail(ErrLength)
			return
		}
		l.chunks++
		l.size = 0
	}
	l.last = tag
	l.size += 7 + size
	l.buf, _ = ASCII.digits(l.buf, uint64(tag*1000+size), 7)
}

func (l *PDSList) close() { l.ends[max(l.chunks, 1)-1] = len(l.buf) }

func (l *PDSList) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

func (l *PDSList) chunk(i int) []byte {
	from := 0
	if i > 0 {
		from = l.ends[i-1]
	}
	return l.buf[from:l.ends[i]]
}

// encodedLen returns the number of characters of v, which is its length in any single-byte charset.
func encodedLen[T string | []byte](v T) int {
	n := 0
	for i := range len(v) {
		if utf8.RuneStart(v[i]) {
			n++
		}
	}
	return n
}

// cutPDS splits the first tag and value from data. The length counts characters.
func cutPDS(data []byte) (tag int, value, rest []byte, err error) {
	if len(data) < 7 {
		return 0, nil, nil, ErrPDS
	}
	tag, ok := ASCII.number(data[:4])
	size, sized := ASCII.number(data[4:7])
	if !ok || !sized {
		return 0, nil, nil, ErrPDS
	}
	data = data[7:]
	end := 0
	for ; size > 0 && end < len(data); size-- {
		_, n := utf8.DecodeRune(data[end:])
		end += n
	}
	if size > 0 {
		return 0, nil, nil, ErrPDS
	}
	return tag, data[:end], data[end:], nil
}

// checkPDS reports whether raw, in the charset, is a sequence of tag, length and value.
func (c *Charset) checkPDS(raw []byte) error {
	for len(raw) > 0 {
		if len(raw) < 7 {
			return ErrPDS
		}
		_, ok := c.number(raw[:4])
		size, sized := c.number(raw[4:7])
		if !ok || !sized || size > len(raw)-7 {
			return ErrPDS
		}
		raw = raw[7+size:]
	}
	return nil
}

// AllPDS yields the private data of the message in wire order. The values are valid until the message changes.
func (m *Message) AllPDS() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for _, n := range m.spec.pds {
			for data := m.Bytes(n); len(data) > 0; {
				tag, value, rest, err := cutPDS(data)
				if err != nil || !yield(tag, value) {
					return
				}
				data = rest
			}
		}
	}
}

// PDS returns the value of the first private data under tag; ok is false when there is none.
func (m *Message) PDS(tag int) (value []byte, ok bool) {
	for t, v := range m.AllPDS() {
		if t == tag {
			return v, true
		}
	}
	return nil, false
}

// SetPDS sets the elements that hold private data from l.
func (m *Message) SetPDS(l *PDSList) error {
	if l.err == nil && l.chunks > len(m.spec.pds) {
		l.fail(ErrLength)
	}
	if l.err != nil {
		return &Error{MTI: m.MTI(), Field: m.spec.pds[0], Err: l.err}
	}
	for i, n := range m.spec.pds {
		if i < l.chunks {
			m.SetBytes(n, l.chunk(i))
		} else {
			m.Unset(n)
		}
	}
	return nil
}
