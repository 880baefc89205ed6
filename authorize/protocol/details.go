package protocol

import (
	"encoding/json"

	"github.com/go-json-experiment/json/jsontext"
)

// detailParams are what an order keeps as the merchant sent it, under the parameters' names in lower case.
var detailParams = [...]Parameter{InOrderComment, InCardholder, inLastName, inFirstName, inMiddleName, InEmail, InClientIP, inAddress,
	inHomePhone, inWorkPhone, inMobilePhone, inFax, inCountry, inState, inCity, inZip, InChequeItems}

var detailNames = func() (names [len(detailParams)]string) {
	for i, id := range detailParams {
		names[i] = lowerASCII(params[id].name)
	}
	return names
}()

// Details returns the order's details as JSON, nil when there are none.
func (c *Call) Details() json.RawMessage {
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
	in  Parameter
	out Field
}{
	{InOrderComment, OutOrderComment}, {InCardholder, OutCardholder}, {inLastName, OutLastName}, {inFirstName, OutFirstName},
	{inMiddleName, OutMiddleName}, {InEmail, OutEmail}, {InClientIP, OutIP}, {InChequeItems, OutCheque},
}

// TakeDetails writes the details of the request.
func (r *Row) TakeDetails(c *Call) {
	for _, f := range detailFields {
		r[f.out] = c.Text(f.in)
	}
}

// RecallDetails writes the details that the order kept.
func (r *Row) RecallDetails(stored json.RawMessage) {
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
var pageParams = [...]Parameter{InURLReturn, InURLReturnOK, InURLReturnNo, InCardPayment, InFastPayPayment, InRecurringIndicator,
	InRecurringMinAmount, InRecurringMaxAmount, InRecurringPeriod, InRecurringMaxDate, InChequeItems, InMobileDevice, InPrepayment, InOrderMaxPoints}

// Details are what an order keeps of its request, by the names of the parameters in lower case.
type Details map[string]string

// Of returns a parameter, empty when it was not sent.
func (d Details) Of(id Parameter) string { return d[lowerASCII(params[id].name)] }

// Named returns a parameter by its documented name.
func (d Details) Named(name string) string { return d[lowerASCII(name)] }

// Proves tells that the request has a proof, which Proofs.Check has verified.
func (c *Call) Proves() bool { return c.Has(InCheckvalue) || c.Has(InSignature) }

// ProvenDetail is the detail of an order whose shop has proven that the order, and with it the number of the buyer, is its
// own: anybody can write a number into a form.
const ProvenDetail = "proven"

// PageDetails are the details of an order for the page. The language is always there.
func (c *Call) PageDetails() json.RawMessage {
	kept := Details{"language": LanguageNames[c.Language]}
	if c.Proves() {
		kept[ProvenDetail] = "1"
	}
	for _, list := range [...][]Parameter{detailParams[:], pageParams[:]} {
		for _, id := range list {
			if c.Has(id) {
				kept[lowerASCII(params[id].name)] = c.Text(id)
			}
		}
	}
	for _, f := range c.listed {
		kept[listedPrefix+string(f.name)] = string(f.value)
	}
	text, _ := json.Marshal(kept) // a map of text
	return text
}
