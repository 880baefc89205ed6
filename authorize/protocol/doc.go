// Package protocol is the merchant protocol on the wire: how requests are read and how answers are written.
//
// A [Call] is one request. It is read from a form, from multipart/form-data, from JSON or from SOAP into [Parameter] values, which are
// stripped, bounded, guarded against card data (docs/card-data.md), and checked when a service asks for them. An [Answer] is filled by
// services as rows of [Field] values and knows no format. A [Layout] says which fields a service tells and how they are nested; an
// encoder writes a layout as CSV, XML, JSON or SOAP. A new format is one more encoder. A new service is one more layout, and its
// description for SOAP clients (WSDL) is made of the layout and of its parameters. [Proofs] verify requests and sign answers.
//
// The package knows no books, no merchants and no server: it may use fileformats, money and vault, and nothing of settle. What it has
// to ask of those who know more comes as functions ([Knowledge]). docs/protocol.md is the contract that it keeps.
//
// A request is parsed in place, in one buffer that is wiped when the request is over. No error, answer, log line or metric holds card
// data.
//
// Tables are kept by their constants: an entry names the parameter or the field that it is about. A parameter has an entry in params,
// describing (if it describes the buyer) and cardRules; a field has one in outNames.
package protocol
