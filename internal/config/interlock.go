package config

import "settled/internal/vault"

// interlock reads what the installation is, test or live, and finds everything in the file that says otherwise: a file
// that is mixed from two installations never starts. What is not said is test; what a mode leaves out follows.
func (c *checker) interlock(f File) {
	c.environment = oneOf(c, place{"environment"}, f.Environment, vault.Test, vault.Live)
	for i, center := range f.Centers {
		at := place{"centers", i, "environment"}
		own := oneOf(c, at, center.Environment, vault.Test, vault.Live)
		if own.Valid() && own != c.environment {
			c.fail(at, "the center is for %s, the installation for %s", own, c.environment)
		}
		if center.Clearing != nil {
			c.modeMatches(place{"centers", i, "clearing", "mode"}, center.Clearing.Mode)
		}
	}
	for i, m := range f.Merchants {
		at := place{"merchants", i, "test_mode"}
		if c.given(at) && m.TestMode != (c.environment == vault.Test) {
			c.fail(at, "is %t in a %s installation", m.TestMode, c.environment)
		}
	}
}

func (c *checker) modeMatches(at place, mode string) {
	if mode != "" && (mode == "test") != (c.environment == vault.Test) {
		c.fail(at, "%s files in a %s installation", mode, c.environment)
	}
}

// given reports whether the file says something at the place.
func (c *checker) given(at place) bool {
	node := c.root
	for _, step := range at {
		if node = child(node, step); node == nil {
			return false
		}
	}
	return true
}
