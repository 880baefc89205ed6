// Package clearing is the night: it turns the clearing records of a window into files, brings them to the processing
// center with proof, and applies what the center answers.
//
//	plan ─ window rows, 14 days ahead, from the center's calendar
//	seal ─ the window closes for writers; then totals, number, batches and their postings
//	build ─ a batch streamed once through the codec into exact bytes: hashed, stored, read back
//	release ─ at once, or by a person
//	deliver ─ over SFTP, with proof at each step; what cannot be proven is unknown and never guessed
//	fetch ─ replies are stored before they are read
//	apply ─ the verdict on a batch, in one transaction, exactly once
//
// # What decides
//
// Rows decide what is due, never a clock tick: [Night.Step] asks the rows and does everything due once, in order. Each step
// can also be called for one row (SealWindow, BuildBatch, Delivery.Deliver, ApplyReply), as a job queue does. All of them are
// idempotent, and all can be interrupted at any point and started again. A failure at one center never stops another.
//
// # What never changes
//
// A record belongs to its window from birth, so a seal that comes late changes nothing in the set (docs/seal.md). A batch
// holds the records of a window in one currency, with its totals per merchant at the prices of that night. A built file's
// bytes, name and number never change; a resend is the same bytes under the same name (docs/delivery.md). Acceptance is a
// fact of the batch; only rejected records cost a row.
//
// # What it does not know
//
// How records become bytes, and what an answer looks like: package clearing/format says it in the night's words, and an adapter for
// each format turns them into those of a codec. No file here imports one. How bytes are kept is package clearing/store, how they
// travel clearing/remote.
//
// # What it leaves to rooms of its own
//
// Package clearing/delivery brings files to the centers, clearing/inbox fetches their replies, and clearing/centerlog their own lists of what
// they authorized; all by the connections of clearing/dial. What the night has in common with them stands below: clearing/states (where
// everything stands, and the one table of steps), clearing/files (what a file is), clearing/rows (how rows are read) and clearing/pages (who
// is called). None of them knows the night.
//
// # Locks
//
// The seal shuts writers out with the lock of the center (package settle) for one short commit, and works afterwards under
// its own lock of center and stream. A delivery holds a lock of the center for its whole length, and a fencing token
// besides, for the case that the lock is lost. A verdict locks the reply, its file and its batch, and takes the center's
// lock for its last statements only, so that a cancel sees either all of its rejects or none.
package clearing
