package checkout

import (
	"net/url"
	"strconv"
	"strings"

	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/settle"
	"settled/settle/order"
)

// returnURL is where the shop wants its buyer after a payment: to one address after success and to another after
// everything else, In Process included. Empty when neither order nor merchant says.
func returnURL(m *tenants.Merchant, kept protocol.Details, success bool) string {
	own, settings := protocol.InURLReturnNo, m.Page.ReturnNo
	if success {
		own, settings = protocol.InURLReturnOK, m.Page.ReturnOK
	}
	for _, address := range [...]string{kept.Of(own), kept.Of(protocol.InURLReturn), settings, m.Page.ReturnURL} {
		if address != "" {
			return address
		}
	}
	return ""
}

// shopURL is the way back to the shop with the numbers of the order, empty when there is none.
func shopURL(m *tenants.Merchant, o *settle.Order, kept protocol.Details) string {
	return withNumbers(returnURL(m, kept, succeeded(o)), o)
}

// succeeded tells that the buyer has paid, whatever was given back since.
func succeeded(o *settle.Order) bool {
	state := o.State()
	return o.Status == order.Paid && state != order.StateCanceled
}

// withNumbers appends the plain bill number and the order number to the query of an address.
func withNumbers(address string, o *settle.Order) string {
	if address == "" {
		return ""
	}
	address, fragment, marked := strings.Cut(address, "#")
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
		if strings.HasSuffix(address, "?") || strings.HasSuffix(address, "&") {
			separator = ""
		}
	}
	address += separator + "billnumber=" + strconv.FormatInt(o.ID, 10) + "&ordernumber=" + url.QueryEscape(o.Number)
	if marked {
		address += "#" + fragment
	}
	return address
}
