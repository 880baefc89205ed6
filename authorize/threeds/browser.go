package threeds

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// The longest messages that a browser may bring, in characters.
const (
	maxMethodData      = 1024
	maxChallengeResult = 8192
	// MaxSessionData is the longest threeDSSessionData that a challenge carries there and back.
	MaxSessionData = 1024
)

type methodData struct {
	ServerTransID   string `json:"threeDSServerTransID"`
	NotificationURL string `json:"threeDSMethodNotificationURL,omitempty"`
}

// MethodData is the form field threeDSMethodData that a hidden frame posts to Enrollment.MethodURL. The frame's page posts
// a field of the same name to notificationURL, which ParseMethodData reads.
func MethodData(serverTransID, notificationURL string) string {
	return encode(methodData{serverTransID, notificationURL})
}

// ParseMethodData returns the transaction whose method is completed. The error is ErrMessage.
func ParseMethodData(field string) (serverTransID string, err error) {
	var d methodData
	if err := decode(field, maxMethodData, &d); err != nil {
		return "", err
	}
	if !validUUID(d.ServerTransID) {
		return "", fmt.Errorf("%w: no transaction id", ErrMessage)
	}
	return d.ServerTransID, nil
}

// challengeRequest is the creq of a challenge.
func challengeRequest(a Authentication, window string) string {
	if window == "" {
		window = "05"
	}
	return encode(struct {
		ServerTransID string `json:"threeDSServerTransID"`
		ACSTransID    string `json:"acsTransID"`
		MessageType   string `json:"messageType"`
		Version       string `json:"messageVersion"`
		Window        string `json:"challengeWindowSize"`
	}{a.ServerTransID, a.ACSTransID, "CReq", a.Version, window})
}

// ChallengeResult is what a browser says after a challenge. It proves nothing: Client.Result does.
type ChallengeResult struct {
	ServerTransID string
	ACSTransID    string
	Status        Status
}

type challengeResult struct {
	ServerTransID   string          `json:"threeDSServerTransID"`
	ACSTransID      string          `json:"acsTransID"`
	Completion      string          `json:"challengeCompletionInd"`
	MessageType     string          `json:"messageType"`
	Version         string          `json:"messageVersion"`
	Status          Status          `json:"transStatus"`
	ChallengeCancel string          `json:"challengeCancel"`
	Extension       json.RawMessage `json:"messageExtension"`
}

// ParseChallengeResult reads the form field cres. The error is ErrMessage.
func ParseChallengeResult(cres string) (ChallengeResult, error) {
	var c challengeResult
	if err := decode(cres, maxChallengeResult, &c); err != nil {
		return ChallengeResult{}, err
	}
	switch {
	case c.MessageType != "CRes" || c.Completion != "Y" || !supported(c.Version):
		return ChallengeResult{}, fmt.Errorf("%w: not the result of a challenge", ErrMessage)
	case !validUUID(c.ServerTransID) || !validUUID(c.ACSTransID):
		return ChallengeResult{}, fmt.Errorf("%w: no transaction ids", ErrMessage)
	case !strings.Contains("YANUR", string(c.Status)) || len(c.Status) != 1:
		return ChallengeResult{}, fmt.Errorf("%w: no final status", ErrMessage)
	}
	return ChallengeResult{c.ServerTransID, c.ACSTransID, c.Status}, nil
}

// encode writes a message as base64url of JSON.
func encode(message any) string {
	raw, err := json.Marshal(message)
	if err != nil { // texts only
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// decode reads base64url, with or without filling, of one JSON object without unknown fields.
func decode(field string, most int, into any) error {
	if field == "" || len(field) > most {
		return fmt.Errorf("%w: %d characters", ErrMessage, len(field))
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(field, "="))
	if err != nil {
		return fmt.Errorf("%w: not base64url", ErrMessage)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: not the JSON object expected", ErrMessage)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%w: something follows the object", ErrMessage)
	}
	return nil
}
