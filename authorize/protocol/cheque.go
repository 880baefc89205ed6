package protocol

import (
	"bytes"
	"encoding/json"

	"github.com/go-json-experiment/json/jsontext"
)

// maxChequeItems bounds the positions of a cheque.
const maxChequeItems = 500

// checkCheque checks the shape of ChequeItems: {"items":[…]} or the bare list, where each position has a name or a product, price,
// quantity and amount, and an id of its own if it has one. The text is kept as it came; nothing is computed from it.
func (c *Call) checkCheque() error {
	if !c.Has(InChequeItems) {
		return nil
	}
	var cheque struct {
		Items []map[string]any `json:"items"`
	}
	text := c.values[InChequeItems]
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	into := any(&cheque)
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		into = &cheque.Items
	}
	if !jsontext.Value(text).IsValid() || d.Decode(into) != nil {
		return Unreadable(InChequeItems, `is not JSON of the form {"items":[{…}]} or [{…}]`)
	}
	if n := len(cheque.Items); n == 0 || n > maxChequeItems {
		return Unreadable(InChequeItems, "must have 1 to 500 items")
	}
	ids := map[any]bool{}
	for _, item := range cheque.Items {
		if why := checkChequeItem(item); why != "" {
			return Unreadable(InChequeItems, why)
		}
		if id := item["id"]; id != nil && ids[id] {
			return Unreadable(InChequeItems, "has two items with one id")
		}
		ids[item["id"]] = true
	}
	return nil
}

// checkChequeItem says what is wrong with a position, or nothing.
func checkChequeItem(item map[string]any) string {
	for _, value := range item {
		switch value.(type) {
		case map[string]any, []any:
			return "has an item with a value that is neither text nor a number"
		}
	}
	if empty(item["name"]) && empty(item["product"]) {
		return "has an item without name and product"
	}
	for _, name := range [...]string{"price", "quantity", "amount"} {
		if !decimal(item[name]) {
			return "has an item whose " + name + " is missing or not a number"
		}
	}
	return ""
}

func empty(v any) bool { return v == nil || v == "" }

// decimal tells whether v is plain decimal: a number that is not negative, or the text of one.
func decimal(v any) bool {
	text, _ := v.(string)
	if n, ok := v.(json.Number); ok {
		text = n.String()
	}
	points := 0
	for i, c := range []byte(text) {
		if c == '.' {
			points++
		} else if c < '0' || c > '9' || points > 0 && i == 0 {
			return false
		}
	}
	return points <= 1 && text != "" && text != "."
}
