package tenants

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// ErrPasswordHash says that a text is not an argon2id hash in PHC form, or one that would cost too much to check.
var ErrPasswordHash = errors.New("authorize: not a usable argon2id hash")

// Cost of new hashes (OWASP's first choice) and bounds of those that are accepted: memory in KiB.
const (
	hashMemory, hashTime, hashThreads = 19456, 2, 1
	maxMemory, maxTime, maxThreads    = 256 << 10, 16, 16
	saltSize, hashSize                = 16, 32
)

// passwordHash is a parsed argon2id hash.
type passwordHash struct {
	memory, time uint32
	threads      uint8
	salt, sum    []byte
}

// HashPassword returns the argon2id hash of a password in PHC form, as merchant settings hold it.
func HashPassword(password string) string {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt)
	sum := argon2.IDKey([]byte(password), salt, hashTime, hashMemory, hashThreads, hashSize)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashTime, hashThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

// parsePasswordHash reads the PHC form.
func parsePasswordHash(text string) (passwordHash, error) {
	var h passwordHash
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, ErrPasswordHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); err != nil {
		return h, ErrPasswordHash
	}
	var err [2]error
	h.salt, err[0] = base64.RawStdEncoding.DecodeString(parts[4])
	h.sum, err[1] = base64.RawStdEncoding.DecodeString(parts[5])
	switch {
	case errors.Join(err[:]...) != nil, len(h.salt) < 8, len(h.sum) < 16, len(h.sum) > 64,
		h.memory < 8, h.memory > maxMemory, h.time < 1, h.time > maxTime, h.threads < 1, h.threads > maxThreads:
		return h, ErrPasswordHash
	}
	return h, nil
}

// matches computes the hash of a password; it costs the memory and the time that the hash names.
func (h *passwordHash) matches(password []byte) bool {
	sum := argon2.IDKey(password, h.salt, h.time, h.memory, h.threads, uint32(len(h.sum)))
	return subtle.ConstantTimeCompare(sum, h.sum) == 1
}
