package iso8583

// Online is the dialect spoken with processing centers over TCP: ASCII, an eight-byte bitmap, and a second one only when
// an element above 64 is present. See docs/formats/online.md.
var Online = newSpec("online", ASCII, false, []int{48}, []Field{
	variable(2, "primary account number", LL, Numeric, 12, 19).redacted(MaskPAN),
	fixed(3, "processing code", Numeric, 6),
	fixed(4, "amount, transaction", Numeric, 12),
	fixed(7, "transmission date and time", Numeric, 10),
	fixed(11, "system trace audit number", Numeric, 6),
	fixed(12, "local date and time", Numeric, 12),
	fixed(14, "expiry", Numeric, 4).redacted(Hide),
	fixed(22, "POS data code", Alphanumeric, 12),
	fixed(24, "function code", Numeric, 3),
	fixed(25, "message reason code", Numeric, 4),
	fixed(26, "merchant category code", Numeric, 4),
	fixed(30, "amounts, original", Numeric, 24),
	variable(32, "acquiring institution", LL, Numeric, 1, 11),
	fixed(37, "retrieval reference number", Alphanumeric, 12),
	fixed(38, "approval code", Alphanumeric, 6),
	fixed(39, "action code", Numeric, 3),
	fixed(41, "terminal", Text, 8),
	fixed(42, "card acceptor", Text, 15),
	variable(48, "additional data", LLL, Private, 7, 999),
	fixed(49, "currency, transaction", Numeric, 3),
	variable(56, "original data elements", LL, Numeric, 25, 35),
	fixed(64, "message authentication code", Binary, MACSize).redacted(Hide),
	variable(72, "data record", LLL, Text, 1, 999).redacted(Hide),
	fixed(128, "message authentication code", Binary, MACSize).redacted(Hide),
})

// IPM returns the dialect of IPM clearing files in one of the four charsets: a sixteen-byte bitmap always, private data in
// element 48 that overflows to 62, 123, 124 and 125. See docs/formats/ipm.md.
func IPM(charset *Charset) *Spec { return ipm[charset] }

var ipm = func() map[*Charset]*Spec {
	specs := map[*Charset]*Spec{}
	for _, c := range []*Charset{ASCII, Latin1, CP037, CP500} {
		specs[c] = newSpec("ipm/"+c.name, c, true, []int{48, 62, 123, 124, 125}, ipmTable)
	}
	return specs
}()

var ipmTable = []Field{
	variable(2, "primary account number", LL, Numeric, 12, 19).redacted(MaskPAN),
	fixed(3, "processing code", Numeric, 6),
	fixed(4, "amount, transaction", Numeric, 12),
	fixed(5, "amount, reconciliation", Numeric, 12),
	fixed(6, "amount, cardholder billing", Numeric, 12),
	fixed(9, "conversion rate, reconciliation", Numeric, 8),
	fixed(10, "conversion rate, cardholder billing", Numeric, 8),
	fixed(12, "local date and time", Numeric, 12),
	fixed(14, "expiry", Numeric, 4).redacted(Hide),
	fixed(22, "POS data code", Alphanumeric, 12),
	fixed(23, "card sequence number", Numeric, 3),
	fixed(24, "function code", Numeric, 3),
	fixed(25, "message reason code", Numeric, 4),
	fixed(26, "merchant category code", Numeric, 4),
	fixed(30, "amounts, original", Numeric, 24),
	variable(31, "acquirer reference data", LL, Numeric, 23, 23),
	variable(32, "acquiring institution", LL, Numeric, 6, 11),
	variable(33, "forwarding institution", LL, Numeric, 6, 11),
	fixed(37, "retrieval reference number", Text, 12),
	fixed(38, "approval code", Text, 6),
	fixed(40, "service code", Numeric, 3),
	fixed(41, "terminal", Text, 8),
	fixed(42, "card acceptor", Text, 15),
	variable(43, "card acceptor name and location", LL, Text, 1, 99),
	variable(48, "additional data", LLL, Private, 7, 999),
	fixed(49, "currency, transaction", Numeric, 3),
	fixed(50, "currency, reconciliation", Numeric, 3),
	fixed(51, "currency, cardholder billing", Numeric, 3),
	variable(54, "additional amounts", LLL, Text, 20, 120),
	variable(55, "ICC data", LLL, Binary, 1, 255).redacted(Hide),
	variable(62, "additional data 2", LLL, Private, 7, 999),
	variable(63, "transaction life-cycle id", LLL, Text, 16, 16),
	fixed(71, "message number", Numeric, 8),
	variable(72, "data record", LLL, Binary, 1, 999).redacted(Hide),
	fixed(73, "date, action", Numeric, 6),
	variable(93, "destination institution", LL, Numeric, 1, 11),
	variable(94, "originator institution", LL, Numeric, 1, 11),
	variable(95, "issuer reference data", LL, Numeric, 1, 10),
	variable(100, "receiving institution", LL, Numeric, 1, 11),
	variable(105, "multi-use transaction identification", LLL, Text, 1, 999),
	variable(111, "amount, currency conversion", LLL, Text, 1, 999),
	variable(123, "additional data 3", LLL, Private, 7, 999),
	variable(124, "additional data 4", LLL, Private, 7, 999),
	variable(125, "additional data 5", LLL, Private, 7, 999),
	variable(127, "network data", LLL, Text, 1, 999),
}
