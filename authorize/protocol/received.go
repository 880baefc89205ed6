package protocol

// received is a parameter as it came, before anything was changed in it.
type received struct {
	id    Parameter
	value []byte
}
