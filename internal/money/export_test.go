package money

// Currencies returns every known currency in the order of the alphabetic codes.
func Currencies() []Currency {
	all := make([]Currency, len(iso4217))
	for i, c := range iso4217 {
		all[i] = c.numeric
	}
	return all
}
