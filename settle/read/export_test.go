package read

// The statements of the lists, for tests of how they are planned.
const (
	ListRejects                 = listRejects + latestFirst
	ListWaitingRejects          = listRejects + ` AND ` + waiting + latestFirst
	ListSubscriptions           = listSubscriptions
	ListSubscriptionsOfMerchant = listSubscriptionsOfMerchant
)
