package protocol

import (
	"bytes"
	"strings"
)

// parseSOAP reads an envelope in place. The elements within the body's only element are the parameters: their names
// count in any case and in any namespace, unknown ones are skipped with all they hold, a second value is an error. The
// name of the body's element says at most that the request is of the document style: the path says which service is meant. The
// version of the envelope is also that of the answer.
func (c *Call) parseSOAP() error {
	if err := c.convertXML(); err != nil {
		return err
	}
	s := &xmlScanner{b: c.body}
	if err := s.begin(); err != nil {
		return err
	}
	if found, err := s.child(); err != nil || !found || !s.named("Envelope") {
		return orElse(err, "it holds no Envelope")
	}
	s.outer = append(s.outer, s.attributes...)
	switch s.namespace() {
	case soapNS:
	case soap12NS:
		c.Format = formatSOAP12
	default:
		return notXML("its namespace is not that of a version of SOAP")
	}
	if err := c.readEnvelope(s, s.namespace()); err != nil {
		return err
	}
	if found, err := s.child(); err != nil || found { // what follows the Envelope
		return orElse(err, "there is more than one")
	}
	return nil
}

func orElse(err error, why string) error {
	if err == nil {
		err = notXML(why)
	}
	return err
}

// named tells whether the element just opened has a local name.
func (s *xmlScanner) named(name string) bool {
	_, local := s.split()
	return string(local) == name
}

// readEnvelope reads what stands within the Envelope: a header, of which nothing may be mandatory, and the body.
func (c *Call) readEnvelope(s *xmlScanner, ns string) error {
	found, err := s.child()
	if err == nil && found && s.named("Header") && s.namespace() == ns {
		if err = s.readHeader(); err == nil {
			found, err = s.child()
		}
	}
	if err != nil || !found || !s.named("Body") || s.namespace() != ns {
		return orElse(err, "it holds no Body")
	}
	if found, err = s.child(); err != nil || !found {
		return orElse(err, "its Body is empty")
	}
	_, name := s.split()
	c.Document = strings.HasSuffix(string(name), documentRequest)
	if err := c.readParams(s); err != nil {
		return err
	}
	for range 2 { // after the body's element, after the Body
		if found, err = s.child(); err != nil || found {
			return orElse(err, "its Body holds more than one element")
		}
	}
	return nil
}

// readHeader steps over a header's entries. None is understood, so none may say that it has to be.
func (s *xmlScanner) readHeader() error {
	for {
		found, err := s.child()
		if err != nil || !found {
			return err
		}
		for _, a := range s.attributes {
			if v := string(a.value); strings.HasSuffix(string(a.name), ":mustUnderstand") && v != "0" && v != "false" {
				return notXML("it has a header that has to be understood")
			}
		}
		if err := s.skip(); err != nil {
			return err
		}
	}
}

// readParams reads the elements within the body's element.
func (c *Call) readParams(s *xmlScanner) error {
	for {
		found, err := s.child()
		if err != nil || !found {
			return err
		}
		_, local := s.split()
		id, known := lookUp(local)
		switch {
		case !known:
			err = c.readUnknown(s, local)
		case id == Ignored:
			err = s.skip()
		default:
			err = c.readParam(s, id)
		}
		if err != nil {
			return err
		}
	}
}

// readUnknown steps over an element. If it holds a text only, ListParameters may name it.
func (c *Call) readUnknown(s *xmlScanner, name []byte) error {
	around := s.depth - 1
	v, ok, err := s.value()
	switch {
	case err != nil:
		return err
	case ok:
		c.keepUnknown(name, v, false)
		return nil
	}
	return s.skipTo(around)
}

// readParam reads the text of a parameter. A value that stands elsewhere (href) must not pass for a missing one; an element that
// says that it has none (xsi:nil), as some clients write what was not set, is a missing one.
func (c *Call) readParam(s *xmlScanner, id Parameter) error {
	around := s.depth - 1
	_, elsewhere := s.attribute("href")
	none := s.isNil()
	v, ok, err := s.value()
	switch {
	case err != nil:
		return err
	case !ok || elsewhere:
		if err := c.lenient(id, Refuse(FirstFormat, params[id].second, params[id].name+" must be a text")); err != nil {
			return err
		}
		return s.skipTo(around)
	case none && len(v) == 0:
		return nil
	}
	return c.set(id, v)
}

// isNil tells whether the element just opened says that it has no value.
func (s *xmlScanner) isNil() bool {
	for _, a := range s.attributes {
		if v := string(a.value); bytes.HasSuffix(a.name, []byte(":nil")) && (v == "true" || v == "1") {
			return true
		}
	}
	return false
}
