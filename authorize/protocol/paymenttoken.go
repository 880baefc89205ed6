package protocol

import (
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
)

// PaymentToken names a stored card and the buyer that it belongs to.
type PaymentToken struct {
	ID       uuid.UUID
	Customer string
}

// PaymentToken reads PaymentToken: an object of Token and CustomerNumber and nothing else.
func (c *Call) PaymentToken() (t PaymentToken, err error) {
	var told struct{ Token, CustomerNumber string }
	err = json.Unmarshal(c.values[InPaymentToken], &told, json.RejectUnknownMembers(true))
	if err != nil || told.CustomerNumber == "" {
		return t, Unreadable(InPaymentToken, "is not an object of Token and CustomerNumber")
	}
	if len(told.Token) != len(uuid.UUID{}.String()) || uuid.Validate(told.Token) != nil {
		return t, Unreadable(InPaymentToken, "holds no token")
	}
	t.ID, err = uuid.Parse(told.Token)
	t.Customer = string(params[InCustomerNumber].strip.Apply([]byte(told.CustomerNumber)))
	return t, err
}
