package authorize

import (
	"settled/authorize/checkout"
	"settled/authorize/protocol"
)

// ServiceNames are what a service is called in SOAP, and the parameters that it has by their documented names.
type ServiceNames struct {
	Operation, Request string
	RPC                bool
	Needs, Takes       []string
}

// ServicesForTest are the names of all services by path.
func ServicesForTest() map[string]ServiceNames {
	all := map[string]ServiceNames{}
	for i := range services {
		s := &services[i]
		d := s.sheet.Describe(s.needs, s.takes, false)
		all[s.path] = ServiceNames{d.Operation, d.Request(), d.Encoded(), namesOf(s.needs), namesOf(s.takes)}
	}
	return all
}

// TakenForTest are the parameters that each service, the orders for the page too, may be given besides those that it needs.
func TakenForTest() map[string][]string {
	all := map[string][]string{}
	for i := range services {
		all[services[i].path] = namesOf(services[i].takes)
	}
	all[checkout.OrderPath], all[checkout.PayRequestPath] = namesOf(checkout.OrderParams), namesOf(checkout.OrderParams)
	return all
}

func namesOf(ids []protocol.Parameter) (names []string) {
	for _, id := range ids {
		names = append(names, id.Name())
	}
	return names
}

// ParameterUse says what becomes of a documented parameter: the services that have it by their paths, and whether it is
// known, or known and not used.
func ParameterUse(name string) (paths []string, known, unused bool) {
	id, known := protocol.Named(name)
	if id == protocol.Ignored {
		return nil, known, true
	}
	for i := range services {
		if known && services[i].accepts[id] != protocol.Skipped {
			paths = append(paths, services[i].path)
		}
	}
	if known && checkout.OrderAccepts[id] != protocol.Skipped {
		paths = append(paths, checkout.OrderPath, checkout.PayRequestPath)
	}
	return paths, known, false
}

// OldPathsForTest lists the paths that are answered in words only.
func OldPathsForTest() (paths []string) {
	for _, o := range oldPaths {
		paths = append(paths, o.path)
	}
	return paths
}

// HasWords tells whether a response code is one that answers can have.
func HasWords(code string) bool {
	var told protocol.Row
	told.Say(code, protocol.English)
	return told[protocol.OutMessage] != ""
}

// DescribesBuyer tells that a parameter describes the buyer or what he buys, and so never stops a sale.
func DescribesBuyer(name string) bool {
	id, known := protocol.Named(name)
	return known && id != protocol.Ignored && id.DescribesBuyer()
}
