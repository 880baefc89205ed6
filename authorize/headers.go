package authorize

// Values of headers, made once.
var noStore, noSniff = []string{"no-store"}, []string{"nosniff"}
