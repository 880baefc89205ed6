package authorize

// ServiceNames are what a service is called in SOAP.
type ServiceNames struct {
	Operation, Request string
	RPC                bool
}

// ServicesForTest are the names of all services by path.
func ServicesForTest() map[string]ServiceNames {
	all := map[string]ServiceNames{}
	for i := range services {
		d := describe(&services[i])
		all[services[i].path] = ServiceNames{d.Operation, d.Request(), d.Encoded()}
	}
	return all
}
