package protocol

import "slices"

// Parameters that come together, as services take them.
var (
	BrowserParams = []Parameter{InUserAgent, InAcceptHeader, InBrowserInfo}
	BuyerParams   = []Parameter{inLastName, inFirstName, inMiddleName, InEmail, inAddress, inHomePhone, inWorkPhone, inMobilePhone, inFax,
		inCountry, inState, inCity, inZip}
	FilterParams = []Parameter{InTestMode, InMeansType, InOperationState, InOperationType, InDateTimeMode}
	// TermParams are the set that only comes whole, behind InRecurringIndicator.
	TermParams      = []Parameter{InRecurringMinAmount, InRecurringMaxAmount, InRecurringPeriod, InRecurringMaxDate}
	RecurringParams = append([]Parameter{InRecurringIndicator}, TermParams...)
)

// provenParams are what proofs of a request cover, in their order; provenIfSent follow when they are sent and not zero.
var (
	provenParams = [...]Parameter{InMerchant, InOrderNumber, InOrderAmount, InOrderCurrency}
	provenIfSent = [...]Parameter{InOrderMaxPoints, InCustomerNumber, InDisable3DS, InPrepayment}
)

func (id Parameter) skippedWhenZero() bool { return slices.Contains(provenIfSent[:], id) }
