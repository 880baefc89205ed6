package edge

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"settled/internal/config"
	"settled/internal/secretfile"
	"settled/internal/settings"
	"settled/internal/vault"
)

// shortestToken is how many bytes a token has at least.
const shortestToken = 16

// ReadToken reads the file of a bearer token, which is closed to others and holds the token, 16 bytes at least, and nothing else. That
// of a live installation is hard to guess.
func ReadToken(path string, of vault.Environment) ([]byte, error) {
	text, err := secretfile.Read(path, of == vault.Live)
	if err != nil {
		return nil, fmt.Errorf("%w: token: %w", config.ErrInvalid, err)
	}
	if text = bytes.TrimSpace(text); len(text) < shortestToken {
		return nil, fmt.Errorf("%w: token: %s holds %d bytes, %d at least are needed", config.ErrInvalid, path, len(text), shortestToken)
	}
	if err := settings.Weak(string(text), shortestToken); err != nil && of == vault.Live {
		return nil, fmt.Errorf("%w: token: that of %s %w; openssl rand -base64 24 makes one", config.ErrInvalid, path, err)
	}
	return text, nil
}

// Bearer gives h the requests that bring the token of the file, as it is then. Without a file all do.
func Bearer(path string, of vault.Environment, log *slog.Logger, h http.Handler) http.Handler {
	if path == "" {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := ReadToken(path, of)
		if err != nil {
			log.Error("the token cannot be read, and nobody is let in", slog.Any("err", err))
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if !brings(r, token) {
			w.Header().Set("Www-Authenticate", "Bearer")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// brings compares in a time that says nothing of the token, its length neither.
func brings(r *http.Request, token []byte) bool {
	scheme, said, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	have, want := sha256.Sum256([]byte(strings.TrimSpace(said))), sha256.Sum256(token)
	return subtle.ConstantTimeCompare(have[:], want[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}
