package settle

// Queued is how many payments of a merchant's lane wait for it.
func Queued(b *Books, merchant int32) int { return len(b.lane(merchant).queue) }

// PeriodKeys is the query that finds the orders of a period.
func PeriodKeys(by PeriodBy) string { return periodKeys[by] }
