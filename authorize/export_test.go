package authorize

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
		d := describe(s)
		all[s.path] = ServiceNames{d.Operation, d.Request(), d.Encoded(), namesOf(s.needs), namesOf(s.takes)}
	}
	return all
}

func namesOf(ids []in) (names []string) {
	for _, id := range ids {
		names = append(names, params[id].name)
	}
	return names
}
