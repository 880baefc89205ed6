package protocol

import (
	"crypto"
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"settled/internal/money"
)

// readCall reads a request of a merchant as a form or as JSON, as a service would that takes every parameter.
func readCall(t *testing.T, body string) (*Call, error) {
	t.Helper()
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
	}
	c := NewCall(FormatXML, nil, Knowledge{})
	err := c.Read(r)
	return c, err
}

// vector is a request whose check value stands in the protocol's description.
const vector = "Merchant_ID=123456&OrderNumber=A-1&OrderAmount=100.00&OrderCurrency=RUB"

const noCurrency = "Merchant_ID=123456&OrderNumber=A-1&OrderAmount=100.00"

var checked = &Proofs{SecretWord: "secret", Checkvalue: true, Covers: Covered{Customer: true}}

func TestRequestCheckvalues(t *testing.T) {
	of := func(x string) string { return checkValue("secret", x) }
	for name, c := range map[string]struct {
		body  string
		first int // of the refusal; 0: none
	}{
		"vector":               {vector + "&Checkvalue=EBC5BF40F1F434D1B0CD29CBD1340E6C", 0},
		"vector in lower case": {vector + "&checkvalue=ebc5bf40f1f434d1b0cd29cbd1340e6c", 0},
		"one digit wrong":      {vector + "&Checkvalue=EBC5BF40F1F434D1B0CD29CBD1340E6D", 7},
		"cut":                  {vector + "&Checkvalue=EBC5BF40F1F434D1B0CD29CBD1340E6", 7},
		"missing":              {vector, 3},
		"another amount":       {strings.Replace(vector, "100.00", "1.00", 1) + "&Checkvalue=EBC5BF40F1F434D1B0CD29CBD1340E6C", 7},
		"the very string":      {strings.Replace(vector, "100.00", "100,0", 1) + "&Checkvalue=" + of("123456;A-1;100,0;RUB"), 0},
		"own currency":         {"Merchant_ID=123456&OrderNumber=A-1&OrderAmount=100.00&Checkvalue=" + of("123456;A-1;100.00;BYN"), 0},
		"before stripping": {"Merchant_ID=123456&OrderNumber=A%3C%27+1&OrderAmount=%28100.00%29&OrderCurrency=RUB&Checkvalue=" +
			of("123456;A<' 1;(100.00);RUB"), 0},
		"after stripping":                 {"Merchant_ID=123456&OrderNumber=A%3C1&OrderAmount=1&OrderCurrency=RUB&Checkvalue=" + of("123456;A1;1;RUB"), 7},
		"the very string that is covered": {vector + "&CustomerNumber=B%2F7&Checkvalue=" + of("123456;A-1;100.00;RUB;B/7"), 0},
		"what is not covered":             {vector + "&CustomerNumber=B&Disable3DS=1&Checkvalue=" + of("123456;A-1;100.00;RUB;B;1"), 15},
		"zeros are skipped":               {vector + "&OrderMaxPoints=0&CustomerNumber=C&Disable3DS=0&Prepayment=0.00&Checkvalue=" + of("123456;A-1;100.00;RUB;C"), 0},
		"one left out":                    {vector + "&CustomerNumber=C&Checkvalue=" + of("123456;A-1;100.00;RUB"), 7},
		"one for two":                     {vector + "&CustomerNumber=C%3B1&Checkvalue=" + of("123456;A-1;100.00;RUB;C;1"), 4},
		"JSON number":                     {`{"Merchant_ID":123456,"OrderNumber":"A-1","OrderAmount":100.00,"OrderCurrency":"RUB","Checkvalue":"EBC5BF40F1F434D1B0CD29CBD1340E6C"}`, 0},
	} {
		call, err := readCall(t, c.body)
		if err == nil {
			err = checked.Check(call, money.BYN)
		}
		if got := firstOf(err); got != c.first {
			t.Errorf("%s: %d (%v), not %d", name, got, err, c.first)
		}
	}
}

// Contracts of old sign the values without anything between them.
func TestJoinedCheckvalues(t *testing.T) {
	of := func(x string) string { return checkValue("secret", x) }
	joined := &Proofs{SecretWord: "secret", Checkvalue: true, Joined: true}
	for name, c := range map[string]struct {
		body  string
		first int
	}{
		"values":                     {vector + "&Checkvalue=" + of("123456A-1100.00RUB"), 0},
		"with delimiters":            {vector + "&Checkvalue=EBC5BF40F1F434D1B0CD29CBD1340E6C", 7},
		"another amount":             {strings.Replace(vector, "100.00", "1.00", 1) + "&Checkvalue=" + of("123456A-1100.00RUB"), 7},
		"currency absent":            {noCurrency + "&Checkvalue=" + of("123456A-1100.00"), 0},
		"own currency":               {noCurrency + "&Checkvalue=" + of("123456A-1100.00BYN"), 0},
		"another currency than said": {vector + "&Checkvalue=" + of("123456A-1100.00"), 7},
		"a buyer, who is not signed": {vector + "&CustomerNumber=C&Checkvalue=" + of("123456A-1100.00RUB"), 15},
		"a buyer, signed":            {vector + "&CustomerNumber=C&Checkvalue=" + of("123456A-1100.00RUBC"), 15},
		"a zero is not sent":         {vector + "&OrderMaxPoints=0&Checkvalue=" + of("123456A-1100.00RUB"), 0},
	} {
		call, err := readCall(t, c.body)
		if err == nil {
			err = joined.Check(call, money.BYN)
		}
		if got := firstOf(err); got != c.first {
			t.Errorf("%s: %d (%v), not %d", name, got, err, c.first)
		}
	}
}

func firstOf(err error) int {
	var f *Fault
	if errors.As(err, &f) {
		return f.First
	}
	return 0
}

// A zero that proofs skip is no value either: a service cannot act on what no proof covers.
func TestZeroIsNotSent(t *testing.T) {
	c, err := readCall(t, "CustomerNumber=000&Disable3DS=0&Prepayment=0.0&OrderMaxPoints=0")
	if err != nil || c.Has(InCustomerNumber) || c.Has(InDisable3DS) || c.Has(InPrepayment) || c.Has(InOrderMaxPoints) {
		t.Errorf("%v: a zero counts as sent", err)
	}
}

// What was covered by a proof cannot be said a second time, not even when the first time strips to nothing.
func TestProvenParametersAreGivenOnce(t *testing.T) {
	for _, body := range []string{"OrderAmount=100.00&OrderAmount=1", "OrderAmount=%3C%3E&OrderAmount=1", "OrderAmount=1&OrderAmount=%3C%3E",
		"CustomerNumber=%3C&CustomerNumber=C"} {
		if _, err := readCall(t, body); firstOf(err) != FirstFormat {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// sign makes a signature as clients do, and encodes it for a form.
func sign(t *testing.T, key *rsa.PrivateKey, h crypto.Hash, text string) string {
	t.Helper()
	p := Proofs{SHA256: h == crypto.SHA256}
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, h, p.digest(text))
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(signature)
}

func TestRequestSignatures(t *testing.T) {
	key := newKey(t, 1024)
	other := newKey(t, 1024)
	const x = "123456;A-1;100.00;RUB"
	md5Only := &Proofs{Signature: true, PublicKey: &key.PublicKey}
	sha := &Proofs{Signature: true, PublicKey: &key.PublicKey, SHA256: true}
	without := &Proofs{}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := sign(t, key, crypto.MD5, x)
	for name, c := range map[string]struct {
		m         *Proofs
		signature string
		first     int
	}{
		"MD5 over the text":           {md5Only, good, 0},
		"MD5 over the digest's text":  {md5Only, sign(t, key, crypto.MD5, md5Hex(x)), 0},
		"without padding":             {md5Only, strings.TrimRight(good, "="), 0},
		"in lines":                    {md5Only, good[:64] + "\r\n" + good[64:], 0},
		"another key":                 {md5Only, sign(t, other, crypto.MD5, x), 7},
		"another text":                {md5Only, sign(t, key, crypto.MD5, x+";1"), 7},
		"SHA-256 where MD5 is agreed": {md5Only, sign(t, key, crypto.SHA256, x), 7},
		"MD5 where SHA-256 is agreed": {sha, good, 7},
		"SHA-256":                     {sha, sign(t, key, crypto.SHA256, x), 0},
		"SHA-256 over the digest":     {sha, sign(t, key, crypto.SHA256, md5Hex(x)), 0},
		"Ed25519":                     {md5Only, base64.StdEncoding.EncodeToString(ed25519.Sign(edwards, []byte(md5Hex(x)))), 7},
		"not Base64":                  {md5Only, "%%%", 7},
		"missing":                     {md5Only, "", 3},
		"no key":                      {without, good, 9},
		"neither sent nor demanded":   {without, "", 0},
	} {
		call, err := readCall(t, vector+"&Signature="+url.QueryEscape(c.signature))
		if err == nil {
			err = c.m.Check(call, money.BYN)
		}
		if got := firstOf(err); got != c.first {
			t.Errorf("%s: %d (%v), not %d", name, got, err, c.first)
		}
	}
	raw, err := readCall(t, vector+"&Signature="+good) // its plus signs arrive as spaces
	if err != nil || md5Only.Check(raw, money.BYN) != nil {
		t.Errorf("not encoded: %v", err)
	}
	withValue, err := readCall(t, vector+"&Checkvalue=EBC5BF40F1F434D1B0CD29CBD1340E6C")
	if err != nil || firstOf(without.Check(withValue, money.BYN)) != FirstEncryption {
		t.Errorf("check value without a secret word: %v", err)
	}
}

func newKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// The digests are what the hash says they are.
func TestDigests(t *testing.T) {
	sum, other := md5.Sum([]byte("x")), sha256.Sum256([]byte("x"))
	if string((&Proofs{}).digest("x")) != string(sum[:]) || string((&Proofs{SHA256: true}).digest("x")) != string(other[:]) {
		t.Error("wrong digest")
	}
}

func TestListParameters(t *testing.T) {
	many := make([]string, maxListed+1)
	for i := range many {
		many[i] = "field" + strings.Repeat("x", i)
	}
	for name, c := range map[string]struct {
		body  string
		want  map[string]string
		first int
	}{
		"form":            {"Gift=To+%22Ann%22&listparameters=gift,+Color&COLOR=red&other=1", map[string]string{"list.gift": "To Ann", "list.Color": "red"}, 0},
		"before and JSON": {`{"Gift":"a","ListParameters":"Gift,n","n":5}`, map[string]string{"list.Gift": "a", "list.n": "5"}, 0},
		"encoded name":    {"ListParameters=Gift&%47ift=a", map[string]string{"list.Gift": "a"}, 0},
		"a known one":     {"ListParameters=Email,Gift&Email=a@b&Gift=c", map[string]string{"email": "a@b", "list.Gift": "c"}, 0},
		"JSON, not named": {`{"Gift":"a","ListParameters":"n"}`, nil, FirstFormat},
		"JSON, an object": {`{"Gift":{},"ListParameters":"Gift"}`, nil, FirstFormat},
		"twice":           {"ListParameters=Gift&Gift=a&gift=b", nil, FirstFormat},
		"too long":        {"ListParameters=Gift&Gift=" + strings.Repeat("x", 257), nil, FirstFormat},
		"too many":        {"ListParameters=" + strings.Join(many, ","), nil, FirstFormat},
		"a strange name":  {"ListParameters=G%C3%A9", nil, FirstFormat},
		"card data":       {"ListParameters=my_CVV2", nil, FirstProhibitedObject},
		"not UTF-8":       {"ListParameters=Gift&Gift=%ff", nil, FirstFormat},
	} {
		call, err := readCall(t, c.body)
		if got := firstOf(err); got != c.first {
			t.Errorf("%s: %d (%v), not %d", name, got, err, c.first)
		}
		if err != nil {
			continue
		}
		var got map[string]string
		if err := json.Unmarshal(call.Details(), &got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for field, value := range c.want {
			if got[field] != value || len(got) != len(c.want) {
				t.Errorf("%s: %v", name, got)
			}
		}
	}
}

func TestCheques(t *testing.T) {
	const item = `{"id":1,"name":"Book \"A\"; 50% <off>","price":"10.00","quantity":2.000,"amount":20,"tax":"vat20","fpmode":1}`
	for text, first := range map[string]int{
		`{"items":[` + item + `]}`: 0,
		`{"items":[` + item + `,` + strings.Replace(item, `"id":1`, `"id":2`, 1) + `]}`: 0,
		`{"items":[{"product":"A","price":1,"quantity":1,"amount":1}]}`:                 0,
		`{"items":[` + item + `,` + item + `]}`:                                         FirstFormat,
		`{"items":[]}`:                                                                  FirstFormat,
		`{"items":[{"name":"A","price":-1,"quantity":1,"amount":1}]}`:                   FirstFormat,
		`{"items":[{"name":"A","price":1,"quantity":1}]}`:                               FirstFormat,
		`{"items":[{"price":1,"quantity":1,"amount":1}]}`:                               FirstFormat,
		`{"items":[{"name":"A","price":1,"quantity":1,"amount":1,"x":[1]}]}`:            FirstFormat,
		`[` + item + `]`:                      0,
		` [` + item + `,1]`:                   FirstFormat,
		`[]`:                                  FirstFormat,
		`{"items":[` + item:                   FirstFormat,
		`{"items":[` + item + `]} {}`:         FirstFormat,
		`{"items":[` + item + `],"items":[]}`: FirstFormat,
	} {
		bodies := []string{"ChequeItems=" + url.QueryEscape(text)}
		if quoted, err := json.Marshal(text); err == nil {
			bodies = append(bodies, `{"ChequeItems":`+string(quoted)+`}`)
		}
		if json.Valid([]byte(text)) && text[0] != ' ' {
			bodies = append(bodies, `{"ChequeItems":`+text+`}`)
		}
		for _, body := range bodies {
			c, err := readCall(t, body)
			if got := firstOf(err); got != first {
				t.Errorf("%s: %d (%v), not %d", body, got, err, first)
			}
			if err == nil && c.Text(InChequeItems) != text {
				t.Errorf("kept as %s", c.Text(InChequeItems))
			}
		}
	}
}
