package pcsim

import (
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
)

// acsTries is how often a code may be typed.
const acsTries = 3

// form reads the form of a page; false when it was answered with an error.
func form(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "form cannot be read", http.StatusBadRequest)
		return false
	}
	return true
}

// decodeField reads a form field of base64url, with or without filling, as one JSON object.
func decodeField(text string, into any) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
	return err == nil && json.Unmarshal(raw, into) == nil
}

func encodeField(content any) string {
	raw, err := json.Marshal(content)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// methodPage is what the hidden frame loads: it looks at the browser and goes back to the merchant's side.
func (a *ACS) methodPage(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	var data struct {
		ServerTransID string `json:"threeDSServerTransID"`
		Notification  string `json:"threeDSMethodNotificationURL"`
	}
	if !decodeField(r.PostForm.Get("threeDSMethodData"), &data) || !webAddress(data.Notification) {
		http.Error(w, "threeDSMethodData cannot be read", http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	t := a.transactions[data.ServerTransID]
	if t != nil {
		t.methodDone = true
	}
	a.mu.Unlock()
	if t == nil {
		http.Error(w, "no such transaction", http.StatusNotFound)
		return
	}
	sendBack(w, data.Notification, map[string]string{"threeDSMethodData": encodeField(map[string]string{"threeDSServerTransID": t.id})})
}

// challengePage asks for the code. When the challenge is over it goes back to the merchant's side.
func (a *ACS) challengePage(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	var creq struct {
		ServerTransID string `json:"threeDSServerTransID"`
		ACSTransID    string `json:"acsTransID"`
		MessageType   string `json:"messageType"`
		Version       string `json:"messageVersion"`
	}
	session := r.PostForm.Get("threeDSSessionData")
	if !decodeField(r.PostForm.Get("creq"), &creq) || creq.MessageType != "CReq" || creq.Version != acsVersion || len(session) > 1024 {
		http.Error(w, "creq cannot be read", http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.challenges[creq.ACSTransID]
	if t == nil || t.id != creq.ServerTransID || t.asked == "" {
		http.Error(w, "no such challenge", http.StatusNotFound)
		return
	}
	t.session = session
	a.show(w, r, t)
}

// challengeAnswer takes the form of the challenge page.
func (a *ACS) challengeAnswer(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.challenges[r.PostForm.Get("challenge")]
	if t == nil || t.asked == "" {
		http.Error(w, "no such challenge", http.StatusNotFound)
		return
	}
	if a.settle(t); t.status == statusChallenge {
		t.answered(r.PostForm.Get("code"), r.PostForm.Has("cancel"))
	}
	a.show(w, r, t)
}

// answered judges what the cardholder did.
func (t *authentication) answered(code string, cancel bool) {
	switch {
	case cancel:
		t.canceled = true
		t.finish(statusFailed, reasonFailed)
	case t.card.behavior == acsRefusing:
		t.finish(statusFailed, reasonFailed)
	case code == ChallengeCode:
		t.finish(t.card.Final, reasonFailed)
	default:
		if t.tries++; t.tries == acsTries {
			t.finish(statusFailed, reasonFailed)
		}
	}
}

// show writes the page for the state of a challenge.
func (a *ACS) show(w http.ResponseWriter, r *http.Request, t *authentication) {
	if a.settle(t); t.status == statusChallenge {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = challengeTemplate.Execute(w, map[string]any{
			"Merchant": t.merchant, "Amount": t.amount, "Card": mask(t.card.PAN), "Challenge": t.acsID,
			"Action": a.public(r, "/challenge/answer"), "Left": acsTries - t.tries, "Wrong": t.tries > 0,
		})
		return
	}
	cres := map[string]string{
		"threeDSServerTransID": t.id, "acsTransID": t.acsID, "challengeCompletionInd": "Y", "messageType": "CRes",
		"messageVersion": acsVersion, "transStatus": t.status,
	}
	if t.canceled {
		cres["challengeCancel"] = "01"
	}
	fields := map[string]string{"cres": encodeField(cres)}
	if t.session != "" {
		fields["threeDSSessionData"] = t.session
	}
	sendBack(w, t.notificationURL, fields)
}

// sendBack writes a page that posts a form by itself.
func sendBack(w http.ResponseWriter, address string, fields map[string]string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = sendBackTemplate.Execute(w, map[string]any{"Address": address, "Fields": fields})
}

var (
	sendBackTemplate = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Back to the shop</title></head>
<body onload="document.forms[0].submit()">
<form method="post" action="{{.Address}}">
{{range $name, $value := .Fields}}<input type="hidden" name="{{$name}}" value="{{$value}}">
{{end}}<noscript><button type="submit">Back to the shop</button></noscript>
</form>
</body></html>
`))
	challengeTemplate = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Your bank asks</title></head>
<body>
<h1>Your bank asks</h1>
<p>Payment to {{.Merchant}}: {{.Amount}}, card {{.Card}}.</p>
{{if .Wrong}}<p role="alert">The code is wrong. Tries left: {{.Left}}.</p>
{{end}}<form method="post" action="{{.Action}}">
<input type="hidden" name="challenge" value="{{.Challenge}}">
<label for="code">Code of this simulated bank: 1234</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="8" autofocus>
<button type="submit">Confirm</button>
<button type="submit" name="cancel" value="1">Cancel</button>
</form>
</body></html>
`))
)
