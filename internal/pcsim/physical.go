package pcsim

import (
	"bytes"
	"encoding/binary"
	"errors"

	"settled/fileformats/iso8583"
)

// The center cuts files into messages by its own reading of the published layout: four-byte big-endian lengths, a zero
// length at the end, optionally in blocks of 1012 bytes and two fill bytes.

const (
	blockData = 1012
	blockSize = 1014
	maxRecord = 6000
)

var errLayout = errors.New("pcsim: file layout is broken")

// physical is how a file is written; a reply is written the same way.
type physical struct {
	blocked bool
	charset *iso8583.Charset
	spec    *iso8583.Spec
}

// readPhysical finds out how a file is written and cuts it into messages. After an error the messages before the broken
// place are returned.
func readPhysical(data []byte, charset *iso8583.Charset) (physical, [][]byte, error) {
	p := physical{blocked: isBlocked(data), charset: charset}
	if p.blocked {
		data = deblock(data)
	}
	if p.charset == nil {
		p.charset = iso8583.Latin1
		if len(data) > 4 && data[4] >= 0xf0 {
			p.charset = iso8583.CP500
		}
	}
	p.spec = iso8583.IPM(p.charset)
	records, err := cut(data)
	return p, records, err
}

func isBlocked(data []byte) bool {
	if len(data) == 0 || len(data)%blockSize != 0 {
		return false
	}
	for end := blockSize; end <= len(data); end += blockSize {
		fill := data[end-2 : end]
		if !bytes.Equal(fill, []byte{0x40, 0x40}) && !bytes.Equal(fill, []byte{0, 0}) {
			return false
		}
	}
	return true
}

func deblock(data []byte) []byte {
	plain := make([]byte, 0, len(data)/blockSize*blockData)
	for ; len(data) >= blockSize; data = data[blockSize:] {
		plain = append(plain, data[:blockData]...)
	}
	return plain
}

// cut splits at the lengths. After the zero length only fill may follow.
func cut(data []byte) (records [][]byte, err error) {
	for {
		if len(data) < 4 {
			return records, errLayout
		}
		n := binary.BigEndian.Uint32(data)
		data = data[4:]
		if n == 0 {
			break
		}
		if n > maxRecord || int(n) > len(data) {
			return records, errLayout
		}
		records = append(records, data[:n])
		data = data[n:]
	}
	if len(bytes.Trim(data, "\x40\x00")) != 0 {
		return records, errLayout
	}
	return records, nil
}

// join is the opposite of readPhysical.
func (p physical) join(records [][]byte) []byte {
	var plain []byte
	for _, r := range records {
		plain = binary.BigEndian.AppendUint32(plain, uint32(len(r)))
		plain = append(plain, r...)
	}
	plain = append(plain, 0, 0, 0, 0)
	if !p.blocked {
		return plain
	}
	var out []byte
	for len(plain) > 0 {
		n := min(blockData, len(plain))
		out = append(out, plain[:n]...)
		out = append(out, bytes.Repeat([]byte{0x40}, blockSize-n)...)
		plain = plain[n:]
	}
	return out
}
