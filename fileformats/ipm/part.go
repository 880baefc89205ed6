package ipm

import "encoding/binary"

// Part walks over the messages of a part of a file without decoding them, by their lengths alone.
type Part struct {
	rest []byte
}

// NewPart returns a walk over whole messages that begin at offset of a file in the form of the profile.
func NewPart(data []byte, offset int64, p Profile) Part {
	if p.Blocked {
		data = unblock(data, offset)
	}
	return Part{rest: data}
}

// Next returns the next message, without its length; nil at the end of the part.
func (p *Part) Next() []byte {
	if len(p.rest) < 4 {
		return nil
	}
	n := int(binary.BigEndian.Uint32(p.rest))
	if n == 0 || n > len(p.rest)-4 {
		return nil
	}
	message := p.rest[4 : 4+n]
	p.rest = p.rest[4+n:]
	return message
}

// unblock takes the fill out of a part of a 1014-blocked file that begins at offset.
func unblock(data []byte, offset int64) []byte {
	out := make([]byte, 0, len(data))
	for at := offset % blockSize; len(data) > 0; at = 0 {
		n := min(int(max(blockData-at, 0)), len(data))
		out = append(out, data[:n]...)
		data = data[n:]
		fill := min(int(blockSize-max(at, blockData)), len(data))
		data = data[fill:]
	}
	return out
}
