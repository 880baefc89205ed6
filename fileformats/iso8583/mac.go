package iso8583

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
)

// MACSize is the size of a message authentication code, DE 64 or DE 128, in bytes.
const MACSize = 8

// MACAlgorithm names how the authentication code of a message is made.
type MACAlgorithm string

// The algorithms. Of both codes the first eight bytes travel. The DES-based codes of ISO 9797-1 (algorithm 3, the retail MAC) are
// left out: their cipher has a block of eight bytes and is withdrawn (NIST SP 800-131A).
const (
	// AESCMAC is CMAC over AES: ISO/IEC 9797-1 MAC algorithm 5, NIST SP 800-38B, RFC 4493. Keys of 16, 24 or 32 bytes.
	AESCMAC MACAlgorithm = "aes-cmac"
	// HMACSHA256 is HMAC over SHA-256: ISO/IEC 9797-2 MAC algorithm 2, FIPS 198-1, RFC 2104. Keys of 16 to 64 bytes.
	HMACSHA256 MACAlgorithm = "hmac-sha256"
)

// ErrMAC says that a message has no authentication code, or another one than its bytes call for.
var ErrMAC = errors.New("iso8583: message authentication code is missing or wrong")

// ErrMACKey says that a key does not fit its algorithm.
var ErrMACKey = errors.New("iso8583: key of message authentication codes")

// MAC makes and checks the authentication codes of messages. The code is the last element, DE 128 of a message that has any other
// element above 64, else DE 64, and is taken over every byte of the message before it: type, bitmaps and elements, without the
// length of the frame. A nil MAC makes none and checks none. It is safe for concurrent use.
type MAC struct {
	code func(message []byte) [MACSize]byte
	also *MAC // whose codes are right, too
}

// Taking returns codes that are made as a makes them, and that are right when they are those of a or of other: while a key is changed, one
// side is earlier than the other. Of a nil MAC, or with a nil other, it is a.
func (a *MAC) Taking(other *MAC) *MAC {
	if a == nil || other == nil {
		return a
	}
	return &MAC{code: a.code, also: &MAC{code: other.code}}
}

// NewMAC returns the codes of an algorithm under a key, which it copies. Errors: [ErrMACKey].
func NewMAC(algorithm MACAlgorithm, key []byte) (*MAC, error) {
	switch algorithm {
	case AESCMAC:
		return newCMAC(key)
	case HMACSHA256:
		return newHMAC(key)
	}
	return nil, fmt.Errorf("%w: algorithm %q is neither %s nor %s", ErrMACKey, algorithm, AESCMAC, HMACSHA256)
}

func newHMAC(key []byte) (*MAC, error) {
	if len(key) < 16 || len(key) > sha256.BlockSize {
		return nil, fmt.Errorf("%w: %d bytes, %s takes 16 to %d", ErrMACKey, len(key), HMACSHA256, sha256.BlockSize)
	}
	key = append([]byte(nil), key...)
	return &MAC{code: func(message []byte) (code [MACSize]byte) {
		h := hmac.New(sha256.New, key)
		_, _ = h.Write(message)
		copy(code[:], h.Sum(nil))
		return code
	}}, nil
}

func newCMAC(key []byte) (*MAC, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %d bytes, %s takes 16, 24 or 32", ErrMACKey, len(key), AESCMAC)
	}
	var l [aes.BlockSize]byte
	block.Encrypt(l[:], l[:])
	whole := double(l)
	part := double(whole)
	return &MAC{code: func(message []byte) (code [MACSize]byte) {
		tag := cmac(block, &whole, &part, message)
		copy(code[:], tag[:])
		return code
	}}, nil
}

// double multiplies by x in the field of AES-CMAC (RFC 4493, 2.3).
func double(l [aes.BlockSize]byte) (out [aes.BlockSize]byte) {
	carry := byte(0)
	for i := len(l) - 1; i >= 0; i-- {
		out[i], carry = l[i]<<1|carry, l[i]>>7
	}
	out[len(out)-1] ^= 0x87 * carry
	return out
}

// cmac is the whole code of a message (RFC 4493, 2.4). The last block is mixed with a subkey: of whole blocks, or of one that had to
// be filled up.
func cmac(block cipher.Block, whole, part *[aes.BlockSize]byte, message []byte) (tag [aes.BlockSize]byte) {
	for len(message) > aes.BlockSize {
		subtle.XORBytes(tag[:], tag[:], message[:aes.BlockSize])
		block.Encrypt(tag[:], tag[:])
		message = message[aes.BlockSize:]
	}
	last := *whole
	if len(message) < aes.BlockSize {
		last = *part
		last[len(message)] ^= 0x80
	}
	subtle.XORBytes(last[:], last[:], message)
	subtle.XORBytes(tag[:], tag[:], last[:])
	block.Encrypt(tag[:], tag[:])
	return tag
}

// AppendFrame is [AppendFrame] of a message with its code, which replaces one that m has. A nil MAC appends m as it is.
func (a *MAC) AppendFrame(dst []byte, m *Message) ([]byte, error) {
	if a == nil {
		return AppendFrame(dst, m)
	}
	m.Unset(64)
	m.Unset(128)
	element := 64
	if m.next(64) != 0 {
		element = 128
	}
	m.SetBytes(element, make([]byte, MACSize))
	out, err := AppendFrame(dst, m)
	if err != nil {
		return dst, err
	}
	at := len(out) - MACSize
	code := a.code(out[len(dst)+2 : at])
	copy(out[at:], code[:])
	return out, nil
}

// Check reports [ErrMAC] unless the bytes of a message, without the length of the frame, end in its right code. The comparison takes
// the same time whatever differs. A nil MAC believes everything.
func (a *MAC) Check(message []byte) error {
	if a == nil {
		return nil
	}
	at := len(message) - MACSize
	if !endsInCode(message) {
		return ErrMAC
	}
	code := a.code(message[:at])
	right := subtle.ConstantTimeCompare(code[:], message[at:])
	if a.also != nil {
		code = a.also.code(message[:at])
		right |= subtle.ConstantTimeCompare(code[:], message[at:])
	}
	if right != 1 {
		return ErrMAC
	}
	return nil
}

// endsInCode tells from type and bitmaps whether the last element is a code: the last bit of the last bitmap announces it.
func endsInCode(message []byte) bool {
	const mti, bitmap = 4, 8
	if len(message) < mti+bitmap+MACSize {
		return false
	}
	end := mti + bitmap
	if message[mti]>>7 == 1 {
		end += bitmap
	}
	return len(message) >= end+MACSize && message[end-1]&1 == 1
}
