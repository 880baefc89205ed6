package read

// The statements of the lists, for tests of how they are planned.
const (
	ListBreaks                  = listBreaks + youngestFirst
	ListOpenBreaks              = listBreaks + stillOpen + youngestFirst
	ListRejects                 = listRejects + latestFirst
	ListWaitingRejects          = listRejects + ` AND ` + waiting + latestFirst
	ListEvents                  = listEvents + latestEventFirst + `101`
	ListEventsOfKind            = listEvents + ` AND kind = $4` + latestEventFirst + `101`
	ListEventsOfActor           = listEvents + ` AND actor = $4` + latestEventFirst + `101`
	ListEventsOfObject          = listEvents + ` AND object_of = $4 AND object = $5` + latestEventFirst + `101`
	ListSubscriptions           = listSubscriptions
	ListSubscriptionsOfMerchant = listSubscriptionsOfMerchant
)
