package authorize

import (
	"encoding/json"

	"github.com/go-json-experiment/json/jsontext"
)

// detailParams are what an order keeps as the merchant sent it, under the parameters' names in lower case.
var detailParams = [...]in{inOrderComment, inCardholder, inLastName, inFirstName, inMiddleName, inEmail, inClientIP, inAddress,
	inHomePhone, inWorkPhone, inMobilePhone, inFax, inCountry, inState, inCity, inZip, inChequeItems}

var detailNames = func() (names [len(detailParams)]string) {
	for i, id := range detailParams {
		names[i] = lowerASCII(params[id].name)
	}
	return names
}()

// details returns the order's details as JSON, nil when there are none.
func (c *call) details() json.RawMessage {
	var b []byte
	for i, id := range detailParams {
		if v := c.values[id]; v != nil {
			b = appendDetail(b, detailNames[i], v)
		}
	}
	for _, f := range c.listed {
		b = appendDetail(b, listedPrefix+string(f.name), f.value)
	}
	if b == nil {
		return nil
	}
	return append(b, '}')
}

// appendDetail adds a member to an object that is not ended yet. The value is UTF-8.
func appendDetail(b []byte, name string, v []byte) []byte {
	if b == nil {
		b = append(make([]byte, 0, 512), '{')
	} else {
		b = append(b, ',')
	}
	b = append(append(append(b, '"'), name...), `":`...)
	b, _ = jsontext.AppendQuote(b, v)
	return b
}

// detailFields are the details that answers repeat.
var detailFields = [...]struct {
	in  in
	out out
}{
	{inOrderComment, outOrderComment}, {inCardholder, outCardholder}, {inLastName, outLastName}, {inFirstName, outFirstName},
	{inMiddleName, outMiddleName}, {inEmail, outEmail}, {inClientIP, outIP}, {inChequeItems, outCheque},
}

// takeDetails writes the details of the request.
func (r *record) takeDetails(c *call) {
	for _, f := range detailFields {
		r[f.out] = c.text(f.in)
	}
}

// recallDetails writes the details that the order kept.
func (r *record) recallDetails(stored json.RawMessage) {
	if stored == nil {
		return
	}
	var kept map[string]string
	if json.Unmarshal(stored, &kept) != nil {
		return // not ours: nothing of it can be told
	}
	for _, f := range detailFields {
		r[f.out] = kept[lowerASCII(params[f.in].name)]
	}
}

// pageParams are what an order for the page keeps besides detailParams.
var pageParams = [...]in{inURLReturn, inURLReturnOK, inURLReturnNo, inCardPayment, inFastPayPayment, inRecurringIndicator,
	inRecurringMinAmount, inRecurringMaxAmount, inRecurringPeriod, inRecurringMaxDate, inChequeItems, inMobileDevice, inPrepayment, inOrderMaxPoints}

// details are what an order keeps of its request, by the names of the parameters in lower case.
type details map[string]string

// of returns a parameter, empty when it was not sent.
func (d details) of(id in) string { return d[lowerASCII(params[id].name)] }

// proves tells that the request has a proof, which checkRequest has verified.
func (c *call) proves() bool { return c.has(inCheckvalue) || c.has(inSignature) }

// pageDetails are the details of an order for the page. The language is always there.
func (c *call) pageDetails() json.RawMessage {
	kept := details{"language": languageNames[c.language]}
	if c.proves() {
		kept[provenDetail] = "1"
	}
	for _, list := range [...][]in{detailParams[:], pageParams[:]} {
		for _, id := range list {
			if c.has(id) {
				kept[lowerASCII(params[id].name)] = c.text(id)
			}
		}
	}
	for _, f := range c.listed {
		kept[listedPrefix+string(f.name)] = string(f.value)
	}
	text, _ := json.Marshal(kept) // a map of text
	return text
}
