package edge

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"settled/authorize/page"
	"settled/authorize/protocol"
)

// ForMerchants is the form of errors at the merchants' API: a page for browsers, for programs an error of the protocol in the format
// that they speak.
func ForMerchants(now func() time.Time) Form {
	return func(w http.ResponseWriter, r *http.Request, status int, id string) {
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			view := &page.View{Language: languageOf(r), Now: now(), Secure: r.TLS != nil, Body: page.Failure{Reason: reasonOf(status),
				Detail: strconv.Itoa(status) + " " + http.StatusText(status) + ", " + id}}
			if err := page.Serve(w, status, view); err == nil {
				return
			}
		}
		f := faultOf(status)
		f.Detail = http.StatusText(status) + ", " + id
		text, kind := protocol.Encode(nil, formatOf(r), protocol.ChargeLayout, &protocol.Answer{Fault: &f})
		w.Header()["Content-Type"] = kind
		w.WriteHeader(status)
		_, _ = w.Write(text) // who went away needs no answer
	}
}

func languageOf(r *http.Request) page.Language {
	if strings.HasPrefix(strings.ToLower(r.Header.Get("Accept-Language")), "ru") {
		return page.Russian
	}
	return page.English
}

func reasonOf(status int) page.Reason {
	switch {
	case status == http.StatusTooManyRequests:
		return page.ReasonBusy
	case status == http.StatusNotFound:
		return page.ReasonUnknown
	case status >= http.StatusInternalServerError:
		return page.ReasonSystem
	}
	return page.ReasonRequest
}

// formatOf is the format that a program takes or, where it does not say, sends.
func formatOf(r *http.Request) protocol.Format {
	said := strings.ToLower(r.Header.Get("Accept") + " " + r.Header.Get("Content-Type"))
	switch {
	case strings.Contains(said, "json"):
		return protocol.FormatJSON
	case r.Header.Get("Soapaction") != "", strings.Contains(said, "soap"):
		return protocol.FormatSOAP
	case strings.Contains(said, "xml"):
		return protocol.FormatXML
	}
	return protocol.FormatCSV
}

// faultOf is what the protocol calls a status.
func faultOf(status int) protocol.Fault {
	switch status {
	case http.StatusUnauthorized:
		return protocol.Fault{First: protocol.FirstAuthentication, Second: protocol.OnPassword}
	case http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		return protocol.Fault{First: protocol.FirstProhibited, Second: protocol.OnService}
	case http.StatusRequestTimeout:
		return protocol.Fault{First: protocol.FirstTimedOut, Second: protocol.OnService}
	case http.StatusTooManyRequests:
		return protocol.Fault{First: protocol.FirstLimits, Second: protocol.OnRate}
	}
	if status >= http.StatusInternalServerError {
		return protocol.Fault{First: protocol.FirstGeneral, Second: protocol.OnUnexpected}
	}
	return protocol.Fault{First: protocol.FirstFormat, Second: protocol.OnService}
}
