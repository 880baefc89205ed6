package breaks

import "slices"

// Category is what a break is about. The codes are stored, shown and alerted on.
type Category string

// The categories. The numbers have gaps: they are those of the design, and a code never changes its meaning.
const (
	NotAtCenter       Category = "B-01"
	NotInBooks        Category = "B-02"
	ReplyOverdue      Category = "B-03"
	OtherTerms        Category = "B-04"
	PaidTwice         Category = "B-05"
	CreditWithoutSale Category = "B-06"
	OtherEnd          Category = "B-07"
	RecordAside       Category = "B-11"
	MessageStuck      Category = "B-16"
	WishUndone        Category = "B-27"
	FileNumbers       Category = "B-28"
	BooksLackFiles    Category = "B-29"
	FileTooLarge      Category = "B-30"
)

// String is the code.
func (c Category) String() string { return string(c) }

// KindOf is the row of a category; false: there is none.
func KindOf(c Category) (Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Category == c })
	if i < 0 {
		return Kind{}, false
	}
	return Kinds[i], true
}

// Closer is who may close a break.
type Closer string

// The closers.
const (
	ByBooks  Closer = "the books"             // they close it with the event that ends the difference
	ByPerson Closer = "a person"              // nothing that the books see ends it
	ByEither Closer = "the books or a person" // the books where they can end the difference, else a person
)

// Kind is a row of the table of breaks.
type Kind struct {
	Category Category
	Meaning  string
	Closer   Closer
	Closing  string // how it is closed, or what a person does about it
}

// Kinds are all that a break can be, in the order of their codes.
var Kinds = []Kind{
	{NotAtCenter, "our books have a payment as approved, the center's log has nothing of it", ByPerson, "ask the center"},
	{NotInBooks, "a center approved, gave back or refuses what our books know nothing of", ByEither,
		"the books when the reversal of an unknown approval is done; else a person finds out whose it is"},
	{ReplyOverdue, "a file was delivered and its reply is overdue", ByBooks, "when the reply is applied, or the file is sent again"},
	{OtherTerms, "a center or bank has another kind, time, amount or currency of a payment than our books", ByPerson,
		"find out which side is right, and give back what is too much"},
	{PaidTwice, "a bank reports money for an order that is paid already", ByPerson, "give it back"},
	{CreditWithoutSale, "a credit was presented and the center rejected its sale", ByPerson,
		"withdraw the credit while its window is open, else chase the sale"},
	{OtherEnd, "a payment ended at the center in another way than in our books", ByEither,
		"the books when the reversal is done; else a person decides"},
	{RecordAside, "a record was set aside and is in no file", ByBooks, "when it is presented again or given up"},
	{MessageStuck, "a message that a center is owed was refused for good, or got no answer for 24 hours", ByPerson,
		"ask the center, then have it repeated"},
	{WishUndone, "a payment is approved, and what its buyer wished with it could not be done for a day", ByPerson,
		"the log says why; tell the merchant"},
	{FileNumbers, "a file has no number, or few numbers are left for files", ByBooks, "when the file has its number, or there are enough again"},
	{BooksLackFiles, "a center has a file that the books lack", ByBooks, "when a person has resumed the center"},
	{FileTooLarge, "a reply or log at a center has more bytes than are read of one, and is left there", ByBooks, "when the file is gone or taken; ask the center what it is"},
}
