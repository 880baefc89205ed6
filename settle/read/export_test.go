package read

// The statements of the lists, for tests of how they are planned.
const (
	ListRejects                 = listRejects
	ListSubscriptions           = listSubscriptions
	ListSubscriptionsOfMerchant = listSubscriptionsOfMerchant
)
