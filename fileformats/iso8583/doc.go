// Package iso8583 reads and writes ISO 8583:1993 messages: the online dialect spoken with processing centers, and the
// message layer of IPM clearing files.
//
// # Design
//
// A dialect is a [Spec]: one table with a row per data element (number, name, length form, kind, what a log may show),
// and a [Charset]. Reader and writer walk the same table, so they cannot disagree about a width. Two dialects exist:
// [Online] (ASCII, eight-byte bitmap) and [IPM] (any charset, sixteen-byte bitmap).
//
// Values are text in UTF-8, or raw bytes for binary elements. Encoding turns each character into one byte of the
// charset, so lengths on the wire count encoded bytes; a character that the charset lacks is an error, never a question
// mark. A fixed alphanumeric element is space-filled on the right when written and trimmed when read; a fixed numeric
// element must have exactly its digits (use the Int setters, which zero-fill).
//
// There are two ways to write. A [Message] holds a whole message, is set in any order, and is reused from exchange to
// exchange; it is what the online side uses. An [Encoder] appends the elements in ascending order straight to a buffer
// and allocates nothing; it is what a file of a million records uses. Message.AppendTo is written with the Encoder.
//
// # Errors
//
// Every encoding and decoding failure is an [*Error] that names message type, data element and byte offset and wraps
// one of the sentinels of this package. Decoding is strict: unknown elements, wrong digits, impossible lengths,
// non-canonical bitmaps and left-over bytes are refused. Input can never cause a panic.
//
// # Card data
//
// A Message prints itself redacted ([Message.String]): the PAN as first six and last four, the card verification code
// and binary elements not at all. [Message.Reset] overwrites the values of the previous message.
package iso8583
