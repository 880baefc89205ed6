package telemetry

// Key says what the values of a key of log lines are.
type Key uint8

// What values are.
const (
	// KeyOther are words, texts, times, file names and numbers that are shorter than a card's: exchanges, records, batches, windows,
	// retrieval reference numbers (12 digits). Whatever looks like a card number in them is masked.
	KeyOther Key = iota + 1
	// KeyBill are bill numbers, also extended by an operation: those that we gave out stay whole.
	KeyBill
)

// Keys are all keys that our code logs under. A test goes through every place that logs, so that a new key has to be put here.
var Keys = map[string]Key{
	"billnumber": KeyBill, "examples": KeyBill, "notification": KeyBill, "order": KeyBill, "payment": KeyBill, "id": KeyBill,

	"calendar": KeyOther, "days": KeyOther, "ends": KeyOther, "first": KeyOther, "made": KeyOther, "mend": KeyOther, "removed": KeyOther,
	"accepted": KeyOther, "action": KeyOther, "ahead_by": KeyOther, "api": KeyOther, "at_center": KeyOther, "attempt": KeyOther,
	"attempts": KeyOther, "bank": KeyOther, "batches": KeyOther, "business_date": KeyOther, "by": KeyOther, "bytes": KeyOther,
	"call": KeyOther, "center": KeyOther, "component": KeyOther, "count": KeyOther, "differences": KeyOther, "drain": KeyOther,
	"duration": KeyOther, "err": KeyOther, "error": KeyOther, "exchange": KeyOther, "fields": KeyOther, "file": KeyOther,
	"files": KeyOther, "firstcode": KeyOther, "instead": KeyOther, "invariant": KeyOther, "job": KeyOther, "jobs": KeyOther,
	"late": KeyOther, "listener": KeyOther, "log": KeyOther, "merchant": KeyOther, "messages": KeyOther, "method": KeyOther, "metrics": KeyOther,
	"name": KeyOther, "next": KeyOther, "of": KeyOther, "operation": KeyOther, "outcome": KeyOther, "parameters": KeyOther,
	"path": KeyOther, "peer": KeyOther, "proof": KeyOther, "reason": KeyOther, "rejected": KeyOther,
	"reply": KeyOther, "request": KeyOther, "retry_in": KeyOther, "route": KeyOther, "rows": KeyOther, "schedule": KeyOther,
	"secondcode": KeyOther, "serve": KeyOther, "setting": KeyOther, "slot": KeyOther, "stack": KeyOther, "state": KeyOther,
	"status": KeyOther, "step": KeyOther, "stood_at": KeyOther, "title": KeyOther, "took": KeyOther, "transaction": KeyOther,
	"unknown": KeyOther, "value": KeyOther, "violations": KeyOther, "why": KeyOther, "window": KeyOther, "windows": KeyOther,
	"wish": KeyOther, "work": KeyOther, "changes": KeyOther, "content": KeyOther,
	"class": KeyOther, "erased": KeyOther, "held": KeyOther, "subject": KeyOther,
	"bin": KeyOther, "cause": KeyOther, "epoch": KeyOther, "generation": KeyOther, "purpose": KeyOther, "may_lack_since": KeyOther, "source": KeyOther, "until": KeyOther,
}
