// Package delimited reads and writes clearing files of text lines whose fields are parted by one character, as smaller centers take
// them, and reads what such a center answers. docs/formats/delimited.md draws both.
//
// # Form
//
// A file is a header, a line per record, and a trailer that counts the records and adds their amounts up, whatever their direction.
// What centers do differently is the [Profile]: the character, the end of a line, how amounts are written, and which fields a record
// has in which order. One table ([Columns] lists its names) says of each field how it is written, read and checked; writer and reader
// both go by it.
//
// # Strictness
//
// What does not fit a field is refused with an [*Error], never cut. [Reader] refuses a line with a field too few or too many, a number
// that is none, and a file whose trailer differs from its lines.
//
// # Answers
//
// A center answers a file that it refused whole, or gives its account of one that it took: what it accepted per kind, and each line that it
// refused, copied, with field, value and reason below it ([AnswerReader]).
//
// Amounts are unsigned integers in minor units of the currency; direction is in the kind. Times are local to the card acceptor and have no
// zone.
package delimited
