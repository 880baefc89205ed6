package local

import (
	"context"
	"errors"
)

func embedded(context.Context) (string, error) { return "", errors.New("x") }
