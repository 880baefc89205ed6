package iso8583_test

import (
	"fmt"
	"log"

	"settled/fileformats/iso8583"
)

// A message prints itself redacted.
func ExampleMessage() {
	m := iso8583.Online.NewMessage(iso8583.MTIAuthorizationRequest)
	m.Set(2, "5413330089010442")
	m.SetInt(4, 12345)
	m.Set(49, "978")
	wire, err := m.AppendTo(nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := m.Decode(wire); err != nil {
		log.Fatal(err)
	}
	fmt.Println(m)
	// Output: 1100 2=541333****0442 4=000000012345 49=978
}
