package pcsim

// ShopCheckvalue is the check value of a text with the secret word of a shop.
func ShopCheckvalue(s *Shop, x string) string { return s.checkvalue(x) }
