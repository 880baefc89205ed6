package ipm_test

import (
	"bytes"
	"fmt"
	"log"
	"time"

	"settled/fileformats/ipm"
)

// A file with one sale is written, read back and totaled.
func Example() {
	profile := ipm.Profile{Blocked: true, Mode: ipm.Test}
	at := time.Date(2026, 11, 21, 18, 30, 12, 0, time.UTC)
	arn, err := ipm.NewARN(512345, at, 1).Append(nil, profile.Dialect)
	if err != nil {
		log.Fatal(err)
	}
	place, err := ipm.Location{Name: "ACME BOOKS", City: "VILNIUS", Country: "LTU"}.Append(nil)
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	w := ipm.NewWriter(&file, profile)
	if err := w.WriteHeader(ipm.FileID{Type: ipm.FromMember, Date: ipm.DateOf(at), Member: 12345, Sequence: 1}); err != nil {
		log.Fatal(err)
	}
	if err := w.Write(&ipm.Record{
		Kind: ipm.Sale, PAN: []byte("5413330089010442"), Amount: 12345, Currency: 978, Exponent: 2, LocalTime: at,
		POSData: []byte("000250S1900C"), MCC: []byte("5999"), ARN: arn, Forwarder: []byte("012345"),
		RRN: []byte("632515000123"), ApprovalCode: []byte("A1B2C3"), Terminal: []byte("TERM0001"),
		Acceptor: []byte("MERCHANT0000001"), Location: place, TerminalType: []byte("CT6"), Settlement: 'M',
		Originator: []byte("012345"),
	}); err != nil {
		log.Fatal(err)
	}
	if _, err := w.Close(); err != nil {
		log.Fatal(err)
	}
	totals, err := ipm.Verify(&file, profile)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(arn))
	fmt.Println(totals.File, totals.Control)
	fmt.Printf("%+v\n", totals.Currencies[0].Sales)
	// Output:
	// 25123456325000000000019
	// 0022611210000001234500001 3 messages, amount 12345
	// {Count:1 Amount:12345}
}
