package authorize_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"settled/authorize"
	"settled/internal/pcsim"
)

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// malformed is a body that cannot be read, and what its refusal has to name: a parameter, or nothing.
type malformed struct{ what, body, names string }

// wholeNumbers and amounts are the parameters of these kinds, by their names in lower case.
var (
	wholeNumbers = []string{"merchant_id", "delay", "cancelreason", "autodeposit", "expiremonth", "expireyear"}
	amounts      = []string{"orderamount", "amount"}
)

// badJSON are the malformed variants of a request's object, several for each of its members.
func badJSON(p params) []malformed {
	good := object(p)
	var all []malformed
	add := func(what, body, names string) { all = append(all, malformed{what, body, names}) }
	for what, body := range map[string]string{"nothing": "", "space": " ", "null": "null", "array": "[" + good + "]", "text": quote(good), "number": "1",
		"true": "true", "two objects": good + good, "object and text": good + " x", "comma at the end": good[:len(good)-1] + ",}", "no comma": strings.Replace(good, ",", " ", 1),
		"no colon": strings.Replace(good, ":", " ", 1), "single quotes": strings.ReplaceAll(good, `"`, `'`), "comment": "/* */" + good, "two byte order marks": "\ufeff\ufeff" + good,
		"names without quotes": `{Login:"x"}`, "NaN": `{"Delay":NaN}`, "UTF-16": "\x00{\x00}", "deep": strings.Repeat(`{"ChequeItems":`, 20000),
		"deep unknown": `{"x":` + strings.Repeat("[", 30000), "unknown member": `{"Nobody":"1",` + good[1:], "unknown name of nothing": `{"":"1",` + good[1:],
		"prototype": `{"__proto__":{"Login":"x"},` + good[1:], "half an escape": strings.Replace(good, `"`, `"\u00`, 1), "form": p.encode()} {
		add(what, body, "")
	}
	for i := 1; i < len(good); i += 5 {
		add(fmt.Sprint("cut at ", i), good[:i], "")
	}
	for name, value := range p {
		instead := func(raw string) string {
			return strings.Replace(good, quote(name)+":"+quote(value), quote(name)+":"+raw, 1)
		}
		add("twice: "+name, good[:len(good)-1]+","+quote(name)+":"+quote(value)+"}", name)
		add("two spellings: "+name, good[:len(good)-1]+","+quote(strings.ToLower(name))+":"+quote(value)+"}", name)
		if upper := strings.ToUpper(name); upper != name {
			add("case: "+name, strings.Replace(good, quote(name), quote(upper), 1), "")
		}
		for _, raw := range []string{"null", "true", "[]", "[" + quote(value) + "]", `{"x":1}`, `"\ud800"`, "\"\xff\"", `"` + "\n" + `"`, "01", "+1", ".5", "1.", "0x10"} {
			if name != "ChequeItems" {
				add(name+" is "+raw, instead(raw), name)
			}
		}
		if lower := strings.ToLower(name); slices.Contains(wholeNumbers, lower) {
			for _, raw := range []string{"1e3", "1.5", "-1", "9223372036854775808", "1e400", "1E0"} {
				add(name+" is "+raw, instead(raw), name)
			}
		} else if slices.Contains(amounts, lower) {
			for _, raw := range []string{"1e3", "-1", "9223372036854775808", "1e400", "1.005", "0", `"1,000.00"`, `"0x10"`, `"NaN"`, `"Infinity"`, `"１"`} {
				add(name+" is "+raw, instead(raw), name)
			}
		}
	}
	return all
}

// badForms are the malformed variants of a request's form.
func badForms(p params) []malformed {
	good := p.encode()
	var all []malformed
	for name := range p {
		without := p.with(params{name: ""}).encode() + "&" + name
		for _, tail := range []string{"=%", "=%4", "=%zz", "=%ff", "=\xc3\x28", "=%ed%a0%80", "=%c0%af", "=%e2%82"} {
			all = append(all, malformed{name + tail, without + tail, name})
		}
		all = append(all, malformed{name + " twice", good + "&" + name + "=1", name},
			malformed{name + " twice in another case", good + "&" + strings.ToUpper(name) + "=1", name})
	}
	for what, body := range map[string]string{"nothing": "", "separators": strings.Repeat("&", 9999), "no values": strings.Repeat("a&", 999), "no names": strings.Repeat("=a&", 999),
		"object": object(p), "zeros": strings.Repeat("\x00", 99), "brackets": strings.ReplaceAll(good, "=", "[]="), "many": strings.Repeat("x=y&", 15000)} {
		all = append(all, malformed{what, body, ""})
	}
	return all
}

// badEnvelopes are the malformed variants of a request's envelope.
func badEnvelopes(path string, p params) []malformed {
	good := envelope(described[path].Request, p)
	var all []malformed
	for i := 1; i < len(good)-1; i += 7 {
		all = append(all, malformed{fmt.Sprint("cut at ", i), good[:i], ""})
	}
	for name, value := range p {
		name := strings.ToLower(name)
		element := "<" + name + ">"
		end := strings.Index(good, "</"+name+">") + len(name) + 3
		whole := good[strings.Index(good, element):end]
		for what, text := range map[string]string{"twice": whole + whole, "twice in another case": whole + "<" + strings.ToUpper(name) + ">1</" + strings.ToUpper(name) + ">",
			"structure": element + "<value>1</value></" + name + ">", "elsewhere": "<" + name + ` href="#a"/>`} {
			all = append(all, malformed{what + ": " + name, strings.Replace(good, whole, text, 1), name})
		}
		for what, text := range map[string]string{"entity": "&x;", "not UTF-8": "\xff", "control": "\x01", "number of nothing": "&#0;", "CDATA without end": "<![CDATA[" + value} {
			all = append(all, malformed{what + " in " + name, strings.Replace(good, whole, element+text+"</"+name+">", 1), ""})
		}
	}
	for what, text := range map[string]string{
		"document type": strings.Replace(good, "<soapenv:Envelope", `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><soapenv:Envelope`, 1),
		"many entities": strings.Replace(good, "<soapenv:Envelope", `<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;&x;">]><soapenv:Envelope`, 1),
		"namespace":     strings.ReplaceAll(good, "http://schemas.xmlsoap.org/soap/envelope/", "urn:x"), "object": object(p), "form": p.encode(), "nothing": "",
		"two": good + good, "deep": strings.Replace(good, "<soapenv:Header/>", "<soapenv:Header>"+strings.Repeat("<a>", 9000), 1),
		"attributes": strings.Replace(good, "<soapenv:Header/>", "<soapenv:Header "+strings.Repeat("a='b' ", 5000)+"/>", 1), "UTF-16": "\xfe\xff\x00<"} {
		all = append(all, malformed{what, text, ""})
	}
	return all
}

// Every malformed request of every service is refused: with codes and in JSON with a word on why, which names the
// parameter when one is wrong. Nothing is written and nothing goes to a center. Every body is sent by a source of its
// own, because wrong passwords lock a source.
func TestMalformed(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	asked, count := w.examples(), 0
	for _, path := range slices.Sorted(maps.Keys(described)) {
		p := asked[path]
		if path == pay {
			p = paymentOf("malformed")
		}
		for syntax, bodies := range map[string][]malformed{"form": badForms(p.with(params{"Format": "5"})), "JSON": badJSON(p), "SOAP": badEnvelopes(path, p)} {
			before := w.snapshot()
			for i, m := range bodies {
				if authorize.DescribesBuyer(m.names) { // never stops a sale: TestBuyerNeverStopsASale
					continue
				}
				r := w.from(fmt.Sprint(path, syntax, i), path, syntaxes[syntax].kind, m.body)
				count++
				w.checkRefused(path+" "+syntax+" "+m.what, r, m.names)
			}
			w.unchanged(path+" in "+syntax, before)
		}
	}
	if count < 100*len(described) {
		t.Errorf("only %d bodies were tried", count)
	}
	w.checkLog()
}

// checkRefused checks that an answer refuses, and that its text, where the format has one, names what it should.
func (w *world) checkRefused(what string, r reply, names string) {
	w.t.Helper()
	if first, _ := w.codes(r.body); first == 0 {
		w.t.Errorf("%s was not refused: %d %s", what, r.status, r.body)
	}
	if r.status >= 500 {
		w.t.Errorf("%s: status %d: %s", what, r.status, r.body)
	}
	if !strings.HasPrefix(r.body, "{") {
		return
	}
	var answer struct {
		Fault struct{ Detail struct{ Message string } }
	}
	check(w.t, json.Unmarshal([]byte(r.body), &answer))
	if text := answer.Fault.Detail.Message; text == "" || !strings.Contains(strings.ToLower(text), strings.ToLower(names)) {
		w.t.Errorf("%s: the refusal does not name %s: %s", what, names, r.body)
	}
}
