// Package credential keeps the cards and consents that buyers let a merchant keep: sealed rows of their own, destroyed when they are
// deleted.
//
// What is kept is sealed in the transaction that makes an order paid (package wish asks for it); it is opened for a later payment, and
// goes nowhere but to the center or the partner bank. The same card or consent of a buyer is one row, found by a keyed hash.
//
// It works on the table credentials alone, and no other package writes it. Packages wish and subscription keep and destroy in their
// transactions; the payments of the gateway, its page and the operator's commands look up, open and delete by a Store.
package credential
