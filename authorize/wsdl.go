package authorize

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"text/template"
)

// description is what a service says of itself to SOAP clients (WSDL 1.1). It is made of the tables that requests are
// read with and answers are written with.
type description struct {
	Name, Space, Operation string
	soap
	Needs, Takes     []string
	Fields, Customer []string // of an order
	Step             []string // of an operation; nil: the answer tells none
	Secure           []string // in the order, while it waits for 3-D Secure
	Check            []string // in the order
	After            []string // behind the order
}

// describe describes a service, in the document style if that is asked for, whatever its own.
func describe(s *service, document bool) description {
	d := description{Name: s.sheet.root, Space: wsNS, Operation: s.sheet.root, soap: s.sheet.soap, Fields: outTexts(s.sheet.flat),
		Step: outTexts(s.sheet.operation)}
	if document {
		d.soap = d.document()
	}
	if d.encoded {
		d.Space, d.Operation = messageNS, d.request
	}
	for _, id := range s.needs {
		d.Needs = append(d.Needs, lowerASCII(params[id].name))
	}
	for _, id := range s.takes {
		if id == inFormat {
			continue // SOAP is answered in SOAP
		}
		d.Takes = append(d.Takes, lowerASCII(params[id].name))
	}
	if s.sheet.flat == nil {
		d.Fields, d.Customer, d.Check = outTexts(s.sheet.order), outTexts(s.sheet.customer), outTexts(s.sheet.check)
	}
	if s.sheet.secure {
		d.Secure = secureNames[:]
	}
	if s.sheet.nested {
		d.Check, d.After = nil, outTexts(s.sheet.check)
	}
	return d
}

func outTexts(fields []out) []string {
	var names []string
	for _, f := range fields {
		names = append(names, outNames[f])
	}
	return names
}

// Request, Response and Inner are the elements around parameters and answers; Bare and Encoded the style.
func (d description) Request() string  { return d.request }
func (d description) Response() string { return d.response }
func (d description) Inner() string    { return d.inner }
func (d description) Bare() bool       { return d.bare }
func (d description) Encoded() bool    { return d.encoded }

// wsdl renders descriptions. Messages are documents, except of the RPC services, whose parts are the parameters.
var wsdl = template.Must(template.New("wsdl").Funcs(template.FuncMap{"concat": slices.Concat[[]string]}).Parse(
	`{{define "texts"}}{{range .}}<xsd:element name="{{.}}" type="xsd:string"/>
{{end}}{{end -}}
{{define "order"}}{{template "texts" .Fields}}{{if .Customer}}<xsd:element name="customer"><xsd:complexType><xsd:sequence>
{{template "texts" .Customer}}</xsd:sequence></xsd:complexType></xsd:element>
{{end}}{{if .Step}}<xsd:element name="operation" minOccurs="0" maxOccurs="unbounded"><xsd:complexType><xsd:sequence>
{{template "texts" .Step}}</xsd:sequence></xsd:complexType></xsd:element>
{{end}}{{if .Secure}}<xsd:element name="threedsdata" minOccurs="0"><xsd:complexType><xsd:sequence>
{{template "texts" .Secure}}</xsd:sequence></xsd:complexType></xsd:element>
{{end}}{{template "texts" .Check}}{{end -}}
{{define "answer"}}{{if .Bare}}{{template "order" .}}{{else -}}
<xsd:element name="order"{{if not .After}} minOccurs="0" maxOccurs="unbounded"{{end}}><xsd:complexType><xsd:sequence>
{{template "order" .}}</xsd:sequence></xsd:complexType></xsd:element>
{{template "texts" .After}}{{end}}{{end -}}
{{define "body"}}{{if .Encoded -}}
<soap:body use="encoded" namespace="{{.Space}}" encodingStyle="` + rpcStyle + `"/>{{else}}<soap:body use="literal"/>{{end}}{{end -}}
<?xml version="1.0" encoding="UTF-8"?>
<definitions name="{{.Name}}" targetNamespace="{{.Space}}" xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:tns="{{.Space}}"
 xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xsd="` + schemaNS + `"{{if .Encoded}} xmlns:si="` + typeNS + `"{{end}}>
<types>
{{if .Encoded -}}
<xsd:schema targetNamespace="` + typeNS + `"><xsd:complexType name="SOAPStruct"><xsd:sequence>
{{template "answer" .}}</xsd:sequence></xsd:complexType></xsd:schema>
{{else -}}
<xsd:schema targetNamespace="{{.Space}}">
<xsd:element name="{{.Request}}"><xsd:complexType><xsd:all>
{{template "texts" .Needs}}{{range .Takes}}<xsd:element name="{{.}}" type="xsd:string" minOccurs="0"/>
{{end}}</xsd:all></xsd:complexType></xsd:element>
<xsd:element name="{{.Response}}"><xsd:complexType><xsd:sequence>
{{if .Inner}}<xsd:element name="{{.Inner}}"><xsd:complexType><xsd:sequence>
{{template "answer" .}}</xsd:sequence></xsd:complexType></xsd:element>
{{else}}{{template "answer" .}}{{end -}}
</xsd:sequence></xsd:complexType></xsd:element>
</xsd:schema>
{{end -}}
</types>
<message name="{{.Name}}Request">
{{if .Encoded}}{{range concat .Needs .Takes}}<part name="{{.}}" type="xsd:string"/>
{{end}}{{else}}<part name="parameters" element="tns:{{.Request}}"/>
{{end}}</message>
<message name="{{.Name}}Response">
<part {{if .Encoded}}name="{{.Inner}}" type="si:SOAPStruct"{{else}}name="parameters" element="tns:{{.Response}}"{{end}}/>
</message>
<portType name="{{.Name}}PortType">
<operation name="{{.Operation}}"><input message="tns:{{.Name}}Request"/><output message="tns:{{.Name}}Response"/></operation>
</portType>
<binding name="{{.Name}}Binding" type="tns:{{.Name}}PortType">
<soap:binding style="{{if .Encoded}}rpc{{else}}document{{end}}" transport="http://schemas.xmlsoap.org/soap/http"/>
<operation name="{{.Operation}}"><soap:operation soapAction=""/>
<input>{{template "body" .}}</input><output>{{template "body" .}}</output></operation>
</binding>
<service name="{{.Name}}Service">
<port name="{{.Name}}Port" binding="tns:{{.Name}}Binding"><soap:address location="` + wsdlAddress + `"/></port>
</service>
</definitions>
`))

// wsdlAddress stands in a description where the service's address belongs.
const wsdlAddress = "{address}"

// wsdlPath is where a service is described.
func wsdlPath(service string) string { return strings.TrimSuffix(service, ".cfm") + ".wsdl" }

// serveDescription returns a handler that tells a service's description.
func (g *Gateway) serveDescription(s *service, document bool) http.HandlerFunc {
	var text bytes.Buffer
	err := wsdl.Execute(&text, describe(s, document))
	before, after, _ := bytes.Cut(text.Bytes(), []byte(wsdlAddress))
	return func(w http.ResponseWriter, r *http.Request) {
		if err != nil {
			g.Log.Error("service not described", "route", s.path, "error", err)
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		var b bytes.Buffer
		b.Write(before)
		_ = xml.EscapeText(&b, []byte(g.address(r)+s.path))
		b.Write(after)
		h := w.Header()
		h["Content-Type"], h["Cache-Control"], h["X-Content-Type-Options"] = encoders[FormatXML].contentType, noStore, noSniff
		_, _ = w.Write(b.Bytes())
	}
}

// address is where this installation is reached, without a path: as configured, or else as the caller reached it.
func (g *Gateway) address(r *http.Request) string {
	switch {
	case g.PublicURL != "":
		return strings.TrimSuffix(g.PublicURL, "/")
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
