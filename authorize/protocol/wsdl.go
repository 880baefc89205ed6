package protocol

import (
	"bytes"
	"slices"
	"text/template"
)

// Description is what a service says of itself to SOAP clients (WSDL 1.1). It is made of the tables that requests are
// read with and answers are written with.
type Description struct {
	Name, Space, Operation string
	soap
	Needs, Takes     []string
	Fields, Customer []string // of an order
	Step             []string // of an operation; nil: the answer tells none
	Secure           []string // in the order, while it waits for 3-D Secure
	Check            []string // in the order
	After            []string // behind the order
}

// Describe describes the service of a layout, in the document style if that is asked for, whatever its own.
func (s *Layout) Describe(needs, takes []Parameter, document bool) Description {
	d := Description{Name: s.root, Space: wsNS, Operation: s.root, soap: s.soap, Fields: outTexts(s.flat), Step: outTexts(s.operation)}
	if document {
		d.soap = d.document()
	}
	if d.encoded {
		d.Space, d.Operation = messageNS, d.request
	}
	for _, id := range needs {
		d.Needs = append(d.Needs, id.Detail())
	}
	for _, id := range takes {
		if id == InFormat {
			continue // SOAP is answered in SOAP
		}
		d.Takes = append(d.Takes, id.Detail())
	}
	if s.flat == nil {
		d.Fields, d.Customer, d.Check = outTexts(s.order), outTexts(s.customer), outTexts(s.check)
	}
	if s.secure {
		d.Secure = secureNames[:]
	}
	if s.nested {
		d.Check, d.After = nil, outTexts(s.check)
	}
	return d
}

func outTexts(fields []Field) []string {
	var names []string
	for _, f := range fields {
		names = append(names, outNames[f])
	}
	return names
}

// Request is the element around the parameters.
func (d Description) Request() string { return d.request }

// Response is the element around the answer.
func (d Description) Response() string { return d.response }

// Inner is the element within it, empty when there is none.
func (d Description) Inner() string { return d.inner }

// Bare tells that the fields of the one order stand there themselves.
func (d Description) Bare() bool { return d.bare }

// Encoded tells that the style is RPC: each field carries its type.
func (d Description) Encoded() bool { return d.encoded }

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

// WSDL describes the service of a layout, with the parameters that it needs and takes, in the document style if that is asked for,
// whatever its own. The service's address belongs between the two texts.
func (s *Layout) WSDL(needs, takes []Parameter, document bool) (before, after []byte, err error) {
	var text bytes.Buffer
	err = wsdl.Execute(&text, s.Describe(needs, takes, document))
	before, after, _ = bytes.Cut(text.Bytes(), []byte(wsdlAddress))
	return before, after, err
}
