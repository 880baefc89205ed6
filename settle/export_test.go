package settle

// PeriodKeys is the query that finds the orders of a period.
func PeriodKeys(by PeriodBy) string { return periodKeys[by] }
