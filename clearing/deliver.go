package clearing

import (
	"context"
	"time"
)

func (n *Night) deliverCenter(ctx context.Context, s *station, now time.Time) (int, error) {
	return 0, nil
}
func (n *Night) fetchCenter(ctx context.Context, s *station, now time.Time) (int, error) {
	return 0, nil
}
func (n *Night) applyCenter(ctx context.Context, s *station, now time.Time) (int, error) {
	return 0, nil
}
func (n *Night) watchReplies(ctx context.Context, s *station, now time.Time) (int, error) {
	return 0, nil
}
