// Package bench measures settled against named limits in the same run. A speed alone says little on a machine that others
// share, so every figure is a ratio: the product and its limit take turns, and the median ratio is printed as
//
//	ratio NAME VALUE goal >=GOAL
//
// for a script to read. The benchmarks and their limits:
//
//	auth      payments per second through HTTP, with both durable commits, over pgbench inserting the same rows
//	build     records per second from a sealed batch to stored, verified bytes, over COPY TO of the same columns
//	reply     exceptions per second from a stored reply to verdicts and postings, over COPY FROM of the same lines
//	upload    MB per second of a delivery, proof included, over OpenSSH's sftp
//	seal      milliseconds that a writer waits at a seal, with a thousand records in the batch and with a million
//	growth    each of these with millions of records stored, over the same without
//
// It starts its own durable PostgreSQL (fsync on), and for the upload OpenSSH's server where it is installed. Nothing is
// left behind.
package bench
