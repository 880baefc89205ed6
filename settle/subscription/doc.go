// Package subscription keeps what buyers agree to with a first payment: terms, where the subscription stands, and the later payments of
// its periods.
//
// A subscription is created with the order that begins it and activated by the commit that makes the order paid. A later payment is an
// order of its own: Admit checks the guards and takes the period under the subscription's lock, which comes after that of an order, and
// Note brings the subscription up to what its payments have come to. Periods are counted from the first payment; each takes one.
//
// It works on the tables subscriptions and subscription_payments, which no other package writes, and destroys what is stored for a
// canceled subscription through package credential. Package settle opens and ends orders and calls it in its transactions, wish
// activates and abandons; the gateway and the operator's commands look up and cancel by a Book.
package subscription
