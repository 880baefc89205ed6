package authorize

import (
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
)

// paymentToken names a stored card and the buyer that it belongs to.
type paymentToken struct {
	ID       uuid.UUID
	Customer string
}

// paymentToken reads PaymentToken: an object of Token and CustomerNumber and nothing else.
func (c *call) paymentToken() (t paymentToken, err error) {
	var told struct{ Token, CustomerNumber string }
	err = json.Unmarshal(c.values[inPaymentToken], &told, json.RejectUnknownMembers(true))
	if err != nil || told.CustomerNumber == "" {
		return t, unreadable(inPaymentToken, "is not an object of Token and CustomerNumber")
	}
	if len(told.Token) != len(uuid.UUID{}.String()) || uuid.Validate(told.Token) != nil {
		return t, unreadable(inPaymentToken, "holds no token")
	}
	t.ID, err = uuid.Parse(told.Token)
	t.Customer = string(params[inCustomerNumber].strip.apply([]byte(told.CustomerNumber)))
	return t, err
}
