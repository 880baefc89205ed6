package authorize

import (
	"context"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
)

// service answers one route. A new service is one more entry of services and one sheet: formats, languages, service
// descriptions (WSDL) and the reading of requests follow from them.
type service struct {
	path   string
	sheet  *protocol.Layout
	format protocol.Format      // of the answer to a form that names none
	needs  []protocol.Parameter // parameters that must be given, besides the credentials
	takes  []protocol.Parameter // parameters that may be given, besides Format
	exact  []protocol.Parameter // those of takes that must have a value when they are given, because their absence means something
	guards []protocol.Parameter // those of takes whose absence means something, though an empty one may pass for an absent one
	second int                  // names the service's operation in errors
	reads  bool                 // it changes nothing
	handle func(*Gateway, context.Context, *tenants.Caller) (*reply, error)

	accepts [protocol.InCount]protocol.Taking // what becomes of each parameter
}
