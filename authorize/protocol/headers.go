package protocol

// Values of headers, made once.
var NoStore, NoSniff = []string{"no-store"}, []string{"nosniff"}
