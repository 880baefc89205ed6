package protocol

// Format is the format of an answer, numbered as on the wire.
type Format uint8

// The formats.
const (
	FormatCSV  Format = 1
	FormatXML  Format = 3
	FormatSOAP Format = 4
	FormatJSON Format = 5

	// formatSOAP12 answers requests in SOAP 1.2. It cannot be asked for by Format.
	formatSOAP12 Format = 12
)
