package pcsim

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	acsScheme     = "3DS-HMAC-SHA256 "
	acsSkew       = 5 * time.Minute
	acsMaxRequest = 16 << 10
)

// acsError is an answer that is an error.
type acsError struct {
	status        int
	code, message string
}

func (e *acsError) Error() string { return e.code + ": " + e.message }

var (
	errACSSilent   = errors.New("no answer")
	errACSForged   = errors.New("answer with a wrong signature")
	errACSConflict = &acsError{http.StatusConflict, "conflict", "this id was used with other content"}
	errACSUnknown  = &acsError{http.StatusNotFound, "unknown_transaction", "no transaction has this id"}
	errACSBroken   = &acsError{http.StatusInternalServerError, "unavailable", "the server is broken for this card"}
)

func acsMalformed(message string) error {
	return &acsError{http.StatusBadRequest, "malformed", message}
}

// signed serves one request of the API: it checks the signature, calls the handler with the body, and signs the answer.
func (a *ACS) signed(handle func(*http.Request, []byte) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, acsMaxRequest))
		if err != nil {
			writeACS(w, "", http.StatusRequestEntityTooLarge, acsErrorBody("too_large", "the request is too large or was cut off"))
			return
		}
		signature, ok := a.verify(r, body)
		if !ok {
			writeACS(w, "", http.StatusUnauthorized, acsErrorBody("signature", "key, time or signature is wrong"))
			return
		}
		answer, err := handle(r, body)
		var failure *acsError
		switch {
		case errors.Is(err, errACSSilent):
			a.hang(r)
			return
		case errors.As(err, &failure):
			a.answer(w, signature, failure.status, acsErrorBody(failure.code, failure.message))
		case errors.Is(err, errACSForged):
			a.answer(w, "another request", http.StatusOK, answer)
		default:
			a.answer(w, signature, http.StatusOK, answer)
		}
	}
}

// hang keeps the request without an answer until the client or the ACS ends.
func (a *ACS) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-a.life.Done():
	}
	panic(http.ErrAbortHandler)
}

// verify checks the signature of a request and returns it.
func (a *ACS) verify(r *http.Request, body []byte) (signature string, ok bool) {
	credentials, ok := strings.CutPrefix(r.Header.Get("Authorization"), acsScheme)
	parts := strings.Split(credentials, ":")
	if !ok || len(parts) != 3 || parts[0] != a.opt.KeyID {
		return "", false
	}
	seconds, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || a.opt.Now().Sub(time.Unix(seconds, 0)).Abs() > acsSkew {
		return "", false
	}
	want := a.sign("request", r.Method, r.URL.EscapedPath(), parts[1], digestOf(body))
	return want, hmac.Equal([]byte(want), []byte(parts[2]))
}

func (a *ACS) sign(lines ...string) string {
	mac := hmac.New(sha256.New, a.opt.Secret)
	mac.Write([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(mac.Sum(nil))
}

func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func acsErrorBody(code, message string) any {
	return map[string]map[string]string{"error": {"code": code, "message": message}}
}

func (a *ACS) answer(w http.ResponseWriter, request string, status int, content any) {
	body, err := json.Marshal(content)
	if err != nil {
		http.Error(w, "answer cannot be written", http.StatusInternalServerError)
		return
	}
	writeACS(w, a.sign("answer", request, strconv.Itoa(status), digestOf(body)), status, json.RawMessage(body))
}

func writeACS(w http.ResponseWriter, signature string, status int, content any) {
	body, err := json.Marshal(content)
	if err != nil {
		http.Error(w, "answer cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if signature != "" {
		w.Header().Set("X-3DS-Signature", signature)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// readStrictly decodes one JSON object, without unknown fields and without anything after it.
func readStrictly(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return acsMalformed(err.Error())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return acsMalformed("something follows the object")
	}
	return nil
}
