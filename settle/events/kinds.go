package events

import "slices"

// Kind is what was done.
type Kind string

// The kinds. The words are stored; Kinds says what each means.
const (
	InstallationInit Kind = "installation.init"
	SchemaMigrated   Kind = "schema.migrate"

	KeysNew    Kind = "keys.new"
	KeysRotate Kind = "keys.rotate"
	KeysMove   Kind = "keys.move"
	KeysRevoke Kind = "keys.revoke"
	KeysRenew  Kind = "keys.renew"

	ConfigTakeUp Kind = "config.take-up"

	MerchantAdd      Kind = "merchant.add"
	MerchantSet      Kind = "merchant.set"
	MerchantPassword Kind = "merchant.password"
	MerchantSecret   Kind = "merchant.secret"

	WindowReplan      Kind = "window.replan"
	BatchSealNow      Kind = "batch.seal-now"
	BatchRebuild      Kind = "batch.rebuild"
	FileRelease       Kind = "file.release"
	FileRetry         Kind = "file.retry"
	FileResend        Kind = "file.resend"
	FileMarkDelivered Kind = "file.mark-delivered"
	ReplyReconsider   Kind = "reply.reconsider"
	CenterUnpark      Kind = "center.unpark"

	ReconRun     Kind = "recon.run"
	ReconApprove Kind = "recon.approve"
	ReconRetry   Kind = "recon.retry"

	RejectRepresent    Kind = "reject.represent"
	RejectAbandon      Kind = "reject.abandon"
	RecordHold         Kind = "record.hold"
	RecordRelease      Kind = "record.release"
	OrderRetry         Kind = "order.retry"
	OrderRefuse        Kind = "order.refuse"
	SubscriptionCancel Kind = "subscription.cancel"
	NotificationResend Kind = "notification.resend"

	RetentionRun Kind = "retention.run"

	BreakComment Kind = "break.comment"
	BreakAssign  Kind = "break.assign"

	BooksResume Kind = "books.resume"
)

// Meaning says what a kind is.
type Meaning struct {
	Kind      Kind
	Means     string
	Money     bool // it moves money or files: a reason is demanded
	Dangerous bool // a second person is to agree, once there are approvals
}

// Kinds are all kinds, in the order of docs/events.md.
var Kinds = []Meaning{
	{InstallationInit, "a new installation was written", false, false},
	{SchemaMigrated, "the database was brought to a newer schema", false, false},
	{KeysNew, "a key file was made", false, false},
	{KeysRotate, "a new key became the active one, of cards, links or fingerprints", false, false},
	{KeysMove, "the keys were sealed anew, by a key in another place", false, false},
	{ConfigTakeUp, "running processes took up a changed configuration, or began with it; the object is its content, `after` says what changed", false, false},
	{KeysRevoke, "a generation of links or fingerprints was made good for nothing", false, false},
	{KeysRenew, "stored cards were sealed anew", false, false},
	{MerchantAdd, "a merchant was added to the configuration file", false, false},
	{MerchantSet, "settings of a merchant were changed in the configuration file", false, false},
	{MerchantPassword, "a merchant got a new password", false, false},
	{MerchantSecret, "a merchant got a new secret word", false, false},
	{WindowReplan, "windows that hold nothing were planned anew: cut-offs and business dates", true, true},
	{BatchSealNow, "an open window was sealed before its cut-off", true, true},
	{BatchRebuild, "a batch whose file was refused whole gets a new file", true, true},
	{FileRelease, "a built file may go to its center", true, false},
	{FileRetry, "a file that waited or was stopped is tried at once", true, false},
	{FileResend, "the same bytes of a file go to its center again", true, false},
	{FileMarkDelivered, "a person's word was taken that a center has a file", true, true},
	{ReplyReconsider, "a quarantined reply may be applied", true, true},
	{CenterUnpark, "a center that refused our login, or showed another host key, is connected to again", false, false},
	{ReconRun, "a center is asked for its log of authorizations of a range again", false, false},
	{ReconApprove, "a held log of authorizations may be compared: what the books do not know is reversed", true, true},
	{ReconRetry, "the reversal of an unknown approval is owed again", true, false},
	{RejectRepresent, "a refused record is presented again", true, false},
	{RejectAbandon, "a refused refund was given up: the money is the merchant's again", true, true},
	{RecordHold, "a record was set aside", true, false},
	{RecordRelease, "a record that was set aside is presented", true, false},
	{OrderRetry, "a reversal or refund that was given up is owed again", true, false},
	{OrderRefuse, "an opened order was closed before its time was over", false, false},
	{SubscriptionCancel, "recurring payments were ended, what was stored for them destroyed", false, false},
	{NotificationResend, "a merchant's server is told a result again", false, false},
	{RetentionRun, "what was due was erased, before its job came to it", false, false},
	{BreakComment, "somebody said what he knows of a difference", false, false},
	{BreakAssign, "a difference was given to somebody, or taken from him", false, false},
	{BooksResume, "the books go on after their database was restored", true, true},
}

// MeaningOf says what a kind is; false: there is no such kind.
func MeaningOf(k Kind) (Meaning, bool) {
	i := slices.IndexFunc(Kinds, func(m Meaning) bool { return m.Kind == k })
	if i < 0 {
		return Meaning{}, false
	}
	return Kinds[i], true
}

// Valid tells that there is such a kind.
func (k Kind) Valid() bool {
	_, ok := MeaningOf(k)
	return ok
}
