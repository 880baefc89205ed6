package protocol

// Namespaces of SOAP envelopes.
const (
	soapNS   = "http://schemas.xmlsoap.org/soap/envelope/"
	soap12NS = "http://www.w3.org/2003/05/soap-envelope"
)

// Namespaces of what stands in envelopes.
const (
	wsNS      = "http://www.paysecure.ru/ws/"      // requests and answers of the sectioned services
	messageNS = "http://www.paysecure.ru/message/" // those of the RPC services
	typeNS    = "http://www.paysecure.ru/type/"    // the type of their answers
	schemaNS  = "http://www.w3.org/2001/XMLSchema"
	rpcStyle  = "http://schemas.xmlsoap.org/soap/encoding/"
)
