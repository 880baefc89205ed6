package authorize

import "strings"

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
		d := describe(s, false)
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
	all[orderPath], all[payRequestPath] = namesOf(orderParams), namesOf(orderParams)
	return all
}

func namesOf(ids []in) (names []string) {
	for _, id := range ids {
		names = append(names, params[id].name)
	}
	return names
}

// ParameterUse says what becomes of a documented parameter: the services that have it by their paths, and whether it is
// known, or known and not used.
func ParameterUse(name string) (paths []string, known, unused bool) {
	id, known := lowerNames[lowerASCII(name)]
	if id == ignored {
		return nil, known, true
	}
	for i := range services {
		if known && services[i].accepts[id] != skipped {
			paths = append(paths, services[i].path)
		}
	}
	if known && orderAccepts[id] != skipped {
		paths = append(paths, orderPath, payRequestPath)
	}
	return paths, known, false
}

// HasWords tells whether a response code is one that answers can have.
func HasWords(code string) bool { return hasWords(code) }

// OldPathsForTest lists the paths that are answered in words only.
func OldPathsForTest() (paths []string) {
	for _, o := range oldPaths {
		paths = append(paths, o.path)
	}
	return paths
}

// DescribesBuyer tells that a parameter describes the buyer or what he buys, and so never stops a sale.
func DescribesBuyer(name string) bool {
	for id, how := range describing {
		if how != refused && strings.EqualFold(params[id].name, name) {
			return true
		}
	}
	return false
}

// ParameterNames are all parameters by their documented names, those that are not used too.
func ParameterNames() []string {
	names := append([]string(nil), ignoredParams...)
	for _, p := range params {
		names = append(names, p.name)
	}
	return names
}

// CardRulesForTest says in words what becomes of a card number in each parameter that has room for one.
func CardRulesForTest() [][2]string {
	words := map[cardRule]string{cardOwn: "belongs there, or nothing of the value is kept", cardRefused: "refused with `14/n`", cardMasked: "masked: `411111******1111`",
		cardMaskedIn: "masked within its JSON", cardLeftOut: "the parameter is left out"}
	var all [][2]string
	for id, rule := range cardRules {
		if rule != cardShort {
			all = append(all, [2]string{params[id].name, words[rule]})
		}
	}
	return all
}
