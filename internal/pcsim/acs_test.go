package pcsim_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"settled/internal/pcsim"
)

const acsSecret = "sixteen bytes or more"

// acsClient is a raw client of the 3-D Secure API.
type acsClient struct {
	t    *testing.T
	acs  *pcsim.ACS
	base string
}

func startACS(t *testing.T) acsClient {
	t.Helper()
	acs, err := pcsim.NewACS(pcsim.ACSOptions{KeyID: "k", Secret: []byte(acsSecret), Now: noonClock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := errors.Join(acs.Close(), acs.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := acs.Start(); err != nil {
		t.Fatal(err)
	}
	return acsClient{t, acs, acs.URL()}
}

func (c acsClient) sign(lines ...string) string {
	mac := hmac.New(sha256.New, []byte(acsSecret))
	mac.Write([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(mac.Sum(nil))
}

func sha(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// ask sends a signed request and returns status and answer; a changed path or body makes the signature wrong.
func (c acsClient) ask(method, path, body string, change func(*http.Request)) (int, map[string]any) {
	c.t.Helper()
	r, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	at := strconv.FormatInt(noon.Unix(), 10)
	signature := c.sign("request", method, path, at, sha(body))
	r.Header.Set("Authorization", "3DS-HMAC-SHA256 k:"+at+":"+signature)
	if change != nil {
		change(r)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	want := c.sign("answer", signature, strconv.Itoa(resp.StatusCode), sha(string(raw)))
	if got := resp.Header.Get("X-3DS-Signature"); resp.StatusCode != 401 && resp.StatusCode != 413 && got != want {
		c.t.Errorf("answer %s has signature %s, want %s", raw, got, want)
	}
	var answer map[string]any
	if err := json.Unmarshal(raw, &answer); err != nil {
		c.t.Fatalf("%s: %v", raw, err)
	}
	return resp.StatusCode, answer
}

func (c acsClient) begin(pan string) string {
	c.t.Helper()
	status, a := c.ask("POST", "/v1/authentications", `{"requestId":"r`+pan+`","cardNumber":"`+pan+`"}`, nil)
	id, _ := a["threeDSServerTransID"].(string)
	if status != 200 || id == "" {
		c.t.Fatalf("%d %v", status, a)
	}
	return id
}

const question = `{"messageVersion":"2.2.0","threeDSCompInd":"U","threeDSRequestorAuthenticationInd":"01","cardExpiryDate":"2812",
"purchaseAmount":"12345","purchaseExponent":"2","purchaseCurrency":"933","purchaseDate":"20261120120000","acquirerBIN":"512345",
"acquirerMerchantID":"M","merchantName":"ACME","mcc":"5999","merchantCountryCode":"112","notificationURL":"https://shop.example/n",
"browserAcceptHeader":"*/*","browserUserAgent":"x","browserIP":"203.0.113.7","browserJavascriptEnabled":false,"browserJavaEnabled":false,
"browserLanguage":"en"}`

func TestACSRefusesBadRequests(t *testing.T) {
	c := startACS(t)
	const path = "/v1/authentications"
	good := `{"requestId":"1","cardNumber":"` + pcsim.CardChallenge + `"}`
	for name, test := range map[string]struct {
		body   string
		change func(*http.Request)
		want   int
	}{
		"good":         {good, nil, 200},
		"no signature": {good, func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		"other key": {good, func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "k:", "l:", 1))
		}, 401},
		"other body":        {good, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(strings.Replace(good, "1", "2", 1))) }, 401},
		"other path":        {good, func(r *http.Request) { r.URL.Path += "/" + "f38e6948-5388-41a6-bca4-b49723c19437" }, 401},
		"unknown field":     {`{"requestId":"2","cardNumber":"` + pcsim.CardChallenge + `","x":1}`, nil, 400},
		"two objects":       {good + good, nil, 400},
		"no id":             {`{"cardNumber":"` + pcsim.CardChallenge + `"}`, nil, 400},
		"no card":           {`{"requestId":"2"}`, nil, 400},
		"wrong check digit": {`{"requestId":"2","cardNumber":"4000000000003088"}`, nil, 400},
		"same id":           {strings.Replace(good, pcsim.CardChallenge, pcsim.CardAttempted, 1), nil, 409},
		"too large":         {strings.Repeat(" ", 20_000) + good, nil, 413},
	} {
		if name != "good" {
			c.ask("POST", path, good, nil)
		}
		if status, answer := c.ask("POST", path, test.body, test.change); status != test.want {
			t.Errorf("%s: %d %v, want %d", name, status, answer, test.want)
		}
	}
}

func TestACSAuthenticates(t *testing.T) {
	c := startACS(t)
	path := "/v1/authentications/" + c.begin(pcsim.CardFrictionless)
	if status, _ := c.ask("GET", path, "", nil); status != 404 {
		t.Errorf("result before the question: %d", status)
	}
	for field, value := range map[string]string{
		`"2812"`: `"12/28"`, `"933"`: `"BYN"`, `"12345"`: `"-1"`, `"https://shop.example/n"`: `"shop"`, `"01"`: `"02"`, `"U"`: `"X"`,
		`"112"`: `"BLR"`, `"x"`: `""`, `"browserJavascriptEnabled":false`: `"browserJavascriptEnabled":true`,
	} {
		if status, _ := c.ask("POST", path, strings.Replace(question, field, value, 1), nil); status != 400 {
			t.Errorf("%s instead of %s: %d", value, field, status)
		}
	}
	status, answer := c.ask("POST", path, question, nil)
	value, _ := answer["authenticationValue"].(string)
	if status != 200 || answer["transStatus"] != "Y" || answer["eci"] != "05" || len(value) != 28 {
		t.Errorf("%d %v", status, answer)
	}
	if status, _ = c.ask("POST", path, strings.Replace(question, "12345", "12346", 1), nil); status != 409 {
		t.Errorf("another amount: %d", status)
	}
	if status, _ = c.ask("POST", strings.Replace(path, "-8", "-9", 1), question, nil); status != 404 {
		t.Errorf("another transaction: %d", status)
	}
}

// TestACSPagesRefuse sends pages what no shop of ours sends.
func TestACSPagesRefuse(t *testing.T) {
	c := startACS(t)
	id := c.begin(pcsim.CardChallenge)
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	creq := `{"threeDSServerTransID":"` + id + `","acsTransID":"x","messageType":"CReq","messageVersion":"2.2.0"}`
	for name, test := range map[string]struct {
		path string
		form url.Values
		want int
	}{
		"method without data":     {"/method", url.Values{}, 400},
		"method of nobody":        {"/method", url.Values{"threeDSMethodData": {encode(`{"threeDSServerTransID":"x","threeDSMethodNotificationURL":"https://a.example"}`)}}, 404},
		"method to a script":      {"/method", url.Values{"threeDSMethodData": {encode(`{"threeDSServerTransID":"` + id + `","threeDSMethodNotificationURL":"javascript:1"}`)}}, 400},
		"challenge without creq":  {"/challenge", url.Values{}, 400},
		"challenge of nobody":     {"/challenge", url.Values{"creq": {encode(creq)}}, 404},
		"challenge, long session": {"/challenge", url.Values{"creq": {encode(creq)}, "threeDSSessionData": {strings.Repeat("s", 1025)}}, 400},
		"answer to nothing":       {"/challenge/answer", url.Values{"challenge": {"x"}, "code": {"1234"}}, 404},
	} {
		resp, err := http.PostForm(c.base+test.path, test.form)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != test.want {
			t.Errorf("%s: %d, want %d", name, resp.StatusCode, test.want)
		}
	}
}

// TestACSCards checks that every card of the ACS is a card of the center, which approves it.
func TestACSCards(t *testing.T) {
	c := dial(t, start(t, pcsim.Options{}))
	seen := map[string]bool{}
	for _, card := range pcsim.ACSCards() {
		if seen[card.PAN] || !luhn(card.PAN) || card.Means == "" {
			t.Errorf("card %+v", card)
		}
		seen[card.PAN] = true
		c.wants(c.sale(card.PAN, 1000).message(), "000")
	}
}

func TestACSOptions(t *testing.T) {
	good := pcsim.ACSOptions{KeyID: "k", Secret: []byte(acsSecret)}
	for name, change := range map[string]func(*pcsim.ACSOptions){
		"no key":         func(o *pcsim.ACSOptions) { o.KeyID = "" },
		"short secret":   func(o *pcsim.ACSOptions) { o.Secret = []byte("short") },
		"negative time":  func(o *pcsim.ACSOptions) { o.DecoupledAfter = -time.Second },
		"negative time2": func(o *pcsim.ACSOptions) { o.ChallengeFor = -time.Second },
	} {
		o := good
		change(&o)
		if _, err := pcsim.NewACS(o); !errors.Is(err, pcsim.ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := startACS(t)
	if err := c.acs.Start(); !errors.Is(err, pcsim.ErrState) {
		t.Errorf("second start: %v", err)
	}
	c.acs.SetDown(true)
	recorder := httptest.NewRecorder()
	c.acs.ServeHTTP(recorder, httptest.NewRequest("POST", "/challenge", nil))
	if recorder.Code != http.StatusServiceUnavailable {
		t.Errorf("down: %d", recorder.Code)
	}
}
