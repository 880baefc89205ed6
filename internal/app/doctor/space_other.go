//go:build !linux

package doctor

import "errors"

// spaceHere cannot be told.
func spaceHere(string) (free, whole uint64, err error) { return 0, 0, errors.ErrUnsupported }
