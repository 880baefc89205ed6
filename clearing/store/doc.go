// Package store keeps the bytes of files and replies, and reads the records of a window in a stream: plain readers and writers, which know
// neither formats nor centers nor what anything is worth.
//
// Bytes are kept in chunks of about a MiB, packed and sealed, each bound to its place; those of a file of ours end with a whole message and
// tell the number of their first, so that one record is found without reading what is before it. Producer and store, and store and user, run
// side by side in a bounded memory.
//
// The package writes file_chunks and reply_chunks and nothing else. It reads records, their changes and what was set aside.
package store
