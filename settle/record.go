package settle

// RecordKind is the direction of a clearing record.
type RecordKind int16

// The kinds of records. The numbers are stored.
const (
	Sale   RecordKind = 1
	Credit RecordKind = 2
)

// RecordName names a clearing record by the order that it belongs to.
type RecordName struct {
	Merchant int32
	Order    int64
	Record   int64
}

// RejectState is what became of a refused record. The words are stored.
type RejectState string

// The states of rejects.
const (
	RejectUnresolved RejectState = "rejected"
	RejectSuperseded RejectState = "superseded" // it was presented again
	RejectAbandoned  RejectState = "abandoned"  // it was given up
)

// RejectedRecord names a record that a center refused.
type RejectedRecord struct {
	Merchant int32
	Order    int64
	Window   int32
	Record   int64
}
