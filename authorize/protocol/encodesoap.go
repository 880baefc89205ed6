package protocol

import (
	"net/http"
	"strconv"
)

// stringType is the type that a field of an RPC answer carries.
const stringType = ` xsi:type="xsd:string"`

// frame is what stands around an answer: the envelope, and within it the service's element.
type frame struct {
	open, answer, answerEnd, end []byte
	prefix                       string // of the envelope's elements
}

// framesOf makes the frames of a service in both versions of SOAP.
func framesOf(s soap) [2]frame {
	return [2]frame{s.frame(soapNS), s.frame(soap12NS)}
}

// frame keeps the prefixes of the documented samples: there are clients that look for them instead of reading XML.
func (s soap) frame(ns string) frame {
	const header = "<?xml version='1.0' encoding='utf-8'?>\n<"
	f := frame{prefix: "soapenv"}
	open, name := ` xmlns:ws="`+wsNS+`"><soapenv:Header/><soapenv:Body>`, "ws:"+s.response
	f.answer = []byte("<" + name + ">")
	if s.encoded {
		f.prefix, name = "SOAP-ENV", "ASS-NS:"+s.response
		open = ` xmlns:xsi="` + schemaNS + `-instance" xmlns:xsd="` + schemaNS + `" xmlns:SOAP-ENC="` + rpcStyle + `"` +
			encodingStyle(ns) + "><SOAP-ENV:Body" + encodingStyle(ns) + ">"
		f.answer = []byte("<" + name + ` xmlns:ASS-NS="` + messageNS + `">`)
	}
	f.open = []byte(header + f.prefix + ":Envelope xmlns:" + f.prefix + `="` + ns + `"` + open)
	f.end = []byte("</" + f.prefix + ":Body></" + f.prefix + ":Envelope>\n")
	if s.inner != "" {
		f.answer = append(append(append(append(f.answer, '<'), s.inner...), s.innerType()...), '>')
		f.answerEnd = []byte("</" + s.inner + ">")
	}
	f.answerEnd = append(f.answerEnd, "</"+name+">"...)
	return f
}

// innerType is the type that the structure of an RPC answer carries.
func (s soap) innerType() string {
	if !s.encoded {
		return ""
	}
	return ` xmlns:si="` + typeNS + `" xsi:type="si:SOAPStruct"`
}

// encodingStyle stands in the envelope in SOAP 1.1 only; 1.2 forbids it there.
func encodingStyle(ns string) string {
	if ns != soapNS {
		return ""
	}
	return ` SOAP-ENV:encodingStyle="` + rpcStyle + `"`
}

// frameOf is what stands around an answer in a version of SOAP.
func (s *Layout) frameOf(version int, a *Answer) *frame {
	if a.Document {
		return &s.documents[version]
	}
	return &s.frames[version]
}

func appendSOAP(dst []byte, s *Layout, a *Answer) []byte {
	f := s.frameOf(0, a)
	dst = append(dst, f.open...)
	if a.Fault != nil {
		dst = appendSOAPFault(dst, f.prefix, a.Fault)
	} else {
		dst = f.appendAnswer(dst, s, a)
	}
	return append(dst, f.end...)
}

func appendSOAP12(dst []byte, s *Layout, a *Answer) []byte {
	f := s.frameOf(1, a)
	dst = append(dst, f.open...)
	if a.Fault != nil {
		dst = appendSOAP12Fault(dst, f.prefix, a.Fault)
	} else {
		dst = f.appendAnswer(dst, s, a)
	}
	return append(dst, f.end...)
}

func (f *frame) appendAnswer(dst []byte, s *Layout, a *Answer) []byte {
	attribute := ""
	if s.soap.encoded && !a.Document {
		attribute = stringType
	}
	dst = append(dst, f.answer...)
	for i := range a.Orders {
		dst = appendSOAPOrder(dst, s, &a.Orders[i], attribute)
	}
	return append(dst, f.answerEnd...)
}

// appendSOAPOrder writes an order. What proves the answer stands behind the order where JSON has it outside, too.
func appendSOAPOrder(dst []byte, s *Layout, o *Entry, attribute string) []byte {
	if s.soap.minutes {
		short := *o
		short.Row[OutPacketDate] = withoutSeconds(short.Row[OutPacketDate])
		o = &short
	}
	if s.soap.bare {
		return appendSections(dst, s, o, attribute)
	}
	dst = appendSections(append(dst, "<order>"...), s, o, attribute)
	if s.flat == nil && !s.nested {
		dst = appendElements(dst, s.check, &o.Row, attribute)
	}
	dst = append(dst, "</order>"...)
	if s.nested {
		dst = appendElements(dst, s.check, &o.Row, attribute)
	}
	return dst
}

// withoutSeconds cuts an instant of timeFormat at its minute.
func withoutSeconds(at string) string { return at[:max(0, len(at)-len(":05"))] }

// appendSOAPFault tells the codes as this protocol does: numbers, where SOAP has qualified names.
func appendSOAPFault(dst []byte, prefix string, f *Fault) []byte {
	dst = append(append(append(dst, '<'), prefix...), ":Fault>"...)
	dst = appendCodes(dst, f)
	dst = append(dst, "<detail>"...)
	dst = appendMessage(dst, f)
	dst = append(dst, "</detail></"...)
	return append(append(dst, prefix...), ":Fault>"...)
}

func appendCodes(dst []byte, f *Fault) []byte {
	dst = strconv.AppendInt(append(dst, "<faultcode>"...), int64(f.First), 10)
	dst = strconv.AppendInt(append(dst, "</faultcode><faultstring>"...), int64(f.Second), 10)
	return append(dst, "</faultstring>"...)
}

func appendMessage(dst []byte, f *Fault) []byte {
	dst = appendText(append(dst, "<message>"...), f.Detail)
	return append(dst, "</message>"...)
}

// appendSOAP12Fault has the form that SOAP 1.2 demands, with the codes and the text in its detail.
func appendSOAP12Fault(dst []byte, prefix string, f *Fault) []byte {
	p, code := prefix+":", ":Sender"
	if f.Status >= http.StatusInternalServerError {
		code = ":Receiver"
	}
	dst = append(dst, "<"+p+"Fault><"+p+"Code><"+p+"Value>"+prefix+code+"</"+p+"Value></"+p+"Code><"+p+`Reason><`+p+`Text xml:lang="en">`...)
	dst = appendText(dst, f.Detail)
	dst = append(dst, "</"+p+"Text></"+p+"Reason><"+p+"Detail>"...)
	dst = appendMessage(appendCodes(dst, f), f)
	return append(dst, "</"+p+"Detail></"+p+"Fault>"...)
}
