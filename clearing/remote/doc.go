// Package remote is the connection to a center's file server: SFTP over SSH with pinned host keys, deadlines on every
// byte, and errors of a closed list of classes.
//
// It takes nothing on trust that a server or the library can get wrong. A write is a plain Write of large blocks, because
// the library's ReadFrom can lose the error of the last packet. A read asks for each packet by itself and insists on all of
// it, because the library's own reading ahead takes a short answer for the end of the file. A rename is the plain one, which must not
// replace an existing file.
package remote
